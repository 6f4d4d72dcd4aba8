"""Confirmation mails, on SQLite and PostgreSQL: each is sent at most once, whatever happens."""

import asyncio
import contextlib
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from moza_mail import subscribe
from moza_mail.errors import (
    AddressError,
    RenderError,
    StoreError,
    StoreLocked,
    SubscriptionError,
    TransportError,
)
from moza_mail.model.bounce import BounceKind, BounceReport, FailedRecipient
from moza_mail.model.classify_reply import classify_reply
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.message import Envelope, Message
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.rate import SendRates
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.sign_up import NO_MAILING
from moza_mail.model.subscriber import SuppressionReason
from moza_mail.model.verdict import Verdict
from moza_mail.store.schema import confirmations
from moza_mail.subscribe import SelfService, SubscriberAdmin
from moza_mail.transport import Limits, MemoryTransport, open_transport
from moza_mail.transport.limits import Timeouts
from tests.integration.test_store_sign_ups import LINKS, confirm, leaving, queued, sign_up
from tests.support.smtp_servers import LOOPBACK, ScriptedRelay, free_port
from tests.support.store_builders import ACCEPTED, DEFERRED, NOW, address, create_mailing, make_list
from tests.support.stores import KINDS, Scenario, new_store, run_with_store

HOUR = timedelta(hours=1)
UNKNOWN_USER = to_outcome(Reply.parse(550, "5.1.1 no such user"), Phase.RCPT)
TEMPORARY = to_outcome(Reply.parse(451, "4.3.0 later"), Phase.BODY)
BROKEN = Outcome(state=DeliveryState.UNCERTAIN, phase=Phase.BODY, detail="the line broke")
UNTRIED = Outcome(state=DeliveryState.PENDING, phase=Phase.CONNECT, detail="not tried")
SENDER = make_list().sender


@pytest.fixture(params=KINDS)
def on(request):
    """Run a scenario on a new, empty store of each kind."""

    def run(scenario: Scenario) -> None:
        with new_store(request.param, request) as url:
            asyncio.run(run_with_store(url, scenario))

    return run


def compose_mail(confirmation) -> tuple[Envelope, Message]:
    content = f"To: {confirmation.address}\r\n\r\n{LINKS.make_confirmation_url(confirmation)}\r\n".encode()
    envelope = Envelope(sender=SENDER, recipient=confirmation.address)
    return envelope, Message(content=content, message_id=f"<{confirmation.id}@example.org>")


async def deliver(store, memory, *, at=NOW, compose=compose_mail, **more) -> Counter:
    settings = subscribe.ConfirmationSettings(clock=lambda: at, **more)
    async with store.confirmations.hold_sender_lock("test"):
        return await subscribe.deliver_confirmations(store, memory, compose, settings)


def answering(outcome: Outcome) -> MemoryTransport:
    return MemoryTransport(lambda _: outcome)


def mailed(memory: MemoryTransport) -> list[str]:
    return [str(one.envelope.recipient) for one in memory.sent]


async def rows(store, *columns):
    query = sa.select(*(confirmations.c[name] for name in columns)).order_by(confirmations.c.id)
    return await store.transactions.read(lambda connection: [tuple(row) for row in connection.execute(query)])


async def stop_after_one(memory, stop):
    """Stop a while after the first mail was sent, long enough for a second one."""
    async with asyncio.timeout(60):
        while not memory.sent:  # noqa: ASYNC110 - a memory has nothing to wait for
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    stop.set()


