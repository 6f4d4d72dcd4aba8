"""Front matter as people and website generators write it."""

from datetime import date

import pytest

from moza_mail import check, edit, parse, render
from moza_mail.errors import IssueError
from moza_mail.model.finding import CheckOptions
from tests.support import builders as build


def read(front, source="issues/x.md", fence="---"):
    return parse.parse_issue(f"{fence}\n{front}\n{fence}\n\nEr is nieuws.\n", source)


def refused(front, **more):
    with pytest.raises(IssueError) as caught:
        read(front, **more)
    return caught.value


def findings(front, source="issues/x.md", body="Er is nieuws."):
    text = f"---\n{front}\n---\n\n{body}\n"
    issue = parse.parse_issue(text, source)
    rendered = render.render_issue(issue, build.theme(), build.COLOPHON, zone=build.AMSTERDAM)
    rules = {"unknown-key", "file-date", "empty-issue"}
    return [
        finding
        for finding in check.check_issue(issue, rendered, CheckOptions(), text=text)
        if finding.rule in rules
    ]


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-14", "14-01-2026", "14 januari 2026", "woensdag 14 januari 2026", "January 14, 2026", "14/01/2026", "14/1/26",
        "2026-01-14T09:00:00+01:00", "2026-01-14 12:00:00 +0200", "'14.01.2026'", "14 januari 2026 om 9:00",
    ],
)  # fmt: skip
def test_a_date_is_read_as_people_write_it(written):
    assert read(f"title: T\ndate: {written}").date == date(2026, 1, 14)


@pytest.mark.parametrize(
    "written", ["januari 2026", "14 januari", "half januari 2026", "14 en 15 januari 2026", "soon"]
)
def test_an_ambiguous_date_is_refused(written):
    assert "write it as 2026-01-14" in str(refused(f"title: T\ndate: {written}"))


def test_an_english_date_with_slashes_has_two_meanings():
    assert "write it as" in str(refused("title: T\nlang: en\ndate: 3/2/2026"))
    assert read("title: T\nlang: en\ndate: 25/2/2026").date == date(2026, 2, 25)


def test_a_day_that_does_not_exist_is_refused_by_name():
    assert "does not exist" in str(refused("title: T\ndate: 31 november 2026"))


def test_without_a_date_the_date_in_the_file_name_is_used():
    assert read("title: T", source="content/weekly/2026-01-14-titel.md").date == date(2026, 1, 14)
    assert "no `date`" in str(refused("title: T", source="issues/x.md"))


@pytest.mark.parametrize(
    "key",
    ["draft: true", "Draft: true", "DRAFT: yes", "draft: 'true'", "concept: true", "Concept: ja", "published: false", "status: draft", "Status: Concept"],
)  # fmt: skip
def test_each_word_for_a_draft_makes_an_issue_a_draft(key):
    front = f"title: T\ndate: 2026-01-14\n{key}"
    assert read(front).draft
    assert parse.parse_issue_header(f"---\n{front}\n---\n", "x.md").draft


@pytest.mark.parametrize("key", ["draft: false", "published: true", "status: final", "concept: nee"])
def test_other_words_do_not_make_an_issue_a_draft(key):
    assert not read(f"title: T\ndate: 2026-01-14\n{key}").draft


def test_keys_may_have_capitals_and_hyphens():
    issue = read("Title: T\nDATE: 2026-01-14\nsend-at: 2026-01-14 09:00\nWeight: 3")
    assert (issue.title, issue.send_at.time.hour, dict(issue.extra)) == ("T", 9, {"Weight": 3})
    assert "occurs twice" in str(refused("title: T\nTitle: U\ndate: 2026-01-14"))


def test_toml_is_read_like_yaml():
    issue = read(
        'title = "T: u"\ndate = 2026-01-14\nDraft = true\ntags = ["a"]\n[params]\nx = 1', fence="+++"
    )
    assert (issue.title, issue.date, issue.draft) == ("T: u", date(2026, 1, 14), True)
    error = refused('title = "T"\ndate = x', fence="+++")
    assert "not TOML" in error.reason
    assert error.line == 3


