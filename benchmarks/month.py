"""Simulate months of `send --due` every minute, on a machine on which everything fails at times.

`python -m benchmarks.month [MONTHS]` simulates this many months of each kind. The exit code is 1 if a promise is broken. The
store is real, and the machine, its clock and the relay are simulated. A kill is simulated by a store that fails before or just
after one of its calls. The rows that were stored by then stay, and the run ends.
"""

import asyncio
import random
import sys
import tempfile
import time as stopwatch
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

from moza_mail import compose, sending
from moza_mail.errors import RelayUnreachable
from moza_mail.model.address import Address
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered
from moza_mail.model.outcome import to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.send_time import LocalDateTime, WeeklySchedule
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.sending import due
from moza_mail.sending.schedule import plan_issue
from moza_mail.store import open_store
from moza_mail.transport import MemoryTransport
from tests.support import builders as build

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RECIPIENTS = 12
MAX_CLOCK_ERROR = 2 * HOUR
"""The largest error of the clock."""
LIST = MailingList(
    slug="weekly",
    title="Weekly",
    sender=Address.parse("weekly@example.org"),
    schedule=WeeklySchedule.parse("wed 09:00", build.AMSTERDAM),
)
LINKS = compose.SignedLinks(secret=b"0123456789abcdef", public_url="https://nieuws.example.org")
UNSUBSCRIBE = "https://slot.invalid/unsubscribe_url"
RENDERED = Rendered(
    subject="Weekly", preheader="p", html=f"<p>{UNSUBSCRIBE}</p>", text=f"{UNSUBSCRIBE}\n", lang="nl"
)
# The issues are due each Wednesday at 9:00. One more is due at 2:30 in the night in which the clocks change, when that time
# does not exist or exists twice.
MARCH = (date(2026, 3, 4), LocalDateTime(day=date(2026, 3, 29), time=time(2, 30)))
OCTOBER = (date(2026, 10, 1), LocalDateTime(day=date(2026, 10, 25), time=time(2, 30)))


class Killed(BaseException):
    """Raised where the simulated machine or program is killed."""


class DyingStore:
    """A wrapper of a store that raises Killed in one of its calls, and in every call after it."""

    def __init__(self, store, chance, lives):
        self._store, self._chance, self._lives = store, chance, lives

    def __getattr__(self, noun):
        return DyingStoreArea(self, getattr(self._store, noun))

    async def call(self, method, *args, **more):
        self._lives -= 1
        if self._lives > 0:
            return await method(*args, **more)
        if self._lives == 0 and self._chance.random() < 0.5:
            await method(*args, **more)
        raise Killed


class DyingStoreArea:
    """One part of a dying store, such as its ledger."""

    def __init__(self, store, part):
        self._store, self._part = store, part

    def __getattr__(self, name):
        found = getattr(self._part, name)
        return partial(self._store.call, found) if asyncio.iscoroutinefunction(found) else found


