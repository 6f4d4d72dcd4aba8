"""Classification of bounces: nobody is suppressed by mistake, whatever anybody sends."""

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import bounces
from moza_mail.compose import SignedLinks
from moza_mail.errors import ProjectError
from moza_mail.model.address import Address
from moza_mail.model.bounce import BounceKind, BounceReport
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import open_store
from moza_mail.subscribe import record_bounce
from tests.support.store_builders import (
    ACCEPTED,
    NOW,
    add_subscribers,
    make_list,
    make_mailing,
    newcomer,
    record_outcome,
)

MESSAGES = Path(__file__).parents[1] / "data/bounces"
# The messages of the corpus are about one message: mailing 1 to subscriber 1, with links made from this secret.
LINKS = SignedLinks(secret=b"0123456789abcdef0123456789abcdef")
READER = Address(local="jan.devries", domain="gemeente.example.org")
HARD, COMPLAINT, LEFT = "hard_bounce", "complaint", "unsubscribed"

# For each message: the kind that is read, the kind that is stored after verification, and its consequence for the subscriber.
EXPECTED = {
    "postfix-unknown-user": ("hard", "hard", HARD),
    "postfix-no-such-domain": ("hard", "hard", ""),
    "postfix-full-mailbox": ("soft", "soft", ""),
    "postfix-expired": ("soft", "soft", ""),
    "postfix-delayed": ("notice", "notice", ""),
    "postfix-delivered": ("notice", "notice", ""),
    "postfix-spam-refused": ("policy", "policy", ""),
    "postfix-size": ("soft", "soft", ""),
    "postfix-headers-only": ("hard", "hard", HARD),
    "postfix-two-recipients": ("policy", "hard", HARD),
    "postfix-one-failed-one-late": ("hard", "hard", HARD),
    "postfix-member-of-a-group-gone": ("hard", "forwarded", ""),
    "postfix-without-token": ("hard", "hard", HARD),
    "forged-without-our-message": ("hard", "unknown", ""),
    "forged-token": ("hard", "unknown", ""),
    "forged-token-true-message-id": ("hard", "hard", HARD),
    "message-id-of-another-reader": ("hard", "unknown", ""),
    "token-in-capitals-folded": ("hard", "hard", HARD),
    "status-hard-words-blocked": ("policy", "policy", ""),
    "words-without-a-code": ("hard", "hard", HARD),
    "sendmail-user-unknown": ("hard", "hard", HARD),
    "exchange-online-5-1-10": ("hard", "hard", HARD),
    "exchange-online-dutch": ("hard", "hard", HARD),
    "exchange-quota": ("soft", "soft", ""),
    "exchange-disabled": ("hard", "hard", ""),
    "exchange-restricted-group": ("policy", "policy", ""),
    "outlook-unauthenticated": ("policy", "policy", ""),
    "outlook-blocked-network": ("policy", "policy", ""),
    "gmail-no-such-user": ("hard", "hard", HARD),
    "gmail-disabled": ("hard", "hard", ""),
    "gmail-out-of-storage": ("soft", "soft", ""),
    "gmail-unauthenticated": ("policy", "policy", ""),
    "gmail-delay": ("notice", "notice", ""),
    "exim-unrouteable": ("hard", "hard", HARD),
    "exim-words-only": ("hard", "hard", HARD),
    "exim-warning": ("notice", "notice", ""),
    "qmail-no-mailbox": ("hard", "hard", HARD),
    "qmail-remote-said": ("policy", "policy", ""),
    "away-outlook-dutch": ("auto_reply", "auto_reply", ""),
    "away-outlook-english": ("auto_reply", "auto_reply", ""),
    "away-null-path": ("auto_reply", "auto_reply", ""),
    "away-dovecot-vacation": ("auto_reply", "auto_reply", ""),
    "away-header-only": ("auto_reply", "auto_reply", ""),
    "away-precedence": ("auto_reply", "auto_reply", ""),
    "away-subject-only": ("auto_reply", "auto_reply", ""),
    "away-encoded-subject": ("auto_reply", "auto_reply", ""),
    "away-receipt-of-a-desk": ("auto_reply", "auto_reply", ""),
    "away-left-the-organisation": ("auto_reply", "auto_reply", ""),
    "challenge-confirm": ("challenge", "challenge", ""),
    "challenge-tmda": ("challenge", "challenge", ""),
    "challenge-dutch": ("challenge", "challenge", ""),
    "person-answers": ("unknown", "unknown", ""),
    "person-quotes-a-bounce": ("unknown", "unknown", ""),
    "person-asks-about-leaving": ("unknown", "unknown", ""),
    "leave-by-mail": ("unsubscribe", "unsubscribe", LEFT),
    "leave-by-mail-dutch": ("unsubscribe", "unsubscribe", LEFT),
    "leave-without-token": ("unsubscribe", "unproven", ""),
    "leave-forged-token": ("unsubscribe", "unproven", ""),
    "advertising": ("unknown", "unknown", ""),
    "complaint-abuse": ("complaint", "complaint", COMPLAINT),
    "complaint-recipient-hidden": ("complaint", "complaint", COMPLAINT),
    "complaint-by-message-id": ("complaint", "complaint", COMPLAINT),
    "complaint-about-others": ("complaint", "unproven", ""),
    "complaint-not-spam": ("notice", "notice", ""),
    "complaint-yahoo-form": ("complaint", "complaint", COMPLAINT),
    "complaint-outlook-form": ("complaint", "complaint", COMPLAINT),
    "away-eight-bit-subject": ("auto_reply", "auto_reply", ""),
    "away-folded-encoded-subject": ("auto_reply", "auto_reply", ""),
    "away-quotes-a-failure": ("auto_reply", "auto_reply", ""),
    "challenge-approved-senders": ("challenge", "challenge", ""),
    "broken-nul-bytes": ("hard", "hard", HARD),
    "exchange-dutch-delayed": ("notice", "notice", ""),
    "exchange-5-4-1-access-denied": ("hard", "hard", HARD),
    "read-receipt": ("notice", "notice", ""),
    "broken-no-end": ("hard", "hard", HARD),
    "broken-boundary": ("hard", "hard", HARD),
    "broken-control-characters": ("hard", "hard", HARD),
    "broken-charset": ("unknown", "unknown", ""),
    "broken-empty": ("unknown", "unknown", ""),
    "broken-binary": ("unknown", "unknown", ""),
    "broken-nested": ("unknown", "unknown", ""),
}


