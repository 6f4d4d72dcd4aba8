"""The pure parts of the transports: relay URLs, and the bytes that are sent."""

import asyncio
import selectors
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import compose
from moza_mail.errors import ProjectError, TransportError
from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState, Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Message, Recipient, Rendered
from moza_mail.model.network import is_own
from moza_mail.model.outcome import Outcome
from moza_mail.model.reply import Phase
from moza_mail.transport import Limits, MemoryTransport, open_transport
from moza_mail.transport.commands import encode_xtext
from moza_mail.transport.dispatcher import dispatch
from moza_mail.transport.framing import ReplyParser, encode_content, make_reply
from moza_mail.transport.limits import Timeouts
from moza_mail.transport.protocol import LOOK_AHEAD
from moza_mail.transport.relay_url import parse_relay
from tests.support.submissions import make_submission, send


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("smtp://localhost", "smtp://localhost:25"),
        ("smtp://10.0.0.5:2525", "smtp://10.0.0.5:2525"),
        ("smtp://[::1]", "smtp://[::1]:25"),
        ("SMTP+STARTTLS://Relay.Example", "smtp+starttls://relay.example:587"),
        ("smtps://user@relay.example/", "smtps://user@relay.example:465"),
        ("smtps://me@example.org@relay.example", "smtps://me%40example.org@relay.example:465"),
        ("smtps://me%40example.org@relay.example", "smtps://me%40example.org@relay.example:465"),
        ("smtps://pöst.example", "smtps://xn--pst-sna.example:465"),
        ("smtps://[2001:db8::1]:4650", "smtps://[2001:db8::1]:4650"),
    ],
)
def test_a_relay_url_is_read_with_its_default_port(url, shown):
    assert str(parse_relay(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relay.example",
        "smtp:relay.example",
        "http://relay.example",
        "smtps://",
        "smtps://user@",
        "smtps://relay.example:0",
        "smtps://relay.example:70000",
        "smtps://relay.example:x",
        "smtps://[::1",
        "smtps://relay..example",
        "smtps://-relay.example",
        "smtps://relay.example/path",
        "smtps://relay.example?tls=no",
        "smtps://relay.example#x",
        "smtps://relay.example\n",
        "smtps://re lay.example",
        "outbox:",
        "outbox://here",
        "outbox:a\0b",
    ],
)
def test_an_invalid_relay_url_names_the_setting_and_shows_an_example(url):
    with pytest.raises(ProjectError, match=r"^`relay`: ") as caught:
        open_transport(url, base=Path())
    assert "smtp+starttls://" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "smtps://user:geheim@relay.example",
        "smtps://:geheim@relay.example",
        "smtps://user:geheim/x@relay.example",
        "smtps://user:geheim@[relay",
        "smtps://user:geheim",
        "user:geheim@relay.example",
        "smtps:user:geheim@relay.example",
        "smtps://user:geheim @relay.example",
        "geheim://relay.example",
    ],
)
def test_a_password_in_the_url_is_refused_and_never_shown(url):
    with pytest.raises(ProjectError) as caught:
        open_transport(url, base=Path())
    assert "geheim" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("host", ["192.0.2.1", "8.8.8.8", "[2001:db8::1]", "172.32.0.1", "[::ffff:8.8.8.8]"])
def test_unencrypted_smtp_outside_our_own_networks_is_refused_unless_allowed(host):
    with pytest.raises(ProjectError, match="not encrypted"):
        parse_relay(f"smtp://{host}")
    assert parse_relay(f"smtp://{host}", allow_plaintext=True).scheme == "smtp"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1"],
)
def test_loopback_and_private_networks_are_our_own(host):
    assert is_own(host)


def test_a_login_over_unencrypted_smtp_is_refused_even_if_plaintext_is_allowed():
    with pytest.raises(ProjectError, match="unencrypted"):
        parse_relay("smtp://user@127.0.0.1", allow_plaintext=True)