def test_a_value_in_toml_is_not_changed_by_the_editor():
    with pytest.raises(IssueError, match="cannot be changed here"):
        edit.set_front_matter_value('+++\ntitle = "T"\ndate = 2026-01-14\n+++\n\nx\n', "title", "U", "x.md")


def test_a_key_with_a_capital_is_changed_in_place():
    text = "---\nTitle: T\ndate: 2026-01-14\n---\n\nx\n"
    assert edit.set_front_matter_value(text, "title", "U", "x.md") == text.replace("Title: T", "Title: U")


def test_an_unquoted_colon_in_a_value_has_a_hint():
    error = refused("title: Weekly: the new year\ndate: 2026-01-14")
    assert "must be between quotes" in error.reason
    assert error.line == 2
    assert error.hint == 'Put the value between quotes: title: "Weekly: the new year".'


def test_a_comment_as_title_has_a_hint():
    error = refused("title: #12\ndate: 2026-01-14")
    assert "is a comment" in error.reason
    assert error.line == 2


def test_an_unknown_key_similar_to_a_known_one_is_reported():
    (found,) = findings("title: T\ndate: 2026-01-14\ndarft: true\nauthor: Sam")
    assert (found.rule, found.line, found.fix) == ("unknown-key", 4, "Did you mean `draft`?")


@pytest.mark.parametrize(
    ("dutch", "known"),
    [("onderwerp", "subject"), ("Samenvatting", "summary"), ("taal", "lang"), ("verzenden-op", "send_at")],
)
def test_a_dutch_key_is_reported_with_the_key_that_it_means(dutch, known):
    (found,) = findings(f"title: A\ndate: 2026-01-14\n{dutch}: Er is nieuws")
    assert (found.rule, found.line, found.fix) == ("unknown-key", 4, f"Did you mean `{known}`?")


def test_a_dutch_date_is_reported_if_the_date_comes_from_the_file_name():
    (found,) = findings("title: A\ndatum: 2026-01-15", source="issues/2026-01-14.md")
    assert (found.rule, found.fix) == ("unknown-key", "Did you mean `date`?")


def test_a_dutch_key_of_a_website_is_not_reported_next_to_the_known_key():
    assert findings("title: A\ndate: 2026-01-14\nsubject: B\nonderwerp: wonen\ndatum: gisteren") == []


def test_a_file_name_with_another_date_is_reported():
    assert [one.rule for one in findings("title: T\ndate: 2026-01-21", "issues/2026-01-14.md")] == [
        "file-date"
    ]
    assert findings("title: T\ndate: 2026-01-14", "issues/2026-01-14-titel.md") == []


@pytest.mark.parametrize("body", ["", "<!-- volgt -->", "---"])
def test_an_empty_issue_is_an_error(body):
    assert [one.rule for one in findings("title: T\ndate: 2026-01-14", body=body)] == ["empty-issue"]


def test_every_mistake_of_a_file_is_reported_at_once_with_its_line():
    text = (
        "---\ntitle: A <b>\ndate: 2026-02-31\nsend_at: noon\ndraft: misschien\n---\n\nEen {{ Naam }} en {{< a >}}.\n\n"
        "* x\n* <form>\n\n[x](javascript:a)\n"
    )
    with pytest.raises(IssueError) as caught:
        parse.parse_issue(text, "x.md")
    assert [error.line for error in caught.value.together] == [2, 3, 4, 5, 8, 8, 11, 13]
    assert all(not error.others for error in caught.value.others)


def test_every_unknown_merge_field_is_reported_at_once():
    issue = parse.parse_issue("---\ntitle: A\ndate: 2026-01-14\n---\n{{ een }}\n\n{{ twee }}\n", "x.md")
    with pytest.raises(IssueError) as caught:
        parse.check_merge_fields(issue, ["drie"])
    assert [error.line for error in caught.value.together] == [5, 7]