def read_message(name: str) -> bytes:
    return (MESSAGES / f"{name}.eml").read_bytes()


def texts(report: BounceReport) -> list[str]:
    said = [
        text for one in report.failures for text in (one.recipient, one.original_recipient, str(one.reply))
    ]
    return [*said, *report.local_parts, *report.recipients, *report.message_ids]


def test_every_message_of_the_corpus_is_in_the_table():
    assert {path.stem for path in MESSAGES.glob("*.eml")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_message_of_the_corpus_has_the_expected_kind(name):
    report = bounces.classify_message(read_message(name))
    assert report.kind == EXPECTED[name][0]
    assert all(text.isprintable() for text in texts(report))


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Process each message in its own store, and return what is stored about it and about its recipient."""
    folder = tmp_path_factory.mktemp("bounces")

    async def each():
        await sent(folder / "sent.db")
        found = {}
        for name in EXPECTED:
            shutil.copy(folder / "sent.db", folder / f"{name}.db")
            found[name] = await process_message(folder / f"{name}.db", name)
        return found

    return asyncio.run(each())


async def sent(path: Path) -> None:
    """Create a store in which the message of the example bounces was accepted."""
    store = await open_store(f"sqlite:///{path}")
    await store.subscribers.save_list(make_list())
    other = Address(local="ben", domain="example.org")
    await add_subscribers(store, newcomer(1, address=READER), newcomer(2, address=other))
    made = await store.ledger.create_mailing(replace(make_mailing(), key="weekly/2026-01-14"))
    (first, _) = await store.ledger.claim(made.id, limit=9, now=NOW)
    await record_outcome(store, first.id, ACCEPTED)
    await store.close()


async def process_message(path: Path, name: str) -> tuple[str, str]:
    """Return the stored kind of one message, and its consequences."""
    store = await open_store(f"sqlite:///{path}")
    try:
        report = bounces.classify_message(read_message(name))
        bounce, _ = await record_bounce(store, report, LINKS, digest=name, now=NOW)
        person = await store.subscribers.find(READER)
        assert await store.suppressions.find(Address(local="ben", domain="example.org")) is None
        left = person.subscriptions[0].state is SubscriptionState.UNSUBSCRIBED
        reasons = [one.reason.value for one in [person.suppression] if one]
        kind = bounce.kind.value if bounce.is_settled or bounce.kind is BounceKind.UNKNOWN else "unproven"
        return kind, LEFT if left else "".join(reasons)
    finally:
        await store.close()


@pytest.mark.parametrize("name", EXPECTED)
def test_each_message_of_the_corpus_has_only_the_consequences_that_it_proves(name, followed):
    assert followed[name] == EXPECTED[name][1:]


def test_the_reply_of_a_server_is_stored_cleaned_and_shortened():
    long = read_message("postfix-unknown-user").replace(b"User unknown", b"User unknown " + b"x" * 100_000)
    (failure,) = bounces.classify_message(long).failures
    assert failure.reply.enhanced == "5.1.1"
    assert len(str(failure.reply)) < 600


@given(st.binary(max_size=2000))
def test_no_bytes_cause_an_error(content):
    report = bounces.classify_message(content)
    assert report.kind not in {BounceKind.HARD, BounceKind.COMPLAINT}


@pytest.mark.parametrize(
    "name", ["postfix-unknown-user", "exim-unrouteable", "qmail-no-mailbox", "complaint-abuse"]
)
@given(cut=st.integers(0, 4000), noise=st.binary(max_size=40))
def test_no_truncated_or_damaged_report_causes_an_error(name, cut, noise):
    content = read_message(name)
    report = bounces.classify_message(content[:cut] + noise + content[cut + len(noise) :])
    assert all(text.isprintable() for text in texts(report))


REPORTER = b"Return-Path: <>\nFrom: MAILER-DAEMON@x.example.org\nX-Failed-Recipients: j@example.org\n"


@pytest.mark.parametrize(
    "content",
    [
        REPORTER + b"\n" * bounces.MAX_CONTENT,
        REPORTER + b"\n" + b"-\n" * (bounces.MAX_CONTENT // 2),
        REPORTER + b"\n" + b"<j@example.org>:\n" * (bounces.MAX_CONTENT // 17),
        REPORTER + b"To: " + b"<a@example.org>," * (bounces.MAX_CONTENT // 16),
        REPORTER
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(900))
        + b"x\n" * 90_000,
    ],
    ids=["empty lines", "dashes", "addresses", "receivers", "parts in parts"],
)
def test_a_message_designed_to_take_minutes_is_read_quickly(content):
    """Read messages that took minutes in earlier versions. The time is not measured."""
    assert bounces.classify_message(content).kind in {BounceKind.SOFT, BounceKind.UNKNOWN}


class TestMessageContent:
    def test_only_the_beginning_of_fifty_megabytes_is_read_but_all_of_it_is_hashed(self, tmp_path):
        for folder in ("new", "cur"):
            (tmp_path / folder).mkdir()
        body = read_message("postfix-unknown-user") + b"x" * 1000 * 50 + b"\n"
        with (tmp_path / "new" / "1").open("wb") as file:
            file.write(body)
            for _ in range(50):
                file.write(b"y" * 1_048_575 + b"\n")
        (found,) = bounces.open_mailbox(f"maildir:{tmp_path}", tmp_path).read_messages()
        with (tmp_path / "new" / "1").open("ab") as file:
            file.write(b"one more\n")
        (longer,) = bounces.open_mailbox(f"maildir:{tmp_path}", tmp_path).read_messages()
        assert len(found.content) == bounces.MAX_CONTENT
        assert bounces.classify_message(found.content).kind is BounceKind.HARD
        assert found.digest != longer.digest

    def test_the_line_endings_of_a_message_do_not_change_its_digest(self):
        lines = [b"a\r\n", b"\r\n", b"b\r\n", b"\r\n"]
        plain = [b"a\n", b"\n", b"b"]
        other = [b"a\n", b"b"]
        digest = bounces.MailboxMessage.from_lines("", lines).digest
        assert (
            digest
            == bounces.MailboxMessage.from_lines("", plain).digest
            != bounces.MailboxMessage.from_lines("", other).digest
        )


class TestMbox:
    def test_each_message_is_found_and_the_file_is_not_touched(self, tmp_path):
        path = tmp_path / "mbox"
        one, two = read_message("postfix-unknown-user"), read_message("person-answers")
        path.write_bytes(
            b"From a Wed\n" + one + b"\nFrom b Wed\n" + two + b"\n>From here on\n\nFrom c Wed\n\n"
        )
        before = (path.read_bytes(), path.stat().st_mtime_ns)
        mailbox = bounces.open_mailbox("mbox:mbox", tmp_path)
        found_messages = list(mailbox.read_messages())
        for found in found_messages:
            mailbox.mark_processed(found)
        assert [bounces.classify_message(found.content).kind for found in found_messages] == [
            "hard",
            "unknown",
            "unknown",
        ]
        assert found_messages[0].digest == bounces.MailboxMessage.from_lines("", [one]).digest
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before

    def test_a_file_that_is_not_an_mbox_is_refused(self, tmp_path):
        (tmp_path / "notes").write_text("hello\n")
        with pytest.raises(ProjectError, match="is not an mbox"):
            list(bounces.open_mailbox("mbox:notes", tmp_path).read_messages())


@pytest.mark.parametrize("source", ["mbox:gone", "maildir:.", "imap://mail.example.org", "maildir:", "x\n"])
def test_a_path_that_is_not_a_mailbox_is_refused(source, tmp_path):
    with pytest.raises(ProjectError):
        bounces.open_mailbox(source, tmp_path)


def test_a_maildir_is_read_without_following_links_or_waiting_for_pipes(tmp_path):
    for folder in ("new", "cur"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / ".hidden").write_text("x")
    os.mkfifo(tmp_path / "new" / "pipe")
    (tmp_path / "cur" / "1:2,S").write_bytes(read_message("person-answers"))
    (found,) = bounces.open_mailbox(f"maildir:{tmp_path}", tmp_path).read_messages()
    assert found.name == "cur/1:2,S"
