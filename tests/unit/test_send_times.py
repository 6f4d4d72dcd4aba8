"""The send time of an issue, from its front matter or the schedule of its list, also around summer time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from moza_mail import parse
from moza_mail.errors import IssueError
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.mailing import StartedMailing
from moza_mail.model.send_time import LocalDateTime, WeeklySchedule
from moza_mail.model.timestamps import parse_duration
from moza_mail.sending import schedule
from tests.support import builders as build
from tests.support.store_builders import make_list

DAY = timedelta(days=1)
NINE = WeeklySchedule.parse("wed 09:00", build.AMSTERDAM)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "day", "expected"),
    [
        ("wed 09:00 Europe/Amsterdam", "2026-01-21", "2026-01-21 08:00"),
        ("wed 09:00 Europe/Amsterdam", "2026-07-01", "2026-07-01 07:00"),
        ("wed 09:00 Europe/Amsterdam", "2026-01-22", "2026-01-28 08:00"),
        ("wed 09:00 Europe/Amsterdam", "2026-01-19", "2026-01-21 08:00"),
        ("wed 09:00 Europe/Amsterdam", "2026-03-25", "2026-03-25 08:00"),
        ("wed 09:00 Europe/Amsterdam", "2026-04-01", "2026-04-01 07:00"),
        # 02:30 does not exist on 29 March 2026, and exists twice on 25 October (RFC 5545 3.3.5).
        ("sun 02:30 Europe/Amsterdam", "2026-03-29", "2026-03-29 01:30"),
        ("sun 02:30 Europe/Amsterdam", "2026-10-25", "2026-10-25 00:30"),
        ("mon 00:00 Pacific/Auckland", "2026-01-19", "2026-01-18 11:00"),
        ("fri 9:05 UTC", "2026-01-23", "2026-01-23 09:05"),
    ],
)
def test_a_schedule_is_in_local_time(schedule, day, expected):
    assert WeeklySchedule.parse(schedule, build.AMSTERDAM).send_time_for(date.fromisoformat(day)) == utc(
        expected
    )


def test_scheduled_times_keep_their_local_time_over_summer_time():
    found = NINE.next_send_times(utc("2026-10-20 12:00"), 3)
    assert found == [utc("2026-10-21 07:00"), utc("2026-10-28 08:00"), utc("2026-11-04 08:00")]
    assert NINE.next_send_times(utc("2026-10-21 07:00"), 1) == [utc("2026-10-28 08:00")]


@pytest.mark.parametrize(
    "text", ["", "wed", "wed 9", "Wed 09:00", "wed 24:00", "wed 09:60", "woe 09:00", "wed 09:00 Mars/Here"]
)
def test_a_wrong_schedule_is_refused(text):
    with pytest.raises(ValueError, match=r"such as|does not exist"):
        WeeklySchedule.parse(text, build.AMSTERDAM)


def send_at(text, day="2026-01-14"):
    front = parse.parse_issue_header(f"---\ntitle: T\ndate: {day}\nsend_at: {text}\n---\n", "issues/x.md")
    return front.send_at.to_utc(build.AMSTERDAM)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-14 09:00", "2026-01-14 08:00"),
        ("2026-07-14 09:00", "2026-07-14 07:00"),
        ("2026-01-14T09:00:00", "2026-01-14 08:00"),
        ("14-01-2026 9:05", "2026-01-14 08:05"),
        ("14-01-2026 om 9.05", "2026-01-14 08:05"),
        ("09:00", "2026-01-14 08:00"),
        ('"09:00"', "2026-01-14 08:00"),
        ("2026-01-14 09:00 UTC", "2026-01-14 09:00"),
        ("2026-01-14 09:00Z", "2026-01-14 09:00"),
        ("2026-01-14T09:00+02:00", "2026-01-14 07:00"),
        ("2026-01-14 09:00 -05:30", "2026-01-14 14:30"),
        ("2026-01-14 09:00 America/New_York", "2026-01-14 14:00"),
        ("2026-03-29 02:30", "2026-03-29 01:30"),
        ("2026-10-25 02:30", "2026-10-25 00:30"),
    ],
)
def test_send_at_is_in_the_time_zone_of_the_project_by_default(text, expected):
    assert send_at(text) == utc(expected)


@pytest.mark.parametrize(
    "text",
    ["straks", "2026-02-30 09:00", "2026-01-14", "2026-01-14 25:00", "2026-01-14 09:00 Mars/Here", "[1, 2]"],
)
def test_an_invalid_send_at_is_refused_with_its_line(text):
    with pytest.raises(IssueError, match=r"issues/x\.md, line 4: `send_at`"):
        send_at(text)


def test_an_issue_and_its_header_have_the_same_values():
    text = "---\ntitle: T\ndate: 2026-01-14\nsend_at: 10:00\nlist: intern\ndraft: true\n---\nx\n"
    issue, front = parse.parse_issue(text, "issues/x.md"), parse.parse_issue_header(text, "issues/x.md")
    assert (issue.send_at, issue.list_slug, issue.draft) == (front.send_at, front.list_slug, front.draft)
    assert front.send_at == LocalDateTime(day=date(2026, 1, 14), time=time(10))


def front(**more):
    return IssueHeader(
        **{"slug": "x", "title": "T", "date": date(2026, 1, 14), "source": "issues/x.md"} | more
    )


def test_the_send_time_is_that_of_the_issue_else_of_the_schedule_else_none():
    from dataclasses import replace

    scheduled = replace(make_list(), schedule=NINE)
    own = LocalDateTime(day=date(2026, 1, 15), time=time(7))
    assert schedule.plan_issue(front(send_at=own), scheduled, build.AMSTERDAM).at == utc("2026-01-15 06:00")
    assert schedule.plan_issue(front(), scheduled, build.AMSTERDAM).at == utc("2026-01-14 08:00")
    assert schedule.plan_issue(front(), make_list(), build.AMSTERDAM) is None


AT = utc("2026-01-14 08:00")
MINUTE = timedelta(minutes=1)


def begun(created_at, *, waiting=False, again=None):
    return StartedMailing(
        mailing_id=1,
        issue_slug="x",
        list_slug="weekly",
        created_at=created_at,
        has_unsent=waiting,
        next_attempt=again,
    )


@pytest.mark.parametrize(
    ("known", "draft", "now", "expected"),
    [
        (None, False, AT - MINUTE, "waiting"),
        (None, False, AT, "due"),
        (None, False, AT + DAY, "due"),
        (None, False, AT + DAY + MINUTE, "stale"),
        (None, True, AT, "draft"),
        (None, True, AT + 9 * DAY, "draft"),
        (begun(AT), False, AT + MINUTE, "done"),
        (begun(AT, waiting=True), False, AT + MINUTE, "begun"),
        (begun(AT, waiting=True), True, AT + MINUTE, "begun"),
        (begun(AT, waiting=True), False, AT + 9 * DAY, "begun"),
        (begun(AT + DAY, waiting=True), False, AT + 9 * DAY, "begun"),
        (begun(AT, again=AT + DAY), False, AT + MINUTE, "done"),
        (begun(AT, again=AT + DAY), False, AT + DAY, "begun"),
        (begun(AT - DAY, waiting=True), False, AT - MINUTE, "waiting"),
        (begun(AT - DAY, waiting=True), False, AT, "begun"),
        (begun(AT - DAY), False, AT, "done"),
        (begun(AT + DAY + MINUTE, waiting=True), False, AT + 3 * DAY, "done"),
    ],
)
def test_the_due_state_follows_from_the_send_time_and_the_mailing(known, draft, now, expected):
    plan = schedule.PlannedIssue(issue_slug="x", list_slug="weekly", source="issues/x.md", at=AT, draft=draft)
    assert schedule.compute_due_state(plan, known, now, DAY) == expected


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("3d", 259200), (" 1 h", 3600)]
)
def test_a_duration_is_parsed(text, seconds):
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1w", "-1h", "1.5h"])
def test_a_wrong_duration_is_refused(text):
    with pytest.raises(ValueError, match="such as 90s"):
        parse_duration(text)


def test_time_zones_come_from_the_iana_database():
    assert NINE.zone == ZoneInfo("Europe/Amsterdam")
    assert str(NINE) == "wed 09:00 Europe/Amsterdam"
