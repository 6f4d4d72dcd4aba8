"""`subscribers list` and `segments`: filters by state, attributes and segments."""

import json

import pytest

from tests.support.project_folder import ISSUE, folder

LISTS = """
attributes = ["soort", "plaats"]

[weekly.segments.gemeenten]
description = "Alle gemeenten"
attribute = "soort"
is = "gemeente"
"""
PEOPLE = """email,name,soort,plaats
a@example.org,Zoë,gemeente,Gouda
b@gemeente.example,Bé,gemeente,Delft
c@example.org,C,rijk,Gouda
weg@example.org,W,gemeente,Gouda
"""


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    with (made.path / "subscribers" / "lists.toml").open("a") as file:
        file.write(LISTS)
    (made.path / "lezers.csv").write_text(PEOPLE)
    assert made.run("subscribers", "import", "--yes", "lezers.csv", "--consent", "formulier").code == 0
    assert made.run("subscribers", "unsubscribe", "weg@example.org").code == 0
    return made


def run_list(project, *options: str) -> list[str]:
    done = project.run("subscribers", "list", "--json", *options)
    assert done.code == 0, done.err
    return [json.loads(row)["email"] for row in done.out.splitlines()]


@pytest.mark.parametrize(
    ("options", "those"),
    [
        ((), "a@ b@ c@ weg@"),
        (("--state", "confirmed"), "a@ b@ c@"),
        (("--state", "unsubscribed"), "weg@"),
        (("--segment", "gemeenten"), "a@ b@ weg@"),
        (("--domain", "gemeente.example"), "b@"),
        (("--where", "plaats=Gouda", "--where", "soort=gemeente"), "a@ weg@"),
        (("--where", "name=Zoë"), "a@"),
        (("--segment", "gemeenten", "--state", "confirmed", "--domain", "EXAMPLE.org"), "a@"),
        (("--limit", "2"), "a@ b@"),
        (("--where", "plaats=' OR 1=1 --"), ""),
    ],
)
def test_subscribers_are_filtered_by_stored_values(project, options, those):
    found = run_list(project, *options)
    assert [address.partition("@")[0] + "@" for address in found] == those.split()


def test_on_a_terminal_columns_are_aligned_and_the_limit_is_shown(project):
    done = project.run("subscribers", "list", "--limit", "2")
    head, first, *_ = done.out.split("\n")
    assert head.split() == ["email", "name", "state", "since", "soort", "plaats"]
    assert first.split()[:3] == ["a@example.org", "Zoë", "confirmed"]
    assert head.index("soort") == first.index("gemeente")
    assert "These are the first 2" in done.err
    assert (
        "No subscriber of weekly matches" in project.run("subscribers", "list", "--domain", "example.com").err
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--state", "weg"), "--state is one of"),
        (("--segment", "weg"), "no segment `weg`"),
        (("--domain", "geen domein"), "is not a domain"),
        (("--where", "soort"), "is not NAME=VALUE"),
        (("--where", 'so"ort=x'), "cannot name an attribute"),
    ],
)
def test_an_invalid_filter_is_refused(project, options, says):
    done = project.run("subscribers", "list", *options)
    assert (done.code, says in done.err) == (2, True), done.err


def test_segments_are_listed_with_rule_size_and_excluded_subscribers(project):
    done = project.run("subscribers", "segments")
    assert done.out == (
        "gemeenten: Alle gemeenten\n"
        '  soort is "gemeente"\n'
        "  2 subscribers now (not: 1 unsubscribed, 1 not in segment)\n"
    )
    (one,) = project.run("subscribers", "segments", "--json").json
    assert (one["subscribers"], one["left_out"]) == (2, {"unsubscribed": 1, "not_in_segment": 1})


def test_a_subscriber_is_added_with_attributes(project):
    command = ("subscribers", "add", "d@example.org", "--consent", "mail")
    assert project.run(*command, "--set", "organisatie=KVK", "--set", "plaats=Den Haag = hier").code == 0
    assert run_list(project, "--where", "organisatie=KVK") == ["d@example.org"]
    shown = project.run("subscribers", "show", "d@example.org", "--json").json
    assert shown["attributes"] == {"organisatie": "KVK", "plaats": "Den Haag = hier"}
    for wrong in ("state=confirmed", "Naam=x", "naam=x", "a=b\x07", "a"):
        assert project.run(*command, "--set", wrong).code == 2


def test_bulk_access_is_logged_without_personal_values(project):
    def trail() -> list[str]:
        lines = project.run("privacy", "audit").out.splitlines()
        return [line.split("  ", 3)[3] for line in lines if line.split("  ")[2] == "export"]

    run_list(project)
    project.run("subscribers", "list", "--state", "confirmed", "--where", "plaats=Gouda", "--limit", "2")
    assert trail() == [
        "list weekly: listed",
        "list weekly: listed, 2 at most: state confirmed; by plaats",
    ]
    assert project.run("send", ISSUE, "--yes").code == 0
    project.run("status")
    project.run("status", "--json")
    project.run("status", "--csv", "--state", "accepted")
    assert len(trail()) == 2
    assert "a@example.org" in project.run("status", "--state", "accepted").out
    project.run("status", "--suppressed", "--json")
    assert trail()[2:] == [
        "mailing 1, list weekly: recipients of 2026-01-14 shown: state accepted",
        "mailing 1, list weekly: recipients of 2026-01-14 shown: suppressed by its replies",
    ]
