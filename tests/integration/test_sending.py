"""Sending mailings with a real store and a transport in memory."""

import asyncio
import resource
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from moza_mail import compose, sending
from moza_mail.errors import EmptyAudience, IssueChanged, StoreError
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Recipient, Rendered, make_placeholder
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.model.verdict import Verdict
from moza_mail.sending import compose_ahead
from moza_mail.store import open_store
from moza_mail.subscribe.subscriber_admin import SubscriberAdmin
from moza_mail.transport import MemoryTransport
from moza_mail.transport.outbox import OutboxTransport
from tests.support.builders import issue
from tests.support.dkim_verifier import has_valid_signatures

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
LIST = MailingList(slug="weekly", title="Weekly", sender=Address.parse("weekly@example.org"))
LINKS = compose.SignedLinks(secret=b"0123456789abcdef", public_url="https://nieuws.example.org")
LEAVE = make_placeholder("unsubscribe_url")
RENDERED = Rendered(subject="Nieuws", preheader="", html=f"<a href='{LEAVE}'>weg</a>", text=LEAVE, lang="nl")


def drafted(**changes):
    return sending.draft_mailing(issue(), LIST, Rendered(**{**fields(RENDERED), **changes}), now=NOW)


def fields(rendered):
    return {name: getattr(rendered, name) for name in rendered.__slots__}


def outcome(state, phase=Phase.RCPT):
    return Outcome(
        state=state, phase=phase, reply=Reply(code=250 if state is DeliveryState.ACCEPTED else 450)
    )


class Bench:
    """A store with readers, and methods to run a mailing to them."""

    def __init__(self, store):
        self.store = store
        self.now = NOW
        self.tick = timedelta(0)
        self.stop = asyncio.Event()
        self.heard = []
        self.keys = ()

    async def readers(self, count):
        people = [
            NewSubscriber(
                address=Address.parse(f"lezer{number}@example.org"), name=f"Lezer {number}", consent="ja"
            )
            for number in range(count)
        ]
        await self.store.subscribers.save_list(LIST)
        await self.store.subscribers.add(people, list_slug="weekly", source="test", now=NOW)

    def clock(self):
        """Return the time, which advances by one tick at each call, so that no test waits."""
        self.now += self.tick
        return self.now

    async def deliver(self, transport, **options):
        mailing = await sending.begin_mailing(self.store, issue(), LIST, drafted())
        run = sending.SendSettings(
            clock=self.clock,
            stop=self.stop,
            on_outcomes=self.heard.extend,
            **options,
        )
        async with self.store.ledger.hold_sender_lock("test"):
            compiled = compose.compile_mailing(
                mailing, LIST, LINKS, identity=compose.SenderIdentity(keys=self.keys)
            )
            await sending.deliver(self.store, transport, mailing, compiled, run)
        return await self.states(mailing)

    async def states(self, mailing):
        progress = await sending.load_progress(self.store, mailing)
        return {state.value: count for state, count in progress.states.items() if count}


def bench(tmp_path, work):
    async def run():
        store = await open_store(
            f"sqlite:///{tmp_path / 'm.db'}", hasher=AddressHasher(secret=b"0123456789abcdef")
        )
        try:
            return await work(Bench(store))
        finally:
            await store.close()

    return asyncio.run(run())


def test_every_recipient_is_mailed_once_in_batches(tmp_path):
    async def work(bench):
        await bench.readers(25)
        memory = MemoryTransport()
        assert await bench.deliver(memory, batch_size=10) == {"accepted": 25}
        assert await bench.deliver(memory, batch_size=10) == {"accepted": 25}
        assert len(bench.heard) == 25
        return memory

    sent = [submission.envelope.recipient.key for submission in bench(tmp_path, work).sent]
    assert len(sent) == len(set(sent)) == 25


KEY = compose.generate_key(compose.KeyType.ED25519, domain="example.org", selector="s")[0]


def test_with_signing_threads_every_recipient_is_mailed_once_in_ledger_order(tmp_path):
    async def work(bench):
        await bench.readers(150)
        bench.keys = (KEY,)
        memory = MemoryTransport()
        assert await bench.deliver(memory, batch_size=40) == {"accepted": 150}
        return memory

    sent = bench(tmp_path, work).sent
    assert [submission.envelope.recipient.local for submission in sent] == [f"lezer{n}" for n in range(150)]
    assert all(has_valid_signatures(submission.message.content, KEY) for submission in sent[::10])


