"""Everybody in a file unsubscribed, suppressed or erased at once."""

import pytest

from tests.support.project_folder import folder

PEOPLE = "email,naam\na@example.org,A\nb@example.org,B\nc@example.org,C\n"
FILE = "A@example.org\nB <b@example.org>\nnobody@example.org\n"


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    (project.path / "lezers.csv").write_text(PEOPLE)
    (project.path / "weg.txt").write_text(FILE)
    done = project.run("subscribers", "import", "--yes", "lezers.csv", "--consent", "formulier")
    assert done.code == 0
    return project


def count_by_state(project) -> dict[str, int]:
    rows = project.run("subscribers", "export").out.splitlines()[1:]
    states = [row.split(",")[2] for row in rows]
    return {state: states.count(state) for state in set(states)}


def test_a_bulk_action_shows_its_plan_and_asks_before_it_changes_anybody(project):
    asked = project.run("subscribers", "unsubscribe", "--file", "weg.txt")
    assert (asked.code, "2 to change, 0 were changed before, 1 are not known here" in asked.err) == (2, True)
    assert count_by_state(project) == {"confirmed": 3}

    done = project.run("subscribers", "unsubscribe", "--file", "weg.txt", "--yes", "--json").json
    assert (done["changed"], done["unknown"], done["list"]) == (2, 1, "weekly")
    assert count_by_state(project) == {"confirmed": 1, "unsubscribed": 2}
    again = project.run("subscribers", "unsubscribe", "--file", "weg.txt", "--yes", "--json").json
    assert (again["changed"], again["done_before"]) == (0, 2)


def test_addresses_in_a_file_are_suppressed_with_a_reason_even_if_unknown(project):
    done = project.run(
        "subscribers", "suppress", "--file", "weg.txt", "--evidence", "blokkeerlijst", "--yes", "--json"
    )
    assert done.json["changed"] == 3
    assert count_by_state(project) == {"confirmed": 1, "suppressed": 2}
    shown = project.run("subscribers", "show", "nobody@example.org").out
    assert "blokkeerlijst" in shown


def test_people_in_a_file_are_erased_and_each_has_an_audit_entry(project):
    done = project.run("subscribers", "erase", "--file", "weg.txt", "--yes")
    assert (done.code, "weg.txt contains the addresses: delete it" in done.err) == (0, True)
    assert (project.path / "lezers.csv").read_text() == "email,naam\nc@example.org,C\n"
    assert (project.path / "weg.txt").read_text() == FILE
    assert count_by_state(project) == {"confirmed": 1}
    (project.path / "lezers.csv").write_text(PEOPLE)
    again = project.run(
        "subscribers", "import", "--yes", "lezers.csv", "--consent", "formulier", "--json"
    ).json
    assert (again["erased"], again["unchanged"]) == (2, 1)
    for wrong in ((), ("a@example.org", "--file", "weg.txt")):
        assert project.run("subscribers", "erase", *wrong, "--yes").code == 2