def test_timeouts_are_at_least_those_of_rfc_5321():
    waits = Timeouts()
    minutes = {
        "MAIL, RCPT": waits.command,
        "DATA": waits.data,
        "a block": waits.write,
        "the dot": waits.final_dot,
    }
    assert {phase: seconds / 60 for phase, seconds in minutes.items()} == {
        "MAIL, RCPT": 5,
        "DATA": 2,
        "a block": 3,
        "the dot": 10,
    }


def test_a_limit_of_zero_connections_is_refused():
    with pytest.raises(ProjectError, match="connections"):
        open_transport("smtp://localhost", base=Path(), limits=Limits(connections=0))


def test_a_well_formed_message_is_not_changed():
    content = make_submission(0).message.content
    assert encode_content(Message(content=content, message_id="")) == content


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"..", b"\r\n.\r\n"]), max_size=30).map(
        b"".join
    )
)
def test_no_message_can_contain_its_final_dot(content):
    form = encode_content(Message(content=content, message_id=""))

    assert form.endswith(b"\r\n")
    assert b"\r\n.\r\n" not in b"\r\n" + form
    assert form.count(b"\r\n") == form.count(b"\r") == form.count(b"\n")


def test_a_composed_message_needs_no_encoding_for_smtp():
    rendered = Rendered(subject=".", preheader="", html=".\r.\n.<p>.", text=".\n..\r\n.\r", lang="nl")
    mailing = Mailing(
        id=0,
        key="weekly/1",
        issue_slug="1",
        issue_title=".",
        list_slug="weekly",
        digest=rendered.compute_digest(),
        rendered=rendered,
        created_at=datetime(2026, 1, 14, tzinfo=UTC),
    )
    people = MailingList(slug="weekly", title=". x", sender=Address.parse("weekly@example.org"))
    compiled = compose.compile_mailing(
        mailing, people, compose.SignedLinks(secret=b"0123456789abcdef", public_url="")
    )
    _, message = compiled.compose_message(
        Recipient(subscriber_id=1, address=Address.parse("a@example.org"), name=". " * 90 + "é" * 90)
    )

    assert message.is_smtp_ready
    assert encode_content(replace(message, is_smtp_ready=False)) == message.content


def test_xtext_contains_only_characters_allowed_in_a_parameter():
    assert encode_xtext("a+b=c@example.org") == "a+2Bb+3Dc@example.org"


@given(st.data())
def test_replies_are_the_same_for_any_division_into_segments(data):
    stream = b"250-a\r\n250-\r\n250 2.1.0 b\r\n354\r\n550 5.1.1 c\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    replies = ReplyParser()
    found = [str(make_reply(code, lines)) for piece in pieces for code, lines in replies.feed(piece)]

    assert found == ["250 a 2.1.0 b", "354", "550 5.1.1 c"]
    assert not replies.error
    assert not replies.has_partial_reply


@given(st.binary(max_size=200))
def test_any_octets_from_a_relay_give_only_replies_or_an_error(octets):
    replies = ReplyParser()
    for code, lines in replies.feed(octets):
        reply = make_reply(code, lines)
        assert 200 <= reply.code <= 599
        assert str(reply).isprintable()
    assert replies.error or replies.has_partial_reply or octets == b"" or octets.endswith(b"\n")


def run_within(seconds, work):
    """Run a coroutine, and fail if it waits for ever."""

    async def main():
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(main())


def test_a_submission_read_while_a_worker_stops_all_is_returned_untried():
    stopped = asyncio.Event()

    async def offered():
        yield make_submission(0)
        await stopped.wait()
        yield make_submission(1)

    async def worker(queue):
        while (submission := await queue.take()) is not None:
            await asyncio.sleep(0)
            queue.report_not_sent(submission, "the relay is gone")
            stopped.set()
            raise TransportError("gone", relay="x")

    async def record_intents(keys):
        recorded.extend(keys)

    recorded, found = [], {}

    async def main():
        async for outcomes in dispatch(offered(), record_intents, [worker, worker]):
            found.update({key: outcome.detail for key, outcome in outcomes})

    with pytest.raises(TransportError, match="gone"):
        run_within(30, main())
    assert found == {0: "the relay is gone", 1: "not tried, because sending was stopped"}
    assert recorded == [0]


