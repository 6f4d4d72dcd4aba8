"""The next issue, made from the last one with the commands of an author."""

import pytest

from tests.support.project_folder import ISSUE, SHARED_WEEKLIES, folder

NEXT = "issues/2026-01-21.md"


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def set_list(project, *rows):
    path = project.path / "subscribers" / "lists.toml"
    path.write_text("\n".join([path.read_text(), *rows, ""]))


def test_new_writes_next_weeks_issue_and_lists_past_events(project):
    project.set(default_list="weekly")
    done = project.run("new")
    assert done.code == 0
    assert done.out.startswith(f"{NEXT}: MOZa Weekly 21 januari 2026\n")
    assert "2026-01-15  Klankbordgroep" in done.out
    assert "2026-01-19 to 2026-01-20  Werkplaats Begrijpelijke Brieven" in done.out
    shown = project.run("show", "2026-01-21", "--json").json
    assert (shown["title"], shown["date"]) == ("MOZa Weekly 21 januari 2026", "2026-01-21")
    assert [event["dates"] for event in shown["sections"][-1]["events"]] == [
        ["2026-02-05"],
        ["2026-02-11"],
        [],
    ]


def test_the_new_issue_lacks_only_what_is_still_to_be_written(project):
    project.run("new")
    checked = project.run("check", NEXT, "--json")
    assert checked.code == 3
    assert {one["rule"] for one in checked.json["findings"] if one["severity"] != "info"} <= {
        "empty-item",
        "lists",
    }
    path = project.path / NEXT
    path.write_text(
        path.read_text().replace("* \n", "* **Nieuws**: er is een brug geopend, en daar zijn we blij mee.\n")
    )
    assert project.run("check", NEXT).code == 0


def test_json_output_has_the_file_and_each_event(project):
    made = project.run("new", "--date", "2026-02-06", "--from", ISSUE, "--json").json
    assert (made["issue"], made["date"], made["since"]) == (
        "issues/2026-02-06.md",
        "2026-02-06",
        "2026-01-14",
    )
    assert [event["title"] for event in made["kept"]] == [
        "Dag van de Gegevens 2026",
        "MOZa Pulse: wordt binnenkort weer gepland",
    ]
    assert made["passed"][-1] == {
        "title": "Hackathon Eén Loket",
        "when": "5 februari",
        "dates": ["2026-02-05"],
        "group": "",
    }


def test_new_never_overwrites_a_file(project):
    path = project.path / NEXT
    path.write_text("van een ander")
    refused = project.run("new", "--from", ISSUE)
    assert refused.code == 1
    assert f"{NEXT}: the file exists already; nothing was written" in refused.err
    assert path.read_text() == "van een ander"


def test_new_starts_from_the_latest_date_and_skips_unreadable_issues(project):
    (project.path / "issues" / "2026-03-01.md").write_text("geen nummer")
    (project.path / "issues" / "kort.md").write_text(
        "---\ntitle: Kort\ndate: 2026-02-18\n---\n## Nieuws\n\nx\n"
    )
    done = project.run("new")
    assert done.out.startswith("issues/2026-02-25.md: Kort")
    assert "Skipped: " in done.err
    assert "2026-03-01.md" in done.err


def test_a_list_with_a_schedule_gets_its_day_its_title_and_a_draft(project):
    set_list(project, 'schedule = "thu 09:00"', 'issue_title = "Weekly van {date}"')
    done = project.run("new")
    assert done.out.startswith("issues/2026-01-22.md: Weekly van 22 januari 2026\n")
    assert "\ndraft: true\n---\n" in (project.path / "issues" / "2026-01-22.md").read_text()
    assert "draft" in done.err


@pytest.mark.parametrize("schedule", ["woensdag", "wed 25:00", "wed 09:00 Europa/Amsterdam"])
def test_an_invalid_schedule_is_reported_with_its_line(project, schedule):
    set_list(project, f'schedule = "{schedule}"')
    refused = project.run("new")
    assert refused.code == 2
    assert "lists.toml, line" in refused.err
    assert "`weekly.schedule`" in refused.err


def test_without_issues_the_hint_explains_how_to_begin(project):
    (project.path / ISSUE).unlink()
    refused = project.run("new")
    assert refused.code == 1
    assert "no issue to start from" in refused.err


@pytest.mark.parametrize("source", SHARED_WEEKLIES, ids=lambda path: path.stem)
def test_the_issue_after_a_real_weekly_can_be_checked(project, source):
    target = project.path / "issues" / source.name
    target.write_bytes(source.read_bytes())
    made = project.run("new", "--from", str(target), "--json")
    assert made.code == 0, made.err
    checked = project.run("check", made.json["issue"], "--json")
    errors = {one["rule"] for one in checked.json["findings"] if one["severity"] == "error"}
    assert errors <= {"empty-item", "lists", "placeholder"}
