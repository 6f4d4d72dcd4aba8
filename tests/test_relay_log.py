"""What a relay's log proves of messages in doubt."""

import pytest

from moza_mail.parse import relay_log

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
EXIM = "2026-01-14 08:00:01 1rAbCd-000001-AB <= weekly@example.org H=localhost P=esmtp S=30790 id=abc123@example.org\n"


@pytest.mark.parametrize(
    ("log", "queue_id"),
    [
        (POSTFIX, "4XyZ12"),
        (POSTFIX.replace("postfix/", "postfix-out/"), "4XyZ12"),
        (EXIM, "1rAbCd-000001-AB"),
        ("ts=1 level=info msg=queued id=<abc123@example.org>\n", ""),
        ("250 Ok abc123@example.org\n", ""),
    ],
)
def test_a_log_that_shows_the_message_was_taken_is_proof(log, queue_id):
    (proof,) = relay_log(log.splitlines(keepends=True), {ID})
    assert (proof.message_id, proof.queue_id) == (ID, queue_id)


@pytest.mark.parametrize(
    "log",
    [
        BROKEN_OFF,
        POSTFIX.replace("abc123", "zzz"),
        EXIM.replace("<=", "**"),
        "rejected <abc123@example.org>\n",
        "queued <xabc123@example.org>\n",
        "",
    ],
)
def test_what_does_not_show_it_is_none(log):
    assert list(relay_log(log.splitlines(), {ID})) == []


def test_a_log_that_says_it_twice_proves_it_once():
    assert len(list(relay_log((POSTFIX + POSTFIX).splitlines(), {ID}))) == 1
