"""Evidence in a relay's log about uncertain messages."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from moza_mail.bounces import read_log_period, read_relay_log
from moza_mail.model.relay_log import LogPeriod
from moza_mail.model.send_time import LocalDateTime
from moza_mail.model.store_mark import RestoreGap

ID = "<abc123@example.org>"
POSTFIX = """\
Jan 14 08:00:01 mx postfix/smtpd[11]: 4XyZ12: client=localhost[127.0.0.1]
Jan 14 08:00:01 mx postfix/cleanup[12]: 4XyZ12: message-id=<abc123@example.org>
Jan 14 08:00:01 mx postfix/qmgr[13]: 4XyZ12: from=<weekly@example.org>, size=30790, nrcpt=1 (queue active)
Jan 14 08:00:02 mx postfix/smtp[14]: 4XyZ12: to=<l@example.org>, relay=none, status=bounced (x)
"""
BROKEN_OFF = """\
Jan 14 08:00:01 mx postfix/cleanup[12]: 4XyZ12: message-id=<abc123@example.org>
Jan 14 08:00:01 mx postfix/smtpd[11]: lost connection after DATA (1200 bytes) from localhost[127.0.0.1]
Jan 14 08:00:09 mx postfix/qmgr[13]: OTHER1: from=<weekly@example.org>, size=30790, nrcpt=1 (queue active)
"""
# Debian's rsyslog of today: RFC 3339 times, long queue ids, a submission service with a name of its own.
POSTFIX_LONG = """\
2026-01-14T08:00:01.101+01:00 mx postfix/submission/smtpd[411]: 4dLxQh3K5Tz1yRc: client=news.example.org[192.0.2.9], sasl_method=PLAIN
2026-01-14T08:00:01.140+01:00 mx postfix/cleanup[412]: 4dLxQh3K5Tz1yRc: message-id=<abc123@example.org>
2026-01-14T08:00:01.155+01:00 mx opendkim[99]: 4dLxQh3K5Tz1yRc: DKIM-Signature field added (s=s1, d=example.org)
2026-01-14T08:00:02.002+01:00 mx postfix/smtp[414]: 4dLxQh3K5Tz1yRc: to=<l@example.org>, relay=mx.example.org[192.0.2.4]:25, delay=0.9, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9A)
2026-01-14T08:00:02.003+01:00 mx postfix/qmgr[13]: 4dLxQh3K5Tz1yRc: removed
"""
MILTER_REJECTED = """\
Jan 14 08:00:01 mx postfix/cleanup[12]: 4XyZ12: message-id=<abc123@example.org>
Jan 14 08:00:01 mx postfix/cleanup[12]: 4XyZ12: milter-reject: END-OF-MESSAGE from localhost[127.0.0.1]: 5.7.1 rejected; from=<weekly@example.org>
"""
EXIM_LONG = (
    "2026-01-14 08:00:01.123 [4242] 1tXyZa-0000000GhIj-2KlM <= weekly@example.org H=news.example.org [192.0.2.9]:51234 I=[192.0.2.1]:587"
    ' P=esmtpsa X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no A=plain:weekly S=30790 id=abc123@example.org T="Nieuws" for l@example.org\n'
)
EXIM_REJECTED = "2026-01-14 08:00:01 1rAbCd-000001-AB H=localhost F=<weekly@example.org> rejected after DATA: id=abc123@example.org\n"
EXIM = "2026-01-14 08:00:01 1rAbCd-000001-AB <= weekly@example.org H=localhost P=esmtp S=30790 id=abc123@example.org\n"


@pytest.mark.parametrize(
    ("log", "queue_id"),
    [
        (POSTFIX, "4XyZ12"),
        (POSTFIX.replace("postfix/", "postfix-out/"), "4XyZ12"),
        (POSTFIX_LONG, "4dLxQh3K5Tz1yRc"),
        (EXIM, "1rAbCd-000001-AB"),
        (EXIM_LONG, "1tXyZa-0000000GhIj-2KlM"),
        ("ts=1 level=info msg=queued id=<abc123@example.org>\n", ""),
        ("250 Ok abc123@example.org\n", ""),
    ],
)
def test_a_log_line_about_acceptance_proves_delivery_to_the_relay(log, queue_id):
    (proof,) = read_relay_log(log.splitlines(keepends=True), {ID})
    assert (proof.message_id, proof.queue_id) == (ID, queue_id)


@pytest.mark.parametrize(
    "log",
    [
        BROKEN_OFF,
        MILTER_REJECTED,
        EXIM_REJECTED,
        POSTFIX.replace("abc123", "zzz"),
        EXIM.replace("<=", "**"),
        "rejected <abc123@example.org>\n",
        "queued <xabc123@example.org>\n",
        "",
    ],
)
def test_other_log_lines_prove_nothing(log):
    assert list(read_relay_log(log.splitlines(), {ID})) == []


def test_a_repeated_log_line_proves_one_delivery():
    assert len(list(read_relay_log((POSTFIX + POSTFIX).splitlines(), {ID}))) == 1


@pytest.mark.parametrize(
    "piece", ["a", "a.", "@", "postfix", " id= ", "A12345-ABCDEF-AB <= x ", "status=sen "]
)
def test_a_very_long_line_does_not_delay_the_rest(piece):
    """The line has half a megabyte. A pattern that is tried at each position would take hours."""
    log = [f"accepted {piece * (500_000 // len(piece))}\n", f"accepted {ID}\n"]
    assert [proof.message_id for proof in read_relay_log(log, {ID})] == [ID]


MAIL = "mail postfix/smtpd[1]: connect from localhost[127.0.0.1]"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def amsterdam(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("amsterdam")
@pytest.mark.parametrize(
    ("line", "first", "last"),
    [
        (f"2026-11-30T10:00:00.123456+01:00 {MAIL}", "09:00", "09:00"),
        (f"2026-11-30T10:00:00Z {MAIL}", "10:00", "10:00"),
        (f"Nov 30 10:00:00 {MAIL}", "10:00", "09:00"),
        (f"<22>1 2026-11-30T10:00:00+0100 {MAIL}", "09:00", "09:00"),
        ("2026-11-30 10:00:00 1abcDE-0000000Fgh-1i2J <= a@example.org", "10:00", "09:00"),
        ("2026-11-30 10:00:00 +0100 queued <x@example.org> as 17", "09:00", "09:00"),
    ],
)
def test_lines_about_mail_show_the_period_that_the_log_covers(line, first, last):
    """A time without a zone may be local time or UTC. The shorter of the two periods counts."""
    period = read_log_period([f"{line}\n", f"{line}\n"], NOW)
    assert [f"{moment:%H:%M}" for moment in (period.first, period.last)] == [first, last]


@pytest.mark.parametrize(
    "line",
    [
        '192.0.2.1 - - [30/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 250',
        "2026-11-30T10:00:00Z host sshd[1]: session accepted for root",
        f"1764496800 {MAIL}",
        f"Foo 30 10:00:00 {MAIL}",
        f"Feb 30 10:00:00 {MAIL}",
        "",
    ],
)
def test_other_lines_do_not_extend_the_period(line):
    assert read_log_period([line], NOW) is None


def test_a_time_without_a_year_is_in_the_past():
    period = read_log_period([f"Dec 31 10:00:00 {MAIL}", f"Nov  1 10:00:00 {MAIL}"], NOW)
    assert (period.first.year, period.last.year) == (2025, 2026)


GAP = RestoreGap(start=NOW - timedelta(hours=4), end=NOW)


@pytest.mark.parametrize(
    ("first", "last", "left"),
    [
        (5, 0, None),
        (4, -1, None),
        (5, 2, (2, 0)),
        (3, 0, (4, 3)),
        (3, 1, (4, 0)),
        (9, 8, (4, 0)),
        (-1, -2, (4, 0)),
    ],
)
def test_the_covered_period_is_removed_from_the_gap_of_a_restored_store(first, last, left):
    """Numbers are hours before now."""
    period = LogPeriod(first=NOW - timedelta(hours=first), last=NOW - timedelta(hours=last))
    rest = GAP.without(period)
    hours = tuple((NOW - moment) // timedelta(hours=1) for moment in (rest.start, rest.end))
    assert (hours if rest.is_open else None) == left


@pytest.mark.parametrize(
    ("day", "send_at", "counts"),
    [
        (date(2026, 11, 30), None, True),
        (date(2026, 12, 1), None, True),
        (date(2026, 12, 2), None, False),
        (None, None, True),
        (date(2026, 12, 2), date(2026, 12, 1), True),
    ],
)
def test_an_issue_counts_as_sent_by_its_date_in_the_time_zone_of_the_project(day, send_at, counts):
    """23:30 UTC is the next day in Amsterdam."""
    until = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    gap = GAP.assume_sent(until, ZoneInfo("Europe/Amsterdam"))
    at = LocalDateTime(day=send_at, time=datetime.min.time()) if send_at else None
    assert gap.counts_as_sent(day, at) is counts