def test_a_stop_during_signing_releases_all_claims(tmp_path):
    async def work(bench):
        await bench.readers(150)
        bench.keys = (KEY,)

        def answer(submission):
            bench.stop.set()
            return outcome(DeliveryState.ACCEPTED)

        states = await bench.deliver(MemoryTransport(answer), batch_size=100)
        assert states["accepted"] + states["pending"] == 150
        assert states["accepted"] < 100

    bench(tmp_path, work)


def test_signing_runs_ahead_only_up_to_the_limit():
    begun, asked = [], []

    def work(run):
        begun.append(run)
        return run

    async def batches():
        for first in range(0, 1000, 100):
            yield range(first, first + 100)

    async def main():
        with ThreadPoolExecutor(2) as pool:
            async for run in compose_ahead.run_in_threads(pool, work, batches()):
                asked.extend(run)
                assert (
                    sum(map(len, begun)) - len(asked) <= compose_ahead.CHUNK_SIZE * compose_ahead.CHUNKS_AHEAD
                )

    asyncio.run(main())

    assert asked == list(range(1000))


def test_an_untried_delivery_is_tried_again_in_the_same_run(tmp_path):
    async def work(bench):
        await bench.readers(5)
        seen = []

        def answer(submission):
            seen.append(submission.key)
            first = seen.count(submission.key) == 1
            return outcome(DeliveryState.PENDING if first else DeliveryState.ACCEPTED)

        assert await bench.deliver(MemoryTransport(answer), batch_size=5) == {"accepted": 5}
        assert len(seen) == 10

    bench(tmp_path, work)


def test_a_delivery_that_stays_untried_is_deferred_and_delays_no_other(tmp_path):
    async def work(bench):
        await bench.readers(5)

        def answer(submission):
            stuck = str(submission.envelope.recipient).startswith("lezer0@")
            return outcome(DeliveryState.PENDING if stuck else DeliveryState.ACCEPTED)

        assert await bench.deliver(MemoryTransport(answer), batch_size=2) == {"accepted": 4, "deferred": 1}

    bench(tmp_path, work)


def test_a_deferred_delivery_is_tried_again_only_when_due(tmp_path):
    async def work(bench):
        await bench.readers(2)
        assert await bench.deliver(MemoryTransport(lambda _: outcome(DeliveryState.DEFERRED))) == {
            "deferred": 2
        }
        assert await bench.deliver(MemoryTransport()) == {"deferred": 2}
        bench.now = NOW + timedelta(minutes=6)
        assert await bench.deliver(MemoryTransport()) == {"accepted": 2}

    bench(tmp_path, work)


def test_an_uncertain_delivery_is_not_retried_automatically(tmp_path):
    async def work(bench):
        await bench.readers(2)
        assert await bench.deliver(
            MemoryTransport(lambda _: outcome(DeliveryState.UNCERTAIN, Phase.BODY))
        ) == {"uncertain": 2}
        memory = MemoryTransport()
        assert await bench.deliver(memory) == {"uncertain": 2}
        assert memory.sent == []

    bench(tmp_path, work)


def test_a_person_may_decide_to_mail_uncertain_recipients_again(tmp_path):
    async def work(bench):
        await bench.readers(2)
        await bench.deliver(MemoryTransport(lambda _: outcome(DeliveryState.UNCERTAIN, Phase.BODY)))
        memory = MemoryTransport()
        assert await bench.deliver(memory, retry_uncertain=True) == {"accepted": 2}
        assert len(memory.sent) == 2

    bench(tmp_path, work)


def test_a_run_can_wait_for_deferred_deliveries(tmp_path):
    async def work(bench):
        await bench.readers(2)
        bench.tick = timedelta(minutes=10)
        seen = []

        def answer(submission):
            seen.append(submission.key)
            first = seen.count(submission.key) == 1
            return outcome(DeliveryState.DEFERRED) if first else outcome(DeliveryState.ACCEPTED, Phase.BODY)

        assert await bench.deliver(MemoryTransport(answer), wait=timedelta(hours=24)) == {"accepted": 2}

    bench(tmp_path, work)


