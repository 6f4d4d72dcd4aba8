"""Sending to a segment: its recipients, those left out and why, and that nobody gets an issue twice."""

import pytest

from tests.support.project_folder import ISSUE, folder

LISTS = """
attributes = ["soort"]

[weekly.segments.gemeenten]
description = "Gemeenten en wie er werkt"
any = [{ attribute = "soort", is = "gemeente" }, { domain = "gemeente.example" }]

[weekly.segments.rijk]
attribute = "soort"
is = "rijk"

[weekly.segments.niemand]
attribute = "soort"
is = "bestaat niet"
"""
PEOPLE = """email,name,soort
a@example.org,A,gemeente
b@gemeente.example,B,
c@example.org,C,rijk
d@example.org,D,Gemeente
weg@example.org,W,gemeente
stop@example.org,S,gemeente
"""


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    with (made.path / "subscribers" / "lists.toml").open("a") as file:
        file.write(LISTS)
    (made.path / "lezers.csv").write_text(PEOPLE)
    assert made.run("subscribers", "import", "--yes", "lezers.csv", "--consent", "formulier").code == 0
    assert made.run("subscribers", "unsubscribe", "weg@example.org").code == 0
    assert made.run("subscribers", "suppress", "stop@example.org", "--evidence", "belde").code == 0
    return made


def recipients(project) -> set[str]:
    return {message["To"].addresses[0].addr_spec for message in project.outbox()}


def rule(project, before: str, after: str) -> None:
    path = project.path / "subscribers" / "lists.toml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def test_only_the_segment_is_mailed_and_the_plan_counts_the_excluded(project):
    dry = project.run("send", ISSUE, "--segment", "gemeenten", "--dry-run", "--json")
    sent = project.run("send", ISSUE, "--segment", "gemeenten", "--yes", "--json")

    assert "to       2 of weekly (not: 1 unsubscribed, 1 suppressed, 2 not in segment)" in sent.err
    assert 'segment  gemeenten: soort is "gemeente" or the address is at "gemeente.example"' in sent.err
    assert (dry.json["messages"], dry.json["segment"]["name"]) == (2, "gemeenten")
    assert sent.json["segment"] == {
        "name": "gemeenten",
        "rule": 'soort is "gemeente" or the address is at "gemeente.example"',
    }
    assert recipients(project) == {"a@example.org", "b@gemeente.example"}
    assert "to weekly (segment gemeenten)" in project.run("status").out


def test_the_same_issue_does_not_go_to_another_segment_or_to_all(project):
    assert project.run("send", ISSUE, "--segment", "gemeenten", "--yes").code == 0

    for options in ((), ("--segment", "rijk")):
        for how in (("--yes",), ("--dry-run",)):
            again = project.run("send", ISSUE, *options, *how)
            assert again.code == 1
            assert "went to segment `gemeenten` of `weekly`" in again.err
            assert "so that nobody gets it twice" in again.err
            assert "moza-mail send 2026-01-14 --segment gemeenten" in again.err
    assert len(recipients(project)) == 2
    assert project.run("send", ISSUE, "--segment", "gemeenten", "--yes").code == 0
    assert len(project.outbox()) == 2


def test_an_issue_that_went_to_the_whole_list_does_not_go_to_a_segment(project):
    assert project.run("send", ISSUE, "--yes").code == 0
    again = project.run("send", ISSUE, "--segment", "rijk", "--yes")
    assert (again.code, "went to the whole list `weekly`" in again.err) == (1, True)


def test_a_changed_segment_rule_adds_nobody_to_a_mailing_in_progress(project):
    assert project.run("send", ISSUE, "--segment", "gemeenten", "--yes", "--limit", "1").code == 0
    rule(project, 'is = "gemeente"', 'is = "rijk"')

    done = project.run("send", ISSUE, "--segment", "gemeenten", "--yes", "--json")

    assert done.json["segment"]["rule"].startswith('soort is "gemeente"')
    assert recipients(project) == {"a@example.org", "b@gemeente.example"}


@pytest.mark.parametrize(
    ("segment", "code", "says"),
    [
        ("gementen", 2, "the list weekly has no segment `gementen`"),
        (
            "niemand",
            1,
            "nobody on the list weekly (segment niemand) can be mailed (not: 1 unsubscribed, 1 suppressed, 4 not in segment)",
        ),
    ],
)
def test_an_unknown_or_empty_segment_mails_nobody(project, segment, code, says):
    done = project.run("send", ISSUE, "--segment", segment, "--yes")
    assert (done.code, says in done.err) == (code, True), done.err
    assert project.outbox() == []


def test_an_approval_is_valid_for_one_segment_and_its_rule(project):
    project.set(approval="required")
    assert project.run("approve", ISSUE, "--yes").code == 0
    other = project.run("send", ISSUE, "--segment", "rijk", "--yes")
    assert (other.code, "may not be sent" in other.err) == (1, True), other.err
    assert project.run("approve", ISSUE, "--segment", "rijk", "--yes").code == 0
    rule(project, 'is = "rijk"', 'is = "gemeente"')
    assert project.run("send", ISSUE, "--segment", "rijk", "--yes").code == 1
    rule(project, 'attribute = "soort"\nis = "gemeente"', 'attribute = "soort"\nis = "rijk"')
    assert project.run("send", ISSUE, "--segment", "rijk", "--yes").code == 0
    assert recipients(project) == {"c@example.org"}