@pytest.mark.parametrize("cancelled", ["worker", "source", "ledger"])
def test_a_cancellation_inside_a_worker_ends_the_send(cancelled):
    """A library may cancel a future that a worker waits for, so that the worker ends without an outcome."""

    async def offered():
        yield make_submission(0)
        if cancelled == "source":
            raise asyncio.CancelledError
        yield make_submission(1)

    async def worker(queue):
        while (submission := await queue.take()) is not None:
            if cancelled == "worker":
                raise asyncio.CancelledError
            queue.report_not_sent(submission, "not sent")

    async def record_intents(keys):
        if cancelled == "ledger":
            raise asyncio.CancelledError

    async def main():
        async for _ in dispatch(offered(), record_intents, [worker, worker]):
            pass

    with pytest.raises(asyncio.CancelledError):
        run_within(30, main())


def test_memory_transport_keeps_accepted_messages_and_returns_the_chosen_outcomes():
    refused = Outcome(state=DeliveryState.REFUSED, phase=Phase.RCPT)

    async def main():
        from moza_mail.transport.memory import accept_message

        memory = MemoryTransport(
            lambda submission: refused if submission.key == 1 else accept_message(submission)
        )
        ran = await send(memory, 3)
        return ran, [submission.key for submission in memory.sent]

    ran, sent = asyncio.run(main())

    assert ran.states == ["accepted", "refused", "accepted"]
    assert ran.intended == sent == [0, 2]
    assert ran.outcomes[2].reply.queue_id == "M2"


def test_memory_transport_returns_submissions_untried_when_its_relay_fails():
    def down(_submission):
        raise TransportError("down", relay="memory:")

    ran = asyncio.run(send(MemoryTransport(down), 3))

    assert ran.states == ["pending"]
    assert isinstance(ran.error, TransportError)


class InstantSelector(selectors.DefaultSelector):
    """A selector that adds each wait to `waited` and does not wait; it refuses to wait without a limit."""

    waited = 0.0

    def select(self, timeout=None):
        assert timeout is not None
        self.waited += max(timeout, 0)
        return super().select(0)


class InstantLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, so that sleeps take no time and have the same order on a busy machine."""

    def __init__(self):
        self.instant = InstantSelector()
        super().__init__(self.instant)

    def time(self):
        return self.instant.waited


def count_intents_ahead(workers: int, *, message_seconds: float, commit_seconds: float) -> int:
    """Return the largest number of intents without an outcome, for workers and a ledger of these speeds."""
    in_doubt, most = set(), 0

    async def record_intents(keys):
        nonlocal most
        await asyncio.sleep(commit_seconds)
        in_doubt.update(keys)
        most = max(most, len(in_doubt))

    async def worker(queue):
        while (submission := await queue.take()) is not None:
            await asyncio.sleep(message_seconds)
            queue.report(submission, Outcome(state=DeliveryState.ACCEPTED, phase=Phase.BODY))

    async def submissions():
        for key in range(300):
            yield make_submission(key)

    async def run():
        async for outcomes in dispatch(submissions(), record_intents, [worker] * workers):
            in_doubt.difference_update(key for key, _ in outcomes)

    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        runner.run(run())
    assert not in_doubt
    return most


def test_the_look_ahead_is_small_for_a_slow_relay_and_large_for_a_slow_ledger():
    assert 2 <= count_intents_ahead(2, message_seconds=0.005, commit_seconds=0.0005) <= 8
    assert 32 < count_intents_ahead(8, message_seconds=0.0005, commit_seconds=0.02) <= LOOK_AHEAD + 8