class TestDelivering:
    def test_each_due_confirmation_is_mailed_once_with_a_working_link(self, on):
        async def scenario(store):
            for number in range(1, 121):
                await sign_up(store, number=number)
            memory = MemoryTransport()
            assert await deliver(store, memory) == {DeliveryState.ACCEPTED: 120}
            assert sorted(mailed(memory)) == sorted(str(address(number)) for number in range(1, 121))
            assert await deliver(store, memory, at=NOW + HOUR) == {}
            assert len(memory.sent) == 120
            assert (await store.confirmations.count_by_state())[DeliveryState.ACCEPTED] == 120
            link = memory.sent[0].message.content.decode().split("\r\n\r\n")[1].strip()
            token = link.rpartition("/")[2]
            done = await SelfService(store, LINKS).confirm("weekly", token, now=NOW)
            assert str(done.address) == mailed(memory)[0]

        on(scenario)

    def test_unsubscribed_suppressed_and_confirmed_people_are_not_mailed(self, on):
        async def scenario(store):
            for number in range(1, 5):
                await sign_up(store, number=number)
            first, second, third, _ = await queued(store)
            await SelfService(store, LINKS).unsubscribe("weekly", leaving(first.subscriber_id), now=NOW)
            await SubscriberAdmin(store).suppress(str(second.address), "phoned", now=NOW)
            await confirm(store, third)
            memory = MemoryTransport()
            await deliver(store, memory)
            assert mailed(memory) == [str(address(4))]
            assert [reason for (reason,) in await rows(store, "skip_reason")] == [
                SkipReason.UNSUBSCRIBED,
                SkipReason.SUPPRESSED,
                SkipReason.CONFIRMED,
                None,
            ]

        on(scenario)

    def test_a_deferred_confirmation_is_retried_and_given_up_after_two_days(self, on):
        async def scenario(store):
            await sign_up(store)
            assert await deliver(store, answering(TEMPORARY)) == {DeliveryState.DEFERRED: 1}
            due = await store.confirmations.find_next_due()
            assert NOW < due < NOW + timedelta(minutes=10)
            assert await deliver(store, MemoryTransport(), at=NOW + timedelta(minutes=3)) == {}
            assert await deliver(store, MemoryTransport(), at=NOW + timedelta(minutes=10)) == {
                DeliveryState.ACCEPTED: 1
            }
            await sign_up(store, number=2, at=NOW)
            assert await deliver(store, MemoryTransport(), at=NOW + 48 * HOUR) == {}
            assert [state for (state,) in await rows(store, "state")] == ["accepted", "refused"]
            # The person may ask again, and then gets a mail.
            await sign_up(store, number=2, at=NOW + 49 * HOUR)
            assert await deliver(store, MemoryTransport(), at=NOW + 49 * HOUR) == {DeliveryState.ACCEPTED: 1}

        on(scenario)

    def test_an_address_that_does_not_exist_is_suppressed_with_the_relays_reply(self, on):
        async def scenario(store):
            await sign_up(store)
            assert await deliver(store, answering(UNKNOWN_USER)) == {DeliveryState.REFUSED: 1}
            found = await store.suppressions.find(address(1))
            assert (found.reason, found.evidence) == (
                SuppressionReason.HARD_BOUNCE,
                "550 5.1.1 no such user [confirmation for weekly]",
            )

        on(scenario)

    def test_an_uncertain_confirmation_is_not_retried_until_the_person_asks_again(self, on):
        async def scenario(store):
            await sign_up(store)
            assert await deliver(store, answering(BROKEN)) == {DeliveryState.UNCERTAIN: 1}
            assert await deliver(store, MemoryTransport(), at=NOW + 24 * HOUR) == {}
            await sign_up(store, at=NOW + HOUR)
            assert await deliver(store, MemoryTransport(), at=NOW + HOUR) == {DeliveryState.ACCEPTED: 1}

        on(scenario)

    def test_a_failing_relay_loses_no_confirmation_and_an_untried_one_waits_twenty_seconds(self, on):
        def fails(_):
            raise TransportError("The relay is gone.", relay="memory:")

        async def scenario(store):
            await sign_up(store)
            await sign_up(store, number=2)
            with pytest.raises(TransportError):
                await deliver(store, MemoryTransport(fails))
            counts = await store.confirmations.count_by_state()
            assert counts[DeliveryState.PENDING] == 2
            assert await deliver(store, answering(UNTRIED)) == {DeliveryState.PENDING: 1}
            assert await deliver(store, MemoryTransport()) == {}
            assert await deliver(store, MemoryTransport(), at=NOW + timedelta(seconds=20)) == {
                DeliveryState.ACCEPTED: 2
            }
            assert await rows(store, "attempts") == [(1,), (1,)]

        on(scenario)

    @pytest.mark.parametrize(
        "wrong", [AddressError("x", "cannot be mailed"), SubscriptionError("no such list")]
    )
    def test_a_confirmation_that_cannot_be_mailed_does_not_delay_the_others(self, on, wrong):
        def picky(confirmation):
            if confirmation.address.local == "Reader1":
                raise wrong
            return compose_mail(confirmation)

        async def scenario(store):
            for number in (1, 2):
                await sign_up(store, number=number)
            await deliver(store, MemoryTransport(), compose=picky)
            assert [state for (state,) in await rows(store, "state")] == ["refused", "accepted"]

        on(scenario)

    def test_a_faulty_theme_is_reported_and_the_confirmation_waits_for_the_fix(self, on):
        def wrong(_):
            raise RenderError("no wording", template="confirm.mjml")

        async def scenario(store):
            await sign_up(store)
            told = []
            assert await deliver(store, MemoryTransport(), compose=wrong, on_error=told.append) == {
                DeliveryState.PENDING: 1
            }
            assert [error.message for error in told] == ["confirm.mjml: no wording"]
            later = NOW + timedelta(minutes=1)
            assert await deliver(store, MemoryTransport(), at=later) == {DeliveryState.ACCEPTED: 1}

        on(scenario)

    def test_confirmations_obey_the_rate_limits_of_mailings(self, on):
        async def scenario(store):
            for number in range(1, 4):
                await sign_up(store, number=number)
            stop = asyncio.Event()
            # The clock does not advance. So the first mail uses the rate of this hour, and the second mail waits.
            rates = SendRates.parse("1/h", {})
            memory = MemoryTransport()
            stopping = asyncio.create_task(stop_after_one(memory, stop))
            assert await deliver(store, memory, rates=rates, stop=stop) == {DeliveryState.ACCEPTED: 1}
            await stopping
            assert (await store.confirmations.count_by_state())[DeliveryState.PENDING] == 2

        on(scenario)


