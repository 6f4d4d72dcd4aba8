"""SMTP against real relays: the outcome of each recipient, the intents before each body, and the messages that the relay has."""

import asyncio
import contextlib
import gc
import ssl
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from moza_mail.errors import RelayUnreachable, TransportError
from moza_mail.model.reply import Phase
from moza_mail.model.server_url import ServerAccess
from moza_mail.transport.connect import SmtpConnector
from moza_mail.transport.limits import Limits, Timeouts
from moza_mail.transport.protocol import LOOK_AHEAD
from moza_mail.transport.relay_url import parse_relay
from moza_mail.transport.smtp import SmtpTransport
from tests.support import smtp_servers
from tests.support.examples import examples
from tests.support.smtp_servers import DROP, HANG, LOOPBACK, FinalReply, free_port, scripted_relay, smtp_sink
from tests.support.submissions import make_submission, send

QUICK = Limits(
    backoff=(0, 0, 0),
    timeouts=Timeouts(connect=5, greeting=5, command=0.2, data=0.2, write=0.2, final_dot=0.2, quit=0.2),
)


def smtp(url: str, *, connections: int = 1, limits: Limits = QUICK) -> SmtpTransport:
    return SmtpTransport(parse_relay(url), limits=replace(limits, connections=connections))


@pytest.fixture(params=[True, False], ids=["pipelined", "one by one"], autouse=True)
def pipelining(request, monkeypatch):
    """Run each test twice: with a relay that offers PIPELINING and one that does not."""
    monkeypatch.setattr(smtp_servers, "PIPELINING", request.param)
    return request.param


def send_through_sink(*flags: str, submissions=6, connections: int = 2):
    """Send messages to smtp-sink; return the result and the messages that it has."""

    async def main(relay):
        transport = smtp(relay, connections=connections)
        ran = await send(transport, submissions)
        await transport.close()
        return ran

    with smtp_sink(*flags) as sink:
        ran = asyncio.run(main(sink.relay))
        return ran, sink.received()


def send_by_script(answers, *, submissions=3, connections: int = 1, limits: Limits = QUICK, **options):
    """Send messages to a relay that follows a script; return the result and the relay."""

    async def main():
        async with scripted_relay(answers) as relay:
            transport = smtp(relay.relay, connections=connections, limits=limits)
            ran = await send(transport, submissions, **options)
            await transport.close()
            return ran, relay

    return asyncio.run(main())


def has_message(relay, key: int) -> bool:
    """Return True if the scripted relay has the complete message of reader<key> once."""
    found = [body for body in relay.bodies if body == make_submission(key).message.content]
    assert len(found) <= 1
    return bool(found)


def test_a_closed_connection_is_freed_without_the_garbage_collector():
    async def main(relay):
        connector = SmtpConnector(parse_relay(relay), access=ServerAccess(), limits=QUICK)
        session = await connector.connect()
        await session.quit()
        closed = weakref.ref(session)
        del session
        await asyncio.sleep(0.1)
        return closed()

    with smtp_sink(keep=False) as sink:
        gc.disable()
        try:
            assert asyncio.run(main(sink.relay)) is None
        finally:
            gc.enable()


def test_a_relay_gets_each_message_once_and_unchanged():
    ran, received = send_through_sink(submissions=200, connections=4)

    assert ran.error is None
    assert set(ran.states) == {"accepted"}
    assert sorted(ran.intended) == list(range(200))
    assert all(outcome.reply.code == 250 for outcome in ran.outcomes.values())
    expected = {
        str(make_submission(key).envelope.recipient): [make_submission(key).message.content]
        for key in range(200)
    }
    assert {
        reader: [unix.replace(b"\n", b"\r\n") for unix in found] for reader, found in received.items()
    } == {reader: [content + b"\r\n" for content in found] for reader, found in expected.items()}


