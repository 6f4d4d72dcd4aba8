"""Find issues in folders of years, page bundles, patterns and the repository of a website."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from PIL import Image as Pillow

from moza_mail import parse, project
from moza_mail.app import new_project
from moza_mail.errors import IssueError, ProjectError
from moza_mail.model.issue import Issue
from moza_mail.model.site import fill_url_pattern

ANSWERS = new_project.ProjectAnswers(title="Onze weekbrief", sender="redactie@example.org")


def write(root, *names, text="---\ntitle: Brief\ndate: 2026-01-14\n---\n\nTekst.\n"):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def opened(root, issues):
    (root / "moza-mail.toml").write_text(f'issues = "{issues}"\n')
    return project.find_project(root)


def listed(root, issues):
    return [path.relative_to(root).as_posix() for path in opened(root, issues).list_issues()]


class TestIssueFolder:
    def test_issues_in_year_folders_and_page_bundles_are_found_and_other_files_are_not(self, tmp_path):
        write(
            tmp_path, "content/weekly/_index.md", "content/weekly/README.md", "content/weekly/2025/2025-12-01.md",
            "content/weekly/2026/2026-01-14/index.md", "content/weekly/2026/2026-01-14/bijlage.md", "content/weekly/.obsidian/x.md",
            "content/weekly/2026/2026-01-21.markdown", "content/weekly/2026/.#2026-01-21.md", "content/over-ons.md",
        )  # fmt: skip
        assert listed(tmp_path, "content/weekly") == [
            "content/weekly/2025/2025-12-01.md",
            "content/weekly/2026/2026-01-14/index.md",
            "content/weekly/2026/2026-01-21.markdown",
        ]

    def test_a_page_that_lists_the_issues_is_not_an_issue(self, tmp_path):
        write(tmp_path, "src/brief/index.md", "src/brief/2026/index.md", "src/brief/2026/2026-01-14.md")
        assert listed(tmp_path, "src/brief") == ["src/brief/2026/2026-01-14.md"]

    def test_the_setting_can_be_a_pattern_for_files_or_folders(self, tmp_path):
        write(tmp_path, "_posts/2026-01-14-weekly.md", "_posts/2026-01-15-ander.md", "a/weekly/2026-01-14.md", "b/weekly/2026-01-21.md")  # fmt: skip
        assert listed(tmp_path, "_posts/*-weekly.md") == ["_posts/2026-01-14-weekly.md"]
        assert listed(tmp_path, "*/weekly") == ["a/weekly/2026-01-14.md", "b/weekly/2026-01-21.md"]
        assert opened(tmp_path, "_posts/*-weekly.md").issues_folder == tmp_path / "_posts"

    @pytest.mark.parametrize("value", ["", "/etc", "../brieven", "a/../../b", "~/brieven", "a\\\\b"])
    def test_issues_outside_the_project_are_refused(self, tmp_path, value):
        with pytest.raises(ProjectError, match="folder of the project"):
            opened(tmp_path, value)


class TestFindingAnIssue:
    def test_an_issue_is_found_by_name_by_page_bundle_and_by_path(self, tmp_path, monkeypatch):
        write(tmp_path, "brief/2026/2026-01-14/index.md", "brief/2026/2026-01-21.md")
        found = opened(tmp_path, "brief")
        monkeypatch.chdir(tmp_path)
        bundle = tmp_path / "brief/2026/2026-01-14/index.md"
        assert found.find_issue("2026-01-14") == bundle
        assert found.find_issue("brief/2026/2026-01-14").resolve() == bundle
        assert found.find_issue("2026-01-21") == tmp_path / "brief/2026/2026-01-21.md"

    def test_two_issues_with_one_name_are_listed_with_their_paths(self, tmp_path):
        write(tmp_path, "brief/2025/week-3.md", "brief/2026/week-3.md")
        with pytest.raises(IssueError, match="several issues have this name") as caught:
            opened(tmp_path, "brief").find_issue("week-3")
        assert "2025/week-3.md" in str(caught.value.hint)

    def test_an_image_of_a_website_is_found_in_its_static_folder(self, tmp_path):
        write(tmp_path, "brief/a.md")
        (tmp_path / "static/beeld").mkdir(parents=True)
        Pillow.new("RGB", (20, 10)).save(tmp_path / "static/beeld/plein.png")
        issue = parse.parse_issue(
            "---\ntitle: A\ndate: 2026-01-14\n---\n![Plein](/beeld/plein.png)\n", "brief/a.md"
        )
        images = opened(tmp_path, "brief").read_images(issue, tmp_path / "brief/a.md", column=576)
        assert list(images) == ["/beeld/plein.png"]


class TestIssueUrl:
    @pytest.mark.parametrize(
        ("title", "source", "slug", "path"),
        [
            ("MOZa Weekly 4 februari 2026", "2026-01-14.md", "2026-01-14", "2026/01/14/moza-weekly-4-februari-2026/"),
            ("Brief #3: hoi, één 'nieuw' & oud!", "a.md", "a", "2026/01/14/brief-3-hoi-één-nieuw-oud/"),
            ("Iets", "2026-01-14/index.md", "2026-01-14", "2026/01/14/iets/"),
            ("Iets", "2026-01-14.md", "eigen-naam", "2026/01/14/eigen-naam/"),
            ("!!!", "2026-01-14.md", "2026-01-14", "2026/01/14/2026-01-14/"),
        ],
    )  # fmt: skip
    def test_the_title_is_in_the_url_as_hugo_writes_it(self, title, source, slug, path):
        issue = Issue(title=title, date=date(2026, 1, 14), slug=slug, source=source)
        assert fill_url_pattern("{year}/{month}/{day}/{title}/", issue) == path


class TestInitInAWebsiteRepository:
    def create(self, root, **answers):
        return new_project.create(root, replace(ANSWERS, **answers), now=datetime(2026, 1, 10, 9, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("name", "settings", "view"),
        [
            ("hugo.yaml", "baseURL: https://www.example.org/\npermalinks:\n  page:\n    weekly: /weekly/:slug/\n", "weekly/{title}/"),
            ("hugo.toml", 'baseURL = "https://www.example.org/"\n[permalinks]\nweekly = "/nieuws/:year/:month/:contentbasename/"\n', "nieuws/{year}/{month}/{slug}/"),
            ("config.toml", 'baseURL = "https://www.example.org/"\n', "weekly/{year}/{slug}/"),
            ("config/_default/hugo.yaml", "baseurl: https://www.example.org/\n", "weekly/{year}/{slug}/"),
            ("hugo.json", '{"baseURL": "https://www.example.org/"}', "weekly/{year}/{slug}/"),
        ],
    )  # fmt: skip
    def test_the_folder_and_the_urls_come_from_the_settings_of_the_site(self, tmp_path, name, settings, view):
        write(tmp_path, name, text=settings)
        write(tmp_path, "content/weekly/2025/2025-12-17.md", "content/weekly/2026/2026-01-14.md", "content/blog/2026-01-01.md", "content/contact.md", "README.md")  # fmt: skip
        write(tmp_path, ".gitignore", text="/public/\n")
        created = self.create(tmp_path)
        found = project.find_project(tmp_path)
        assert created.first_issue == "content/weekly/2026/2026-01-14.md"
        assert found.config.issues == "content/weekly"
        assert found.config.site_url == "https://www.example.org/"
        assert found.config.view_url == f"https://www.example.org/{view}"
        assert (tmp_path / ".gitignore").read_text().startswith("/public/\n\n# Subscribers")
        assert "Tekst." in (tmp_path / "README.md").read_text()
        assert len(found.list_issues()) == 2

    def test_a_site_without_a_newsletter_gets_its_first_issue(self, tmp_path):
        write(tmp_path, "hugo.yaml", text="title: Site\n")
        write(tmp_path, "content/contact.md")
        created = self.create(tmp_path, site="https://www.example.net/")
        assert created.first_issue == "content/onze-weekbrief/2026-01-10.md"
        found = project.find_project(tmp_path)
        assert found.config.view_url == "https://www.example.net/onze-weekbrief/{slug}/"

    def test_an_unknown_permalink_pattern_leaves_view_url_empty(self, tmp_path):
        write(tmp_path, "hugo.yaml", text="permalinks:\n  weekly: /:sections/:slug/\n")
        write(tmp_path, "content/weekly/2026-01-14.md")
        self.create(tmp_path)
        assert project.find_project(tmp_path).config.view_url == ""
        assert "# view_url =" in (tmp_path / "moza-mail.toml").read_text()

    @pytest.mark.parametrize("text", ["[", "- a\n", "title: [", "\x00"])
    def test_with_unreadable_site_settings_the_project_is_an_ordinary_one(self, tmp_path, text):
        write(tmp_path, "hugo.yaml", text=text)
        assert self.create(tmp_path).first_issue == "issues/2026-01-10.md"