class TestSenderLock:
    def test_confirmations_and_a_mailing_are_sent_at_the_same_time(self, on):
        async def scenario(store):
            mailing = await create_mailing(store, 3)
            await sign_up(store, number=7)
            async with store.ledger.hold_sender_lock("send"):
                claimed = await store.ledger.claim(mailing, limit=3, now=NOW)
                memory = MemoryTransport()
                assert await deliver(store, memory) == {DeliveryState.ACCEPTED: 1}
                assert await store.ledger.recover(mailing, now=NOW) == {
                    DeliveryState.PENDING: 0,
                    DeliveryState.UNCERTAIN: 0,
                }
                assert not await store.ledger.record_intents([one.id for one in claimed], now=NOW)
            assert mailed(memory) == [str(address(7))]

        on(scenario)

    def test_only_one_process_mails_confirmations_of_a_store(self, on):
        async def scenario(store):
            async with store.confirmations.hold_sender_lock("one"):
                with pytest.raises(StoreLocked, match="is sending the confirmation mails"):
                    async with store.confirmations.hold_sender_lock("two"):
                        pass

        on(scenario)

    def test_a_confirmation_without_a_claim_gets_no_intent_and_no_outcome(self, on):
        async def scenario(store):
            await sign_up(store)
            (asked,) = await queued(store)
            async with store.confirmations.hold_sender_lock("test"):
                with pytest.raises(StoreError):
                    await store.confirmations.record_intents([asked.id], now=NOW)
                await store.confirmations.record_outcomes([(asked.id, ACCEPTED)], now=NOW)
            assert await rows(store, "state") == [(DeliveryState.PENDING,)]

        on(scenario)

    def test_after_a_crash_claimed_confirmations_are_mailed_and_intents_become_uncertain(self, on):
        async def scenario(store):
            for number in range(1, 4):
                await sign_up(store, number=number)
            ledger = store.confirmations
            async with ledger.hold_sender_lock("dead"):
                first, second, _ = await ledger.claim(limit=3, now=NOW)
                await ledger.record_intents([first.id, second.id], now=NOW)
                await ledger.record_outcomes([(second.id, DEFERRED)], now=NOW)
            memory = MemoryTransport()
            assert await deliver(store, memory, at=NOW + HOUR) == {DeliveryState.ACCEPTED: 2}
            assert mailed(memory) == [str(address(3)), str(address(2))]
            assert (await ledger.count_by_state())[DeliveryState.UNCERTAIN] == 1

        on(scenario)


