"""Builders of subscribers, lists, mailings and outcomes, for tests with a store."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState, Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Attachment, Rendered
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.subscriber import (
    AddResult,
    NewSubscriber,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from moza_mail.store import Store

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
CONFIRMED, UNCONFIRMED = SubscriptionState.CONFIRMED, SubscriptionState.UNCONFIRMED
ACCEPTED = to_outcome(Reply.parse(250, "2.0.0 Ok: queued as 4XyZ12"), Phase.BODY)
DEFERRED = to_outcome(Reply.parse(450, "4.2.1 try later"), Phase.RCPT)
REFUSED = to_outcome(Reply.parse(550, "5.1.1 no such user"), Phase.RCPT)
UNCERTAIN = Outcome(state=DeliveryState.UNCERTAIN, phase=Phase.BODY, detail="the line broke")
RELEASED = Outcome(state=DeliveryState.PENDING, phase=Phase.MAIL, detail="the line broke")


def address(number: int) -> Address:
    return Address(local=f"Reader{number}", domain="example.org")


def newcomer(number: int, **more) -> NewSubscriber:
    return NewSubscriber(
        **{"address": address(number), "name": f"Reader {number}", "consent": "form 1"} | more
    )


def make_list(title: str = "Weekly", slug: str = "weekly") -> MailingList:
    return MailingList(slug=slug, title=title, sender=Address(local="weekly", domain="example.org"))


def make_mailing(slug: str = "2026-01-14", list_slug: str = "weekly") -> Mailing:
    calendar = Attachment(filename="a.ics", content_type="text/calendar", content=b"\x00\xff\r\n")
    rendered = Rendered(
        subject="Één", preheader="p", html="<p>\u00eb</p>", text="t\r\n", lang="nl", attachments=(calendar,)
    )
    return Mailing(
        id=0,
        key="key",
        issue_slug=slug,
        issue_title="Titel",
        list_slug=list_slug,
        digest="d1",
        rendered=rendered,
        created_at=NOW,
    )


async def add_subscribers(store: Store, *newcomers: NewSubscriber, **terms) -> list[AddResult]:
    given = {"list_slug": "weekly", "source": "import", "now": NOW} | terms
    state = given.pop("state", CONFIRMED)
    people = [replace(one, state=state) if state is not CONFIRMED else one for one in newcomers]
    return await store.subscribers.add(people, **given)


async def create_mailing(store: Store, readers: int) -> int:
    """Create a mailing to this many subscribers, and return its id."""
    await store.subscribers.save_list(make_list())
    await add_subscribers(store, *(newcomer(number) for number in range(readers)))
    return (await store.ledger.create_mailing(make_mailing())).id


async def record_intents(store: Store, *numbers: int, now: datetime = NOW) -> None:
    """Record intents, and raise the first error."""
    for error in (await store.ledger.record_intents(numbers, now=now)).values():
        raise error


async def record_outcome(store: Store, number: int, outcome: Outcome, *, now: datetime = NOW) -> None:
    """Record one outcome, and raise its error if there is one."""
    for error in (await store.ledger.record_outcomes([(number, outcome)], now=now)).values():
        raise error


async def count_states(store: Store, mailing: int) -> dict[str, int]:
    return {
        state.value: count for state, count in (await store.ledger.count_by_state(mailing)).items() if count
    }


def stored_states(store: Store, **counts: int) -> dict[str, int]:
    """Return the counts by state that the store reports for these counts.

    A SQLite store has a single sender and writes no claims, so its claimed deliveries count as pending.
    """
    if not store.transactions.database.has_many_senders:
        counts["pending"] = counts.get("pending", 0) + counts.pop("claimed", 0)
    return {state: count for state, count in counts.items() if count}


def suppression(number: int, reason=SuppressionReason.HARD_BOUNCE) -> Suppression:
    return Suppression(address=address(number), reason=reason, created_at=NOW, evidence="550 5.1.1")


async def add_sign_up(store, sign_up, mailing_list, *, now) -> None:
    """Store a sign-up with a new stamp, and handle it as `serve` does before it mails confirmations."""
    assert await store.sign_ups.add(sign_up, mailing_list, stamp=secrets.token_hex(16), now=now)
    await store.sign_ups.handle_requests(now=now)