def refusing(reply, only=lambda _: True):
    """Return a transport that refuses these recipients with a reply, and accepts the others."""

    def answer(submission):
        if only(str(submission.envelope.recipient)):
            return to_outcome(Reply.parse(int(reply[:3]), reply[4:]), Phase.RCPT, submission.envelope)
        return to_outcome(Reply.parse(250, "ok"), Phase.BODY)

    return MemoryTransport(answer)


@pytest.mark.parametrize(
    ("reply", "attempts"),
    [
        ("550 5.1.0 <weekly@example.org>: Sender address rejected: User unknown", 3),
        ("450 4.1.8 <weekly@example.org>: Sender address rejected: Domain not found", 3),
        ("554 5.7.1 Relay access denied", 3),
        ("550 5.7.1 Client not authenticated to send mail", 3),
        ("550 5.4.5 Daily user sending limit exceeded", 1),
        ("454 Throttling failure: Daily message quota exceeded.", 1),
    ],
)
def test_a_refusal_caused_by_us_refuses_no_recipient_and_the_same_command_continues(
    tmp_path, reply, attempts
):
    async def work(bench):
        await bench.readers(60)
        refused = refusing(reply)
        asked = []
        choose = refused._choose_outcome
        transport = MemoryTransport(lambda submission: asked.append(submission.key) or choose(submission))
        assert await bench.deliver(transport, batch_size=30) == {"pending": 60}
        assert len(asked) == attempts
        started = (await bench.store.ledger.list_started())[0]
        assert started.paused_until > bench.now
        assert await bench.deliver(MemoryTransport()) == {"accepted": 60}
        assert (await bench.store.ledger.list_started())[0].paused_until is None
        for number in range(60):
            assert await bench.store.suppressions.find(Address.parse(f"lezer{number}@example.org")) is None

    bench(tmp_path, work)


def test_a_block_list_refusal_pauses_one_domain_and_three_domains_stop_the_run(tmp_path):
    async def work(bench):
        await bench.store.subscribers.save_list(LIST)
        people = [
            NewSubscriber(address=Address.parse(f"l{number}@{name}.example"), name="", consent="ja")
            for number in range(10)
            for name in ("a", "b", "c", "d")
        ]
        await bench.store.subscribers.add(people, list_slug="weekly", source="test", now=NOW)
        blocked = "554 5.7.1 Service unavailable; client host blocked using zen.spamhaus.org"
        one = refusing(blocked, lambda address: address.endswith("@a.example"))
        assert await bench.deliver(one) == {"accepted": 30, "pending": 10}
        verdicts = await bench.store.ledger.count_verdicts(1)
        assert [(one.state, one.verdict) for one in verdicts] == [("pending", "policy")]
        assert verdicts[0].example == blocked
        assert await bench.deliver(MemoryTransport()) == {"accepted": 40}

    bench(tmp_path, work)


def test_greylisting_never_stops_a_run(tmp_path):
    async def work(bench):
        await bench.readers(60)
        grey = refusing("451 4.7.1 Greylisted, sender blocked, see our policy")
        assert await bench.deliver(grey) == {"deferred": 60}
        assert (await bench.store.ledger.list_started())[0].paused_until is None

    bench(tmp_path, work)


def test_refused_recipients_are_mailed_again_by_their_verdict_when_a_person_decides_so(tmp_path):
    async def work(bench):
        await bench.readers(4)
        full = refusing("552 5.2.2 mailbox full", lambda address: address.startswith("lezer0"))
        assert await bench.deliver(full) == {"accepted": 3, "refused": 1}
        (counted,) = await bench.store.ledger.count_verdicts(1)
        assert (counted.state, counted.verdict, counted.count) == ("refused", "mailbox_full", 1)
        other = {"retry_refused": True, "retry_verdict": Verdict.UNCLEAR}
        assert await bench.deliver(MemoryTransport(), **other) == {"accepted": 3, "refused": 1}
        again = {"retry_refused": True, "retry_verdict": Verdict.MAILBOX_FULL}
        assert await bench.deliver(MemoryTransport(), **again) == {"accepted": 4}

    bench(tmp_path, work)