class TestBackgroundMailing:
    def test_confirmations_are_mailed_until_the_server_stops_and_after_an_error_is_reported(
        self, on, monkeypatch
    ):
        monkeypatch.setattr("moza_mail.subscribe.confirmations.POLL_INTERVAL", timedelta(milliseconds=5))
        monkeypatch.setattr("moza_mail.subscribe.confirmations.MIN_RETRY_DELAY", timedelta(milliseconds=5))

        async def scenario(store):
            left, told, opened = asyncio.Queue(), [], []

            def answer(submission):
                left.put_nowait(str(submission.envelope.recipient))
                return ACCEPTED

            memory = MemoryTransport(answer)

            @contextlib.asynccontextmanager
            async def open_first_relay():
                opened.append(True)
                if len(opened) == 1:
                    raise TransportError("The relay is gone.", relay="memory:")
                if len(opened) == 2:
                    raise ZeroDivisionError("a mistake of ours")
                yield memory

            settings = subscribe.ConfirmationSettings(clock=lambda: NOW, on_error=told.append)
            work = subscribe.keep_delivering_confirmations(
                store, open_first_relay, compose_mail, settings, purpose="test"
            )
            task = asyncio.create_task(work)
            for number in (1, 2):
                await sign_up(store, number=number)
                assert await asyncio.wait_for(left.get(), 20) == str(address(number))
            settings.stop.set()
            await task
            assert [str(error) for error in told] == ["The relay is gone.", "a mistake of ours"]
            async with store.confirmations.hold_sender_lock("the next"):
                assert len(memory.sent) == 2

        on(scenario)

    def test_ten_restarts_of_the_relay_lose_and_repeat_no_confirmation(self, on, monkeypatch):
        monkeypatch.setattr("moza_mail.subscribe.confirmations.POLL_INTERVAL", timedelta(milliseconds=5))
        monkeypatch.setattr("moza_mail.subscribe.confirmations.MIN_RETRY_DELAY", timedelta(milliseconds=5))
        monkeypatch.setattr("moza_mail.subscribe.confirmations.MAX_RETRY_DELAY", timedelta(milliseconds=50))
        monkeypatch.setattr("moza_mail.store.confirmations.RETRY_DELAY", timedelta(milliseconds=20))
        relay, port = ScriptedRelay(script={}), free_port()
        limits = Limits(
            connections=2, backoff=(0,), timeouts=Timeouts(connect=2, greeting=2, final_dot=2, quit=0.1)
        )

        @contextlib.asynccontextmanager
        async def open_relay():
            url = f"smtp://{LOOPBACK}:{port}"
            transport = open_transport(url, base=Path(), limits=limits)
            try:
                yield transport
            finally:
                await transport.close()

        @contextlib.asynccontextmanager
        async def running_relay():
            server = await asyncio.start_server(relay.serve, LOOPBACK, port)
            try:
                yield
            finally:
                server.close()
                for writer in relay.writers:
                    writer.transport.abort()

        async def unsettled(store) -> int:
            counts = await store.confirmations.count_by_state()
            return sum(counts[state] for state in ("pending", "claimed", "intent", "deferred"))

        async def scenario(store):
            settings = subscribe.ConfirmationSettings(clock=lambda: datetime.now(UTC))
            task = asyncio.create_task(
                subscribe.keep_delivering_confirmations(
                    store, open_relay, compose_mail, settings, purpose="test"
                )
            )
            numbers = iter(range(1, 100))
            for _ in range(10):
                async with running_relay():
                    for number in (next(numbers), next(numbers), next(numbers)):
                        await sign_up(store, number=number, at=datetime.now(UTC))
                    await asyncio.sleep(0.03)
                await sign_up(store, number=next(numbers), at=datetime.now(UTC))
                await asyncio.sleep(0.03)
            async with running_relay(), asyncio.timeout(30):
                while await unsettled(store):  # noqa: ASYNC110 -- a store has nothing to wait for
                    await asyncio.sleep(0.02)
            settings.stop.set()
            await task
            counts = await store.confirmations.count_by_state()
            times = Counter(re.findall(rb"To: (\S+)", b"".join(relay.acknowledged)))
            assert set(times.values()) == {1}
            assert counts[DeliveryState.ACCEPTED] + counts[DeliveryState.UNCERTAIN] == 40
            assert counts[DeliveryState.ACCEPTED] <= len(times)

        on(scenario)

    def test_the_oldest_confirmation_without_a_reply_is_found(self, on):
        async def scenario(store):
            assert await store.confirmations.find_oldest_unsent() is None
            for number, hours in ((1, 0), (2, 1), (3, 2)):
                await sign_up(store, number=number, at=NOW + hours * HOUR)
            assert await store.confirmations.find_oldest_unsent() == NOW
            await deliver(store, answering(TEMPORARY), at=NOW)
            assert await store.confirmations.find_oldest_unsent() == NOW + HOUR

        on(scenario)