@pytest.mark.parametrize(
    ("flags", "state", "phase", "stops"),
    [
        (["-r", "MAIL"], "deferred", Phase.MAIL, False),
        (["-r", "RCPT"], "deferred", Phase.RCPT, False),
        (["-r", "DATA"], "deferred", Phase.DATA, False),
        (["-r", "."], "deferred", Phase.BODY, False),
        (["-f", "RCPT"], "refused", Phase.RCPT, False),
        (["-f", "DATA"], "refused", Phase.DATA, False),
        (["-f", "."], "refused", Phase.BODY, False),
        (["-f", "MAIL"], "pending", Phase.MAIL, True),
        (["-q", "MAIL"], "pending", Phase.MAIL, True),
        (["-q", "RCPT"], "pending", Phase.RCPT, True),
        (["-q", "DATA"], "pending", Phase.DATA, True),
        (["-q", "."], "uncertain", Phase.BODY, True),
        (["-Q", "MAIL"], "deferred", Phase.MAIL, True),
        (["-Q", "RCPT"], "deferred", Phase.RCPT, True),
        (["-Q", "DATA"], "deferred", Phase.DATA, True),
        (["-Q", "."], "deferred", Phase.BODY, True),
        (["-r", "RSET"], "accepted", Phase.BODY, False),
        (["-f", "EHLO"], "accepted", Phase.BODY, False),
        (["-q", "QUIT"], "accepted", Phase.BODY, False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_fault_of_a_relay_gives_every_recipient_the_right_state(flags, state, phase, stops):
    ran, received = send_through_sink(*flags, submissions=20)

    tried = {key: outcome for key, outcome in ran.outcomes.items() if outcome.phase is not Phase.CONNECT}
    assert {str(outcome.state) for outcome in tried.values()} == {state}
    assert {outcome.phase for outcome in tried.values()} == {phase}
    assert {str(ran.outcomes[key].state) for key in ran.outcomes.keys() - tried} <= {"pending"}
    assert isinstance(ran.error, TransportError) == stops
    assert stops or len(tried) == 20
    if phase is not Phase.BODY or state == "accepted":  # smtp-sink also keeps the bodies that it refuses
        assert len(received) == (20 if state == "accepted" else 0)


def test_a_refusal_during_the_body_is_the_outcome():
    ran, received = send_through_sink("-A", "0", submissions=20)

    assert ran.error is None
    assert ran.states == ["refused"] * 20
    assert received == {}


@pytest.mark.parametrize(
    "flags", [["-q", "CONNECT"], ["-Q", "CONNECT"], ["-f", "CONNECT"], ["-q", "EHLO"]], ids=" ".join
)
def test_no_submission_is_taken_from_a_relay_that_refuses_the_connection(flags):
    ran, received = send_through_sink(*flags)

    assert isinstance(ran.error, RelayUnreachable)
    assert "smtp://127.0.0.1" in ran.error.message
    assert ran.taken == []
    assert received == {}


def test_an_unreachable_relay_takes_no_submission_and_the_hint_is_to_run_again():
    async def main():
        return await send(smtp(f"smtp://{LOOPBACK}:{free_port()}", connections=4), 5)

    ran = asyncio.run(main())

    assert isinstance(ran.error, RelayUnreachable)
    assert ran.error.exit_code == 75
    assert "Run the same command again" in ran.error.hint
    assert ran.taken == []


def test_no_body_is_sent_before_its_intent_is_recorded():
    async def main():
        async with scripted_relay() as relay:
            transport = smtp(relay.relay, connections=2)
            seen = []

            async def intend(keys):
                await asyncio.sleep(0.02)  # long enough for octets that were sent too early to arrive
                seen.append((len(keys), relay.body_lines, relay.command_counts["MAIL"]))

            async for _ in transport.send(yield_submissions(3), intend):
                pass
            await transport.close()
            return seen

    assert asyncio.run(main()) == [(3, 0, 0)]


def test_after_any_commit_at_most_the_look_ahead_and_one_per_connection_are_uncertain():
    async def main():
        async with scripted_relay() as relay:
            transport = smtp(relay.relay, connections=4)
            doubtful, told, most = set(), [], []

            async def commit():
                """Commit all reported changes again and again, and resume their callers."""
                while True:
                    await asyncio.sleep(0.002)  # a slow commit, during which the relay continues
                    group, told[:] = list(told), []
                    for change, keys, _ in group:
                        change(keys)
                    most.append(len(doubtful))
                    for *_, done in group:
                        done.set_result(None)

            def tell(change, keys):
                done = asyncio.get_running_loop().create_future()
                told.append((change, list(keys), done))
                return done

            async def intend(keys):
                await tell(doubtful.update, keys)

            committing = asyncio.create_task(commit())
            async for outcomes in transport.send(yield_submissions(400), intend):
                await tell(doubtful.difference_update, [key for key, _ in outcomes])
            committing.cancel()
            await transport.close()
            return max(most), doubtful, len(relay.bodies)

    most, doubtful, bodies = asyncio.run(main())

    assert 4 < most <= LOOK_AHEAD + 4
    assert not doubtful
    assert bodies == 400


def test_a_stop_finishes_messages_in_progress_and_returns_the_others():
    async def main():
        async with scripted_relay() as relay:
            transport = smtp(relay.relay, connections=2)
            stop, found = asyncio.Event(), {}

            async def intend(_keys):
                pass

            async for outcomes in transport.send(yield_submissions(400), intend, stop):
                found.update(outcomes)
                stop.set()
            await transport.close()
            return found, relay

    found, relay = asyncio.run(main())
    states = [str(outcome.state) for outcome in found.values()]

    assert set(states) == {"accepted", "pending"}
    assert len(relay.bodies) == states.count("accepted") <= 12
    assert states.count("pending") >= LOOK_AHEAD - 12
    assert all(has_message(relay, key) for key, outcome in found.items() if outcome.state == "accepted")


async def yield_submissions(count):
    for key in range(count):
        yield make_submission(key)


def test_without_a_recorded_intent_no_body_is_sent():
    def broken(key):
        if key == 1:
            raise OSError("ledger full")

    ran, relay = send_by_script({}, submissions=4, before_body=broken)

    assert str(ran.error) == "ledger full"
    assert ran.states == ["pending"] * 4
    assert relay.body_lines == 0


@pytest.mark.parametrize(
    "answers",
    [
        {"BODY": [DROP]},
        {".": [DROP]},
        {".": [HANG]},
        {".": [b"hello\r\n"]},
        {".": [b"199\r\n"]},
        {".": [b"250-a\r\n550 b\r\n"]},
    ],
    ids=["broken in the body", "broken after the dot", "no reply", "garbage", "unknown reply", "two codes"],
)
def test_without_a_clear_reply_to_a_body_only_that_recipient_is_uncertain(answers):
    ran, relay = send_by_script(answers)

    assert ran.error is None
    assert ran.states == ["uncertain", "accepted", "accepted"]
    assert relay.connections == 2
    assert has_message(relay, 1)
    assert has_message(relay, 2)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "fault", [DROP, HANG, b"hello\r\n", b"999 no\r\n", b"x" * 9000, b"503 5.5.1 Out of order\r\n"]
)
def test_a_failure_before_the_body_leaves_the_recipient_pending(verb, fault):
    ran, relay = send_by_script({verb: [fault]})

    assert ran.error is None
    assert ran.states == ["pending", "accepted", "accepted"]
    assert relay.connections == 2
    assert not has_message(relay, 0)


@pytest.mark.parametrize(
    ("verb", "phase"), [("MAIL", "mail"), ("RCPT", "rcpt"), ("DATA", "data"), (".", "body")]
)
@pytest.mark.parametrize("closes", [True, False])
def test_421_defers_one_recipient_and_the_others_use_a_new_connection(verb, phase, closes):
    words = b"421 4.3.2 Going down\r\n"
    ran, relay = send_by_script({verb: [FinalReply(words) if closes else words]})

    assert ran.error is None
    assert ran.states == ["deferred", "accepted", "accepted"]
    assert str(ran.outcomes[0].phase) == phase
    assert relay.connections == 2


@pytest.mark.parametrize("words", [b"250 Ok\r\n421 4.4.2 Idle\r\n", b"250 Ok\r\n"])
def test_a_relay_that_closes_after_each_message_uses_up_no_attempt(words):
    ran, relay = send_by_script({".": [FinalReply(words)] * 6}, submissions=6)

    assert ran.error is None
    assert ran.states == ["accepted"] * 6
    assert relay.connections in {6, 7}  # the last connection may be opened for a further message
    assert all(has_message(relay, key) for key in range(6))


@pytest.mark.parametrize("fault", [FinalReply(b"421 4.4.2 Idle too long\r\n"), DROP, HANG])
def test_a_connection_lost_between_two_messages_is_replaced_for_the_same_recipient(fault):
    ran, relay = send_by_script({"MAIL": [None, fault]})

    assert ran.error is None
    assert ran.states == ["accepted"] * 3
    assert relay.connections == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_after_a_timeout_no_further_command_is_sent_on_that_connection(verb):
    ran, relay = send_by_script({verb: [HANG]})

    assert ran.states == ["pending", "accepted", "accepted"]
    assert relay.sessions[0][-1].startswith(verb)
    assert relay.connections == 2


def test_an_unsolicited_reply_ends_the_connection_before_the_body():
    ran, relay = send_by_script({"DATA": [b"354 Go\r\n250 2.0.0 Ok\r\n"]})

    assert ran.states == ["pending", "accepted", "accepted"]
    assert not has_message(relay, 0)


NO_RECIPIENT = b"554 5.5.1 No valid recipients\r\n"


def test_a_refused_recipient_does_not_affect_the_next_on_the_same_connection(pipelining):
    data = [b"451 4.3.0 Later\r\n"]
    ran, relay = send_by_script(
        {"RCPT": [b"550 5.1.1 No such user\r\n"], "DATA": [NO_RECIPIENT, *data] if pipelining else data}
    )

    assert ran.states == ["refused", "deferred", "accepted"]
    assert relay.connections == 1
    assert relay.commands.count("RSET") == 2
    assert ran.outcomes[0].reply.enhanced == "5.1.1"
    assert relay.bodies == [make_submission(2).message.content]


@pytest.mark.parametrize("said", [b"554 5.5.1 No recipients\r\n", b"250 Ok\r\n", FinalReply(b"421 Bye\r\n")])
def test_with_refused_recipients_in_a_pipeline_each_other_recipient_gets_its_own_reply(said, pipelining):
    gone, full = b"550 5.1.1 No such user\r\n", b"452 4.2.2 Full\r\n"
    ran, relay = send_by_script(
        {"RCPT": [None, gone, None, full, gone], ".": [None, said] if pipelining else []}, submissions=8
    )

    refused = [f"{outcome.reply.code}" for outcome in ran.outcomes.values() if outcome.state != "accepted"]
    assert [key for key, outcome in sorted(ran.outcomes.items()) if outcome.state != "accepted"] == [1, 3, 4]
    assert refused == ["550", "452", "550"]
    assert all(has_message(relay, key) for key in (0, 2, 5, 6, 7))
    if pipelining:  # the lone dots that end a body nobody wanted (RFC 2920 3.1)
        assert relay.bodies.count(b"") == 3


def test_after_a_refused_sender_no_body_and_no_dot_is_sent():
    ran, relay = send_by_script({"MAIL": [b"451 4.3.0 Later\r\n"]})

    assert ran.states == ["deferred", "accepted", "accepted"]
    assert b"" not in relay.bodies


@pytest.mark.parametrize("fault", [b"500 5.5.2 What?\r\n", DROP, HANG])
def test_if_rset_fails_the_connection_is_replaced_and_the_refusal_is_kept(fault, pipelining):
    data = [NO_RECIPIENT] if pipelining else []
    ran, relay = send_by_script({"RCPT": [b"550 5.1.1 No such user\r\n"], "DATA": data, "RSET": [fault]})

    assert ran.states == ["refused", "accepted", "accepted"]
    assert relay.connections == 2


def test_a_252_reply_to_rcpt_accepts_the_recipient():
    ran, relay = send_by_script({"RCPT": [b"252 2.1.5 Cannot verify, will try\r\n"]})

    assert ran.states == ["accepted"] * 3
    assert has_message(relay, 0)


def test_control_characters_in_a_reply_are_removed():
    ran, _ = send_by_script(
        {"RCPT": [b"550-5.1.1 \x1b[31mred\x00\r\n550 5.1.1 \xff\xfe end\r\n"]}, submissions=1
    )

    said = str(ran.outcomes[0].reply)
    assert ran.states == ["refused"]
    assert said.startswith("550 5.1.1")
    assert said.isprintable()
    assert "end" in said


def test_a_refused_sender_stops_all_workers_and_refuses_no_recipient():
    ran, relay = send_by_script({"MAIL": [None, b"553 5.7.1 Not your address\r\n"]}, submissions=5)

    assert ran.states == ["accepted"] + ["pending"] * 4
    assert "553 5.7.1 Not your address" in ran.error.message
    assert len(relay.bodies) == 1


def test_a_relay_that_requires_a_login_gives_its_own_error():
    ran, _ = send_by_script({"MAIL": [b"530 5.7.0 Authentication required\r\n"]})

    assert "requires a login" in ran.error.message
    assert "MOZA_MAIL_SMTP_PASSWORD" in ran.error.hint


def test_occasional_lost_connections_do_not_stop_the_send():
    ran, _ = send_by_script({"RCPT": [DROP, None] * 10}, submissions=20)

    assert ran.error is None
    assert ran.states == ["pending", "accepted"] * 10


def test_a_relay_that_never_accepted_a_connection_is_not_tried_again():
    ran, relay = send_by_script({"CONNECT": [DROP] * 9}, connections=4)

    assert isinstance(ran.error, RelayUnreachable)
    assert relay.connections == 1


def test_a_refusal_in_the_middle_of_a_large_body_is_the_outcome():
    content = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 800_000
    answers = {"BODY": [b"552 5.3.4 Too big\r\n"]}
    ran, relay = send_by_script(
        answers, submissions=[make_submission(0, content=content), make_submission(1)], limits=Limits()
    )

    assert ran.error is None
    assert ran.states == ["refused", "accepted"]
    assert has_message(relay, 1)


def test_a_relay_that_keeps_closing_connections_is_given_up_after_three_retries():
    ran, relay = send_by_script({"RCPT": [DROP] * 50}, submissions=20)

    assert ran.states == ["pending"] * 20
    assert relay.connections == relay.command_counts["RCPT"] == 4
    assert "keeps dropping the connection" in ran.error.message


def test_a_restarted_relay_is_connected_again():
    ran, relay = send_by_script({".": [FinalReply(b"250 Ok\r\n")], "CONNECT": [None, DROP, DROP]})

    assert ran.error is None
    assert ran.states == ["accepted"] * 3
    assert relay.connections == 4


def test_a_relay_that_allows_one_connection_gets_all_messages_over_it():
    busy = [None, *[FinalReply(b"421 4.7.0 Too many connections\r\n")] * 50]
    ran, relay = send_by_script({"CONNECT": busy}, submissions=200, connections=3)

    assert ran.error is None
    assert set(ran.states) == {"accepted"}
    assert len(relay.bodies) == 200


def test_a_connection_is_closed_after_its_maximum_number_of_messages():
    limits = Limits(messages_per_connection=10, backoff=(), timeouts=QUICK.timeouts)
    ran, relay = send_by_script({}, submissions=25, limits=limits)

    assert set(ran.states) == {"accepted"}
    assert relay.connections == 3
    assert relay.commands.count("QUIT") == 3


def test_a_second_send_uses_the_connection_of_the_first():
    async def main():
        async with scripted_relay() as relay:
            transport = smtp(relay.relay)
            first, second = (
                await send(transport, 2),
                await send(transport, [make_submission(2), make_submission(3)]),
            )
            await transport.close()
            await transport.close()
            return first.states + second.states, relay.connections

    assert asyncio.run(main()) == (["accepted"] * 4, 1)


LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 800_000


@pytest.mark.parametrize("fault", [DROP, HANG])
def test_a_body_whose_final_dot_was_not_sent_is_not_uncertain(fault):
    ran, relay = send_by_script(
        {"BODY": [fault]}, submissions=[make_submission(0, content=LARGE), make_submission(1)]
    )

    assert ran.error is None
    assert ran.states == ["pending", "accepted"]
    assert ran.outcomes[0].phase is Phase.BODY
    assert relay.acknowledged == [make_submission(1).message.content]


def test_over_tls_a_body_whose_final_dot_was_not_sent_is_not_uncertain(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def main():
        async with scripted_relay({"BODY": [DROP, None], ".": [None, DROP]}, tls=context) as relay:
            transport = SmtpTransport(
                parse_relay(f"smtps://localhost:{relay.port}"),
                access=ServerAccess(cafile=str(tmp_path / "ca.pem")),
                limits=replace(QUICK, connections=1),
            )
            ran = await send(
                transport, [make_submission(0, content=LARGE), make_submission(1), make_submission(2)]
            )
            await transport.close()
            return ran

    assert asyncio.run(main()).states == ["pending", "accepted", "uncertain"]


def test_dsn_is_requested_only_if_it_is_set_and_the_relay_offers_it():
    offered = {"EHLO": [b"250-x\r\n250 DSN\r\n"]}
    _, told = send_by_script(offered, submissions=1, limits=replace(QUICK, notify="FAILURE,DELAY"))
    _, unwanted = send_by_script(offered, submissions=1)
    _, silent = send_by_script(
        {"EHLO": [b"250 x\r\n"]}, submissions=1, limits=replace(QUICK, notify="FAILURE,DELAY")
    )

    assert "MAIL FROM:<weekly@example.org> RET=HDRS ENVID=0.abc" in told.commands
    assert (
        "RCPT TO:<reader0@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;reader0@example.com" in told.commands
    )
    for relay in (unwanted, silent):
        assert {"MAIL FROM:<weekly@example.org>", "RCPT TO:<reader0@example.com>"} <= set(relay.commands)


def test_replies_are_read_the_same_octet_by_octet():
    async def main():
        async with scripted_relay(
            {"RCPT": [None, b"550-5.1.1 No\r\n550 5.1.1 such\r\n"]}, dribbles=True
        ) as relay:
            transport = smtp(relay.relay, limits=Limits())
            ran = await send(transport, 5)
            await transport.close()
            return ran, relay

    ran, relay = asyncio.run(main())

    assert ran.states == ["accepted", "refused", "accepted", "accepted", "accepted"]
    assert relay.connections == 1


FAULTS = [
    DROP,
    FinalReply(b"421 4.3.2 Going down\r\n"),
    b"421 4.3.2 Going down\r\n",
    b"450 4.2.0 Later\r\n",
    b"550-5.1.1 No\r\n550 5.1.1 such user\r\n",
    b"503 5.5.1 Out of order\r\n",
    b"250 2.0.0 Ok\r\n",
    b"354 Go\r\n",
    FinalReply(b"354 Go\r\n421 4.3.2 No, do not\r\n"),
    b"220 hello\r\n",
    b"garbage\r\n",
    FinalReply(b"250 2.0.0 O"),
    FinalReply(b"250-half\r\n"),
]
# A relay that replies both before the final dot and to the dot contradicts itself, so these replies close the connection.
CUTS = [DROP, FinalReply(b"421 4.3.2 Going down\r\n"), FinalReply(b"552 5.3.4 Too big\r\n")]


def some(faults):
    return st.lists(st.none() | st.sampled_from(faults), max_size=8)


SCRIPTS = st.fixed_dictionaries(
    {}, optional={"BODY": some(CUTS), **dict.fromkeys(("MAIL", "RCPT", "DATA", ".", "RSET"), some(FAULTS))}
)


@given(script=SCRIPTS, connections=st.integers(1, 3), dribbles=st.booleans())
@examples(
    150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
def test_no_recipient_is_accepted_without_a_2xx_reply_to_their_own_final_dot(script, connections, dribbles):
    async def main():
        async with scripted_relay(script, dribbles=dribbles) as relay:
            transport = smtp(relay.relay, connections=connections)
            early = []
            ran = await send(
                transport, 12, before_body=lambda key: early.extend(relay.bodies * has_message(relay, key))
            )
            await transport.close()
            return ran, relay, early

    ran, relay, early = asyncio.run(main())
    said_yes = {key for key in ran.outcomes if make_submission(key).message.content in relay.acknowledged}
    accepted = {key for key, outcome in ran.outcomes.items() if outcome.state == "accepted"}
    uncertain = {key for key, outcome in ran.outcomes.items() if outcome.state == "uncertain"}

    assert not early
    assert accepted <= said_yes <= accepted | uncertain
    assert all(relay.bodies.count(make_submission(key).message.content) <= 1 for key in ran.outcomes)


def test_size_is_sent_if_the_relay_offers_it_and_8bitmime_is_never_used():
    _, told = send_by_script({"EHLO": [b"250-x\r\n250-8BITMIME\r\n250 SIZE 9000\r\n"]}, submissions=1)
    _, silent = send_by_script({"EHLO": [b"250 x\r\n"]}, submissions=1)

    size = len(make_submission(0).message.content)
    assert f"MAIL FROM:<weekly@example.org> SIZE={size}" in told.commands
    assert "MAIL FROM:<weekly@example.org>" in silent.commands


def test_a_leading_dot_and_a_bare_line_end_cannot_smuggle_a_second_message():
    content = b"Subject: x\r\n\r\n.\r\nMAIL FROM:<evil@example.org>\r\n\n.\nDATA\r.\r\r\n..two\r\nend"
    ran, relay = send_by_script({}, submissions=[make_submission(0, content=content), make_submission(1)])

    assert ran.states == ["accepted"] * 2
    assert len(relay.bodies) == 2
    assert b"\r\n..\r\nMAIL FROM:<evil@example.org>\r\n" in relay.bodies[0]
    assert relay.bodies[0].endswith(b"\r\n...two\r\nend\r\n")
    assert sum(command.startswith("MAIL") for command in relay.commands) == 2


def test_an_address_that_would_break_a_command_is_never_sent():
    hostile = make_submission(0, domain="example.com>\r\nRCPT TO:<victim@example.com")
    ran, relay = send_by_script({}, submissions=[hostile, make_submission(1)])

    assert ran.states == ["refused", "accepted"]
    assert not any("victim" in command for command in relay.commands)


def test_a_large_body_arrives_complete_at_a_slow_relay():
    content = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 200_000
    ran, relay = send_by_script({}, submissions=[make_submission(0, content=content)], limits=Limits())

    assert ran.states == ["accepted"]
    assert relay.bodies == [content]


def test_an_error_of_the_source_is_raised_after_the_messages_in_progress():
    def offered():
        yield make_submission(0)
        yield make_submission(1)
        raise LookupError("the store is gone")

    ran, relay = send_by_script({}, submissions=offered(), connections=2)

    assert str(ran.error) == "the store is gone"
    assert set(ran.states) <= {"accepted", "pending"}
    assert len(relay.bodies) == ran.states.count("accepted")


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_an_abandoned_send_leaves_no_task_running_and_sends_no_further_body(how):
    async def main():
        async with (
            scripted_relay({".": [None, HANG]}) as relay,
            contextlib.aclosing(yield_submissions(9)) as submissions,
        ):
            transport = smtp(relay.relay, limits=Limits())
            announced: list[int] = []
            hanging = asyncio.Event()

            async def intend(keys):
                announced.extend(keys)

            async def consume():
                async with contextlib.aclosing(transport.send(submissions, intend)) as outcomes:
                    async for _ in outcomes:
                        while len(relay.bodies) < 2:  # noqa: ASYNC110 -- the relay has no event to wait for
                            await asyncio.sleep(0.001)
                        hanging.set()
                        if how == "closed":
                            return

            task = asyncio.create_task(consume())
            await hanging.wait()
            if how == "cancelled":
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            left = [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
            await transport.close()
            return announced, len(relay.bodies), [task for task in left if "ScriptedRelay.serve" not in task]

    announced, bodies, left = asyncio.run(main())
    assert announced == list(range(len(announced)))
    assert 2 <= len(announced) <= 8
    assert (bodies, left) == (2, [])


def test_the_name_of_the_relay_has_no_password_and_brackets_around_an_ipv6_host():
    assert smtp("smtp://[::1]:2525").name == "smtp://[::1]:2525"
    assert smtp("smtp+starttls://a%40b@relay.example").name == "smtp+starttls://a%40b@relay.example:587"


def test_open_transport_opens_an_outbox_or_smtp_by_its_url():
    from moza_mail.transport import open_transport

    assert open_transport("outbox:out", base=Path("here")).name == "outbox:out"
    assert (
        open_transport("smtp://localhost", base=Path("here"), limits=Limits(connections=2)).name
        == "smtp://localhost:25"
    )