@dataclass
class SimulatedMachine:
    """A machine with a clock, a relay and the planned issues; `now` is the true time."""

    chance: random.Random
    url: str
    plans: list
    now: datetime
    store: object = None
    skew: timedelta = timedelta(0)
    relay_is_away: bool = False
    copies: dict = field(default_factory=dict)
    """The times at which the relay accepted each message, by Message-ID."""
    reports: Counter = field(default_factory=Counter)
    events: Counter = field(default_factory=Counter)

    def clock(self):
        return self.now + self.skew

    def make_relay(self, deferred_share=0.1):
        """Return a relay that defers a share of the recipients, and records when it accepts a message."""

        def answer(_submission):
            if self.relay_is_away:
                raise RelayUnreachable("the relay is away", relay="memory:")
            if self.chance.random() < deferred_share:
                self.events["deferred"] += 1
                return to_outcome(Reply.parse(450, "4.2.0 later"), Phase.RCPT)
            return to_outcome(Reply.parse(250, "2.0.0 Ok"), Phase.BODY)

        memory = MemoryTransport(answer)
        memory.sent = _SentLog(self)
        return memory

    def prepare(self, plan, _begun=False):
        slug = plan.issue_slug
        issue = build.issue(slug=slug, source=plan.source, draft=plan.draft, title=slug, date=None)
        # Each issue has other words, because an issue that repeats an earlier one is not sent automatically.
        words = " ".join(f"nieuws{slug.replace('-', '')}nummer{number}" for number in range(100))
        rendered = replace(RENDERED, subject=slug, text=f"{words}\n{RENDERED.text}")
        return due.PreparedMailing(
            issue=issue,
            mailing_list=LIST,
            drafted=sending.draft_mailing(issue, LIST, rendered, now=self.clock()),
            policy=ApprovalPolicy.OFF,
            compile=lambda mailing: compose.compile_mailing(mailing, LIST, LINKS),
        )

    async def run(self, store):
        """Run `send --due` once."""
        stop = asyncio.Event()
        terms = due.DueSettings(
            prepare=self.prepare,
            send_settings=lambda ended: sending.SendSettings(
                clock=self.clock, stop=stop, batch_size=2, on_end=ended
            ),
            clock=self.clock,
            stop=stop,
            account="cron",
            max_age=DAY,
        )
        async for done in due.send_due(store, self.make_relay(), self.plans, terms):
            self.events["found another sender"] += done.is_busy
            if done.error and done.is_news and not done.is_busy:
                self.reports[type(done.error).__name__, done.plan.issue_slug] += 1

    async def run_minute(self):
        """Run `send --due` as cron does, sometimes twice at once, sometimes killed."""
        near = any(timedelta(0) <= self.clock() - plan.at < HOUR for plan in self.plans)
        luck = self.chance.random()
        if luck < (0.2 if near else 0.002):
            await self.run_overlapping()
        elif luck < (0.9 if near else 0.004):
            await self.run_and_kill()
        else:
            await self.run(self.store)

    async def run_overlapping(self):
        self.events["overlapping starts"] += 1
        other = await open_store(self.url)
        try:
            await asyncio.gather(self.run(self.store), self.run(other))
        finally:
            await other.close()

    async def run_and_kill(self):
        try:
            await self.run(DyingStore(self.store, self.chance, self.chance.randint(1, 60)))
        except Killed:
            self.events["kills"] += 1
            await self.store.close()
            self.store = await open_store(self.url)

    def advance(self):
        """Advance a minute; sometimes change the clock, stop or start the relay, or switch the machine off."""
        self.now += MINUTE
        if self.chance.random() < 0.003:
            self.events["clock changes"] += 1
            self.skew = self.chance.choice([0, 0, 1, -1, 60, -60, self.chance.randint(-120, 120)]) * MINUTE
        if self.chance.random() < (0.02 if self.relay_is_away else 0.002):
            self.relay_is_away = not self.relay_is_away
            self.events["relay away"] += self.relay_is_away
        if self.chance.random() < 0.001:
            self.events["machine off"] += 1
            self.now += self.chance.randint(1, 600) * MINUTE

    async def send_by_hand(self, plan):
        """Send an issue by hand, long before its send time, until every recipient has it."""
        ready = self.prepare(plan)
        async with self.store.ledger.hold_sender_lock("by hand"):
            mailing = await sending.begin_mailing(self.store, ready.issue, LIST, ready.drafted)
            run = sending.SendSettings(clock=self.clock, stop=asyncio.Event())
            await sending.deliver(
                self.store, self.make_relay(deferred_share=0), mailing, ready.compile(mailing), run
            )


class _SentLog(list):
    """A list of the accepted submissions that also records the time of each."""

    def __init__(self, machine):
        super().__init__()
        self.machine = machine

    def append(self, submission):
        self.machine.copies.setdefault(submission.message.message_id, []).append(self.machine.now)


def plan_month(first, own):
    """Plan an issue for each Wednesday of the month, and one with its own send time."""
    days = [first + timedelta(days=number) for number in range(31)]
    fronts = [_make_header(day, f"{day}") for day in days if day.weekday() == LIST.schedule.weekday]
    fronts.append(_make_header(own.day, f"own-{own.day}", send_at=own))
    return [plan_issue(front, LIST, build.AMSTERDAM) for front in fronts]


def _make_header(day, slug, **more):
    return IssueHeader(slug=slug, title="T", date=day, source=f"{slug}.md", **more)


async def open_filled_store(url):
    """Open a store that contains the subscribers."""
    store = await open_store(url)
    people = [
        NewSubscriber(address=Address.parse(f"lezer{one}@example.org"), consent="ja")
        for one in range(RECIPIENTS)
    ]
    await store.subscribers.save_list(LIST)
    before = datetime(2026, 1, 1, tzinfo=UTC)
    await store.subscribers.add(people, list_slug="weekly", source="test", now=before)
    return store


