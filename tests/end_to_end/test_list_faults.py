"""A faulty table in lists.toml stops its own list, and no other list."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.project_folder import ISSUE, folder
from tests.support.public_site import serve_site

READERS = 3
WRONG = '\n[monthly]\ntitle = "Monthly"\nsender = "monthly@example.org"\ncolour = "red"\n'
FAULT = "lists.toml, line 17: `monthly.colour` is not a known key"


def right(text):
    return text.replace('colour = "red"\n', "")


@pytest.fixture
def project(tmp_path):
    """A project with two lists. The table of `monthly` becomes faulty after its subscribers were imported."""
    project = folder(tmp_path)
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + right(WRONG))
    project.add_readers(READERS)
    done = project.run(
        "subscribers", "import", "readers.csv", "--yes", "--list", "monthly", "--consent", "test"
    )
    assert done.code == 0, done.err
    lists.write_text(lists.read_text().replace(right(WRONG), WRONG))
    return project


def make_due(project, path, *more):
    at = f"{datetime.now(UTC) - timedelta(minutes=5):%Y-%m-%d %H:%M}Z"
    text = (project.path / ISSUE).read_text()
    rows = "".join(f"{row}\n" for row in (f"send_at: {at}", *more))
    (project.path / path).write_text(text.replace("---\n", f"---\n{rows}", 1))


def test_due_issues_of_other_lists_are_mailed_and_the_faulty_list_is_reported_once(project):
    make_due(project, "issues/2026-01-15.md", "list: monthly", "slug: month")
    make_due(project, ISSUE)
    first = project.run("send", "--due")
    assert first.code == 3
    assert first.err.count(FAULT) == 1
    assert {message["From"] for message in project.outbox()} == {"MOZa Weekly <weekly@example.org>"}
    assert len(project.outbox()) == READERS
    assert (project.run("send", "--due").code, len(project.outbox())) == (0, READERS)

    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(right(lists.read_text()))
    assert project.run("send", "--due").code == 0
    assert len(project.outbox()) == 2 * READERS


def test_status_reports_the_faulty_list_and_shows_the_mailing_of_another(project):
    assert project.run("send", ISSUE, "--yes").code == 0
    done = project.run("status")
    assert done.code == 3
    assert FAULT in done.err
    assert f"{READERS} accepted" in done.out
    assert project.run("status", ISSUE, "--state", "accepted").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("check", ISSUE),
        ("send", ISSUE, "--dry-run"),
        ("subscribers", "list"),
        ("subscribers", "export"),
        ("bounces", "maildir:mail"),
        ("new", "--date", "2026-01-21"),
    ],
    ids=" ".join,
)
def test_a_command_for_another_list_works(project, command):
    for name in ("new", "cur", "tmp"):
        (project.path / "mail" / name).mkdir(parents=True)
    done = project.run(*command)
    assert done.code == 0, done.err


@pytest.mark.parametrize("command", ["list", "export"])
def test_a_command_for_the_faulty_list_gives_its_file_and_line(project, command):
    done = project.run("subscribers", command, "--list", "monthly")
    assert done.code == 2
    assert FAULT in done.err


@pytest.mark.parametrize("command", [("schedule", "--check"), ("doctor", "--offline")], ids=" ".join)
def test_schedule_check_and_doctor_name_the_faulty_list(project, command):
    done = project.run(*command)
    assert done.code == 3, done.err
    assert FAULT in done.out + done.err


@pytest.mark.parametrize(
    ("slug", "code", "named"),
    [("monthly", 2, FAULT), ("weekyl", 2, "there is no list `weekyl`"), ("weekly", 1, "no mailing yet")],
)
def test_status_without_a_mailing_describes_the_fault_of_the_list(project, slug, code, named):
    done = project.run("status", "--list", slug)

    assert done.code == code
    assert named in done.err


def test_without_a_default_list_the_only_usable_list_is_not_chosen_automatically(project):
    settings = project.path / "moza-mail.toml"
    settings.write_text(settings.read_text().replace('default_list = "weekly"\n', ""))
    done = project.run("send", ISSUE, "--yes")
    assert done.code == 2
    assert "no list is named" in done.err
    assert not project.outbox()


def test_a_file_that_is_not_toml_stops_every_list_and_is_reported_once(project):
    make_due(project, ISSUE)
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(f"{lists.read_text()}\n[[[\n")
    first, second = project.run("send", "--due"), project.run("send", "--due")
    assert (first.code, second.code) == (3, 0)
    assert first.err.count("is not TOML") == 1
    assert not project.outbox()


def test_serve_shows_the_other_lists_and_lets_subscribers_leave_the_faulty_list(project):
    with serve_site(project) as site, site.client() as web:
        assert web.get(f"{site.url}/lists/weekly").status_code == 200
        health = web.get(f"{site.url}/healthz").text
        assert health == "attention: 1 of the lists cannot be used: correct it, then restart\n"
        form = web.get(f"{site.url}/lists/monthly")
        assert (form.status_code, form.headers["Retry-After"]) == (503, "60")

        leave = site.links.make_unsubscribe_url("monthly", 1)
        assert "monthly" in web.get(leave).text
        assert web.post(leave, data={"List-Unsubscribe": "One-Click"}).text == "unsubscribed\n"
        assert web.get(site.links.make_unsubscribe_url("yearly", 1)).status_code == 404
    states = project.run("subscribers", "show", "lezer0@example.org", "--json").json["subscriptions"]
    assert {one["list"]: one["state"] for one in states} == {
        "weekly": "confirmed",
        "monthly": "unsubscribed",
    }