class TestUnsubscribingDuringAMailing:
    def test_a_recipient_who_unsubscribes_after_the_mailing_began_is_skipped(self, on):
        async def scenario(store):
            mailing = await create_mailing(store, 3)
            person = await store.subscribers.find(address(1))
            await SelfService(store, LINKS).unsubscribe("weekly", leaving(person.subscriber.id), now=NOW)
            async with store.ledger.hold_sender_lock("send"):
                claimed = await store.ledger.claim(mailing, limit=9, now=NOW)
            assert [str(one.address) for one in claimed] == [str(address(0)), str(address(2))]
            assert await store.ledger.count_skipped(mailing) == {(SkipReason.UNSUBSCRIBED, ""): 1}

        on(scenario)


class TestReports:
    @pytest.mark.parametrize(
        ("kind", "reply", "reason"),
        [
            (BounceKind.HARD, "550 5.1.1 no such user", SuppressionReason.HARD_BOUNCE),
            (BounceKind.POLICY, "550 5.7.1 blocked", None),
            (BounceKind.SOFT, "452 4.2.2 mailbox full", None),
            (BounceKind.COMPLAINT, "", SuppressionReason.COMPLAINT),
        ],
    )
    def test_a_bounce_or_complaint_about_a_confirmation_counts_once_and_suppresses_the_address(
        self, on, kind, reply, reason
    ):
        async def scenario(store):
            await sign_up(store)
            (asked,) = await queued(store)
            said = Reply.parse(int(reply[:3]), reply[4:]) if reply else None
            verdict = classify_reply(reply) if reply else Verdict.UNCLEAR
            failed = FailedRecipient(recipient=str(address(1)), reply=said, verdict=verdict)
            failures = (failed,) if said else ()
            report = BounceReport(
                kind=kind,
                local_parts=(LINKS.make_bounce_local_part(NO_MAILING, asked.id),),
                failures=failures,
            )
            bounce, follows = await subscribe.record_bounce(store, report, LINKS, digest="d", now=NOW)
            assert (bounce.is_settled, bounce.kind) == (True, kind)
            assert (follows.suppression.reason if follows.suppression else None) is reason
            found = await store.suppressions.find(address(1))
            assert (found.reason if found else None) is reason
            _, again = await subscribe.record_bounce(store, report, LINKS, digest="d", now=NOW)
            assert again.already_counted

        on(scenario)

    def test_a_report_about_a_deleted_sign_up_is_unknown(self, on):
        async def scenario(store):
            report = BounceReport(
                kind=BounceKind.COMPLAINT, local_parts=(LINKS.make_bounce_local_part(NO_MAILING, 7),)
            )
            bounce, _ = await subscribe.record_bounce(store, report, LINKS, digest="d", now=NOW)
            assert not bounce.is_settled

        on(scenario)