@dataclass(frozen=True, kw_only=True)
class MonthResult:
    """The result of a simulated month.

    events: how often each kind of event happened.
    max_delay: the longest time between a send time and the beginning of the mailing.
    """

    events: Counter
    max_delay: timedelta
    broken_promises: list


def play_month(folder, seed, month, *, whole_days=()):
    """Simulate a month.

    Hours in which nothing is due are shortened to one minute, except in `whole_days`.
    """
    return asyncio.run(_play_month(f"sqlite:///{folder}/month.db", seed, month, frozenset(whole_days)))


async def _play_month(url, seed, month, whole_days):
    plans = plan_month(*month)
    begins = datetime.combine(month[0], time(), tzinfo=UTC)
    machine = SimulatedMachine(chance=random.Random(seed), url=url, plans=plans, now=begins)
    machine.store = await open_filled_store(url)
    never, late, hand = plans[:3]
    plans[0], plans[1] = replace(never, draft=True), replace(late, draft=True)
    try:
        await machine.send_by_hand(hand)
        while machine.now < max(plan.at for plan in plans) + 3 * DAY:
            machine.advance()
            # The author removes `draft: true` five hours late.
            if plans[1].draft and machine.now > late.at + 5 * HOUR:
                plans[1] = late
            await machine.run_minute()
            is_near = any(-MAX_CLOCK_ERROR < machine.now - plan.at < 10 * HOUR for plan in plans)
            if not is_near and machine.now.date() not in whole_days:
                machine.now += HOUR
        return await _judge(machine, never, hand)
    finally:
        await machine.store.close()


async def _judge(machine, never, hand):
    """Compare the ledger with the messages that the relay accepted, and list the broken promises."""
    broken = [
        f"{count} copies of {name}" for name, copies in machine.copies.items() if (count := len(copies)) > 1
    ]
    mailings = {mailing.issue_slug: mailing for mailing in await machine.store.ledger.list_mailings()}
    wanted = {plan.issue_slug: plan for plan in machine.plans if plan.issue_slug != never.issue_slug}
    broken += [f"{slug} was sent or not sent by mistake" for slug in mailings.keys() ^ wanted.keys()]
    latest = timedelta(0)
    for slug in mailings.keys() & wanted.keys():
        mailing, plan = mailings[slug], wanted[slug]
        compiled = compose.compile_mailing(mailing, LIST, LINKS)
        rows = [row async for row in machine.store.ledger.iter_deliveries(mailing.id, tuple(DeliveryState))]
        broken += [f"{len(rows)} recipients of {slug}"] if len(rows) != RECIPIENTS else []
        broken += [fault for row in rows if (fault := _find_fault(machine, compiled, row))]
        if plan.issue_slug != hand.issue_slug:
            latest = max(latest, mailing.created_at - plan.at)
            in_time = plan.at <= mailing.created_at <= plan.at + DAY
            broken += [] if in_time else [f"{slug} began at {mailing.created_at}, and was due at {plan.at}"]
    broken += [f"{report} reported {count} times" for report, count in machine.reports.items() if count > 1]
    broken += [f"{name} of {slug}" for name, slug in machine.reports if name != RelayUnreachable.__name__]
    return MonthResult(events=machine.events, max_delay=latest, broken_promises=broken)


def _find_fault(machine, compiled, row):
    """Describe a delivery that is neither accepted by the relay nor uncertain; empty if there is no fault."""
    copies = machine.copies.get(compiled.compose_message(row)[1].message_id, [])
    if row.state is DeliveryState.UNCERTAIN:
        machine.events["uncertain"] += 1
        return ""
    if row.state is not DeliveryState.ACCEPTED or not copies:
        return f"{row.address} is {row.state} with {len(copies)} copies"
    return ""


def main(months):
    """Simulate the months and print the events of all of them."""
    events, broken, latest = Counter(), [], timedelta(0)
    began = stopwatch.perf_counter()
    for seed in range(months):
        for month in (MARCH, OCTOBER):
            with tempfile.TemporaryDirectory(prefix="moza-mail-month-") as folder:
                played = play_month(Path(folder), seed, month)
            events.update(played.events)
            latest = max(latest, played.max_delay)
            broken += [f"seed {seed}, {month[0]}: {one}" for one in played.broken_promises]
    print(
        f"{2 * months} months in {stopwatch.perf_counter() - began:.0f} s; the latest issue began {latest} after its send time"
    )
    for name, count in sorted(events.items()):
        print(f"{count:>8}  {name}")
    print(f"{len(broken)} broken promises", *broken, sep="\n  ")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