def test_the_48_hours_of_a_recipient_begin_at_their_first_attempt(tmp_path):
    async def work(bench):
        await bench.readers(2)
        later = refusing("451 4.3.0 not now")
        assert await bench.deliver(later, limit=1) == {"deferred": 1, "pending": 1}
        bench.now = NOW + timedelta(hours=47)
        await bench.deliver(later)
        bench.now = NOW + timedelta(hours=60)
        assert await bench.deliver(later) == {"refused": 1, "deferred": 1}

    bench(tmp_path, work)


def test_a_stop_releases_untried_deliveries(tmp_path):
    async def work(bench):
        await bench.readers(20)

        def answer(_):
            bench.stop.set()
            return outcome(DeliveryState.ACCEPTED, Phase.BODY)

        states = await bench.deliver(MemoryTransport(answer), batch_size=10)
        assert set(states) == {"accepted", "pending"}
        assert sum(states.values()) == 20

    bench(tmp_path, work)


@pytest.mark.parametrize("kind", ["outbox", "memory"])
def test_a_person_erased_after_the_claim_gets_no_message_and_the_others_do(tmp_path, kind):
    folder = tmp_path / "outbox"
    transport = OutboxTransport(folder) if kind == "outbox" else MemoryTransport()
    send = transport.send

    async def work(bench):
        await bench.readers(5)

        def send_after_an_erasure(submissions, record_intents, stop):
            async def erase_and_record(keys):
                person = SubscriberAdmin(bench.store)
                await person.erase("lezer2@example.org", clock=bench.clock, patience=timedelta(0))
                return await record_intents(keys)

            return send(submissions, erase_and_record, stop)

        transport.send = send_after_an_erasure
        assert await bench.deliver(transport) == {"accepted": 4, "skipped": 1}

    bench(tmp_path, work)
    sent = list(folder.glob("new/*")) if kind == "outbox" else transport.sent
    assert len(sent) == 4
    assert not any("lezer2@" in (one.read_text() if kind == "outbox" else repr(one)) for one in sent)


def test_an_empty_list_and_an_edited_issue_are_refused(tmp_path):
    async def work(bench):
        await bench.readers(0)
        with pytest.raises(EmptyAudience):
            await bench.deliver(MemoryTransport())
        assert await bench.store.ledger.list_mailings() == []
        await bench.readers(1)
        await bench.deliver(MemoryTransport())
        with pytest.raises(IssueChanged, match="has changed since"):
            await sending.begin_mailing(bench.store, issue(), LIST, drafted(text="anders"))

    bench(tmp_path, work)


def test_a_ledger_that_fails_ends_the_run_with_its_own_error(tmp_path):
    async def work(bench):
        await bench.readers(30)

        def answer(_):
            # From here on no file may grow, as on a full disk.
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
            return outcome(DeliveryState.ACCEPTED, Phase.BODY)

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            with pytest.raises(StoreError, match=r"m\.db"):
                await bench.deliver(MemoryTransport(answer), batch_size=5)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        bench.stop = asyncio.Event()
        assert await bench.deliver(MemoryTransport()) == {"accepted": 30}

    bench(tmp_path, work)


def test_a_dry_run_counts_what_would_be_composed(tmp_path):
    async def work(bench):
        await bench.readers(7)
        mailing = drafted()
        found = await sending.compose_without_sending(
            bench.store, mailing, compose.compile_mailing(mailing, LIST, LINKS)
        )
        assert found.messages == 7
        assert 0 < found.bytes_min <= found.bytes_max
        assert await bench.store.ledger.list_mailings() == []

    bench(tmp_path, work)


def test_a_test_copy_goes_to_one_address(tmp_path):
    memory = MemoryTransport()
    compiled = compose.compile_mailing(drafted(), LIST, LINKS, subject_prefix="[TEST] ")
    copy = compiled.compose_message(Recipient(subscriber_id=0, address=Address.parse("ik@example.org")))
    found = asyncio.run(sending.send_one(memory, *copy))
    assert found.state is DeliveryState.ACCEPTED
    (only,) = memory.sent
    assert b"Subject: [TEST] Nieuws" in only.message.content
