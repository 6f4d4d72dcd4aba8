"""A mailing under any sequence of replies, broken connections and kills, on SQLite and PostgreSQL."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import compose, sending
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message import Rendered
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.store import open_store
from tests.support.builders import issue
from tests.support.store_builders import add_subscribers, make_list, newcomer
from tests.support.stores import KINDS, new_store, store_examples

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
READERS = 4
LINKS = compose.SignedLinks(secret=b"0123456789abcdef", public_url="https://nieuws.example.org")


class PlannedOutcome(StrEnum):
    """The outcome of one attempt."""

    ACCEPT = auto()
    DEFER_EARLY = auto()
    DEFER_BODY = auto()
    REFUSE_EARLY = auto()
    REFUSE_BODY = auto()
    LOST_STEP = auto()
    DROP_EARLY = auto()
    DROP_BODY = auto()
    KILL_EARLY = auto()
    KILL_ANNOUNCED = auto()
    KILL_SENT = auto()
    KILL_ANSWERED = auto()


def make_outcome(code: int, text: str, phase: Phase) -> Outcome:
    return to_outcome(Reply.parse(code, text), phase)


EARLY = {
    PlannedOutcome.DEFER_EARLY: make_outcome(450, "4.2.1 later", Phase.RCPT),
    PlannedOutcome.REFUSE_EARLY: make_outcome(550, "5.1.1 unknown", Phase.RCPT),
    PlannedOutcome.LOST_STEP: make_outcome(503, "5.5.1 nested MAIL", Phase.RCPT),
    PlannedOutcome.DROP_EARLY: Outcome(
        state=DeliveryState.PENDING, phase=Phase.DATA, detail="the line broke"
    ),
}
AFTER_BODY = {
    PlannedOutcome.ACCEPT: make_outcome(250, "2.0.0 Ok: queued as 4XyZ12", Phase.BODY),
    PlannedOutcome.DEFER_BODY: make_outcome(451, "4.3.0 later", Phase.BODY),
    PlannedOutcome.REFUSE_BODY: make_outcome(552, "5.2.2 mailbox full", Phase.BODY),
    PlannedOutcome.DROP_BODY: Outcome(
        state=DeliveryState.UNCERTAIN, phase=Phase.BODY, detail="the line broke"
    ),
    PlannedOutcome.KILL_ANSWERED: make_outcome(250, "2.0.0 Ok", Phase.BODY),
}


class Killed(BaseException):
    """The process was killed."""


class DyingStore:
    """A store as seen by a killed process: after the kill, no call reaches it."""

    def __init__(self, store) -> None:
        self._store = store
        self.dead = False

    def __getattr__(self, name):
        if self.dead:
            raise Killed
        return getattr(self._store, name)


class PlannedTransport:
    """A transport that gives each attempt its planned outcome; `bodies` are the recipients whose message was sent."""

    name = "fated:"

    def __init__(self, store: DyingStore, planned) -> None:
        self.store = store
        self.planned = iter(planned)
        self.bodies = []

    def die(self) -> None:
        self.store.dead = True
        raise Killed

    async def check_sender(self, sender):
        """Accept every sender."""

    async def send(self, submissions, intend, stop=None):  # noqa: ARG002 -- Transport's
        async for submission in submissions:
            outcome = next(self.planned, PlannedOutcome.ACCEPT)
            if outcome is PlannedOutcome.KILL_EARLY:
                self.die()
            if outcome in EARLY:
                yield [(submission.key, EARLY[outcome])]
                continue
            await intend([submission.key])
            if outcome is PlannedOutcome.KILL_ANNOUNCED:
                self.die()
            self.bodies.append(str(submission.envelope.recipient))
            if outcome is PlannedOutcome.KILL_SENT:
                self.die()
            yield [(submission.key, AFTER_BODY[outcome])]
            if outcome is PlannedOutcome.KILL_ANSWERED:
                self.die()

    async def close(self) -> None:
        """Do nothing: there is no connection."""


class Mailing:
    """Run one mailing again and again, and check the promises after each run."""

    def __init__(self, store, mailing) -> None:
        self.store = store
        self.mailing = mailing
        self.compiled = compose.compile_mailing(mailing, make_list(), LINKS)
        self.now = NOW
        self.done: set[str] = set()
        self.doubt_or_done: set[str] = set()

    async def run(self, planned, *, human: bool) -> None:
        self.now += timedelta(hours=9)
        mortal = DyingStore(self.store)
        transport = PlannedTransport(mortal, planned)
        run = sending.SendSettings(
            clock=lambda: self.now, stop=asyncio.Event(), batch_size=2, retry_uncertain=human
        )
        async with self.store.ledger.hold_sender_lock("test"):
            try:
                await sending.deliver(mortal, transport, self.mailing, self.compiled, run)
            except Killed:
                assert mortal.dead
        await self.hold(Counter(transport.bodies), human=human)

    async def hold(self, bodies: Counter, *, human: bool) -> None:
        standing = [one async for one in self.store.ledger.iter_deliveries(self.mailing.id, DeliveryState)]
        assert len(standing) == len({one.subscriber_id for one in standing}) == READERS
        assert sum((await self.store.ledger.count_by_state(self.mailing.id)).values()) == READERS
        assert not set(bodies) & self.done
        assert human or not set(bodies) & self.doubt_or_done
        assert max(bodies.values(), default=0) <= 1
        after = {str(one.address): one.state for one in standing}
        # A recipient whose message was sent is never pending or claimed afterwards.
        for reader in bodies:
            assert after[reader] not in {DeliveryState.PENDING, DeliveryState.CLAIMED}
        self.done = {reader for reader, state in after.items() if state is DeliveryState.ACCEPTED}
        kept = {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN, DeliveryState.INTENT}
        if not human:
            assert self.doubt_or_done <= {reader for reader, state in after.items() if state in kept}
        self.doubt_or_done = {reader for reader, state in after.items() if state in kept}


async def lives(url: str, runs) -> None:
    store = await open_store(url)
    try:
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, *(newcomer(number) for number in range(READERS)))
        rendered = Rendered(subject="Nieuws", preheader="", html="<p>x</p>", text="x", lang="nl")
        drafted = sending.draft_mailing(issue(), make_list(), rendered, now=NOW)
        life = Mailing(store, await sending.begin_mailing(store, issue(), make_list(), drafted))
        for planned, human in runs:
            await life.run(planned, human=human)
        for _ in range(3):
            await life.run([], human=False)
        counts = await store.ledger.count_by_state(life.mailing.id)
        ended = (
            DeliveryState.ACCEPTED,
            DeliveryState.REFUSED,
            DeliveryState.UNCERTAIN,
            DeliveryState.SKIPPED,
        )
        assert sum(counts[state] for state in ended) == READERS
    finally:
        await store.close()


RUNS = st.lists(
    st.tuples(st.lists(st.sampled_from(PlannedOutcome), max_size=6), st.booleans()), min_size=1, max_size=4
)


@pytest.mark.parametrize("kind", KINDS)
def test_after_any_sequence_of_failures_each_recipient_has_one_state_and_no_unwanted_second_message(
    request, kind
):
    @store_examples(kind, 40, derandomize=True)
    @given(runs=RUNS)
    def run(runs):
        with new_store(kind, request) as url:
            asyncio.run(lives(url, runs))

    run()
