"""The repository of a website is the project: its issues are in folders of years."""

import shutil

import pytest

from tests.support.project_folder import ISSUE, folder

SITE = "content/weekly"


@pytest.fixture
def project(tmp_path):
    """Return a project whose issues are in folders of years, beside the page that lists them."""
    made = folder(tmp_path)
    (made.path / SITE / "2025").mkdir(parents=True)
    (made.path / SITE / "2026").mkdir()
    (made.path / SITE / "_index.md").write_text("---\ntitle: Alle brieven\n---\n\nHier staan ze.\n")
    text = (made.path / ISSUE).read_text()
    (made.path / SITE / "2026/2026-01-14.md").write_text(text)
    bundle = made.path / SITE / "2025/2025-12-17"
    bundle.mkdir()
    (bundle / "index.md").write_text(
        "---\ntitle: MOZa Weekly 17 december 2025\n---\n\n## Nieuws\n\nEr is nieuws van dit jaar.\n"
    )
    shutil.rmtree(made.path / "issues")
    made.set(issues=SITE, default_list="weekly", site_url="https://www.example.org/", view_url="https://www.example.org/weekly/{slug}/")  # fmt: skip
    return made


def test_new_writes_the_issue_in_the_folder_of_the_new_year(project):
    made = project.run("new", "--date", "2027-01-06")
    assert made.code == 0, made.err
    assert (project.path / SITE / "2027/2027-01-06.md").is_file()
    assert project.run("check", "2027-01-06", "--json").json["issue"].endswith(f"{SITE}/2027/2027-01-06.md")


def test_new_makes_a_page_bundle_if_the_last_issue_is_one(project):
    made = project.run("new", "--from", "2025-12-17", "--date", "2025-12-24")
    assert made.code == 0, made.err
    assert "24 december 2025" in (project.path / SITE / "2025/2025-12-24/index.md").read_text()


def test_the_archive_has_the_issues_of_all_years(project):
    assert project.run("archive", "build", "site", "--all-before", "2027-01-01").code == 0
    assert (project.path / "site/2025-12-17/index.html").is_file()
    assert (project.path / "site/2026-01-14/index.html").is_file()


def test_an_issue_in_a_folder_per_year_is_sent_once_when_it_is_due(project):
    bundle = project.path / SITE / "2025/2025-12-17/index.md"
    bundle.write_text(bundle.read_text().replace("---\n\n", "send_at: 2025-12-17 09:00\n---\n\n", 1))
    project.set(max_age="9999d")
    project.run("subscribers", "add", "lezer@example.org", "--list", "weekly", "--consent", "gevraagd")
    first = project.run("send", "--due")
    assert first.code == 0, first.err
    subjects = [str(mail["Subject"]) for mail in project.outbox()]
    assert set(subjects) == {"MOZa Weekly 17 december 2025"}
    project.run("send", "--due")
    assert len(list(project.outbox())) == len(subjects)


def test_two_due_issues_with_the_same_slug_are_an_error(project):
    for year in ("2025", "2026"):
        (project.path / SITE / year / "kerst.md").write_text(
            f"---\ntitle: Kerst {year}\ndate: {year}-12-24\nsend_at: {year}-12-24 09:00\n---\n\nFijne dagen gewenst.\n"
        )
    done = project.run("send", "--due")
    assert done.code != 0
    assert "has the same slug, `kerst`" in done.err
    found = project.run("check", f"{SITE}/2026/kerst.md", "--json").json["findings"]
    assert "duplicate-slug" in {one["rule"] for one in found}
