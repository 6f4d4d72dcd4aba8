"""Subscribe: how people come onto a list and what is told of them."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import datetime

from moza_mail import parse
from moza_mail.errors import AddressError
from moza_mail.model.address import Address
from moza_mail.model.subscriber import (
    Arrival,
    MailingList,
    Newcomer,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from moza_mail.store.protocol import Person, Store

CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did: people by what became of them, and the rows that were refused."""

    arrivals: dict[Arrival, int]
    refused: tuple[parse.Refused, ...]


async def import_people(
    store: Store,
    rows: Iterable[Newcomer | parse.Refused],
    mailing_list: MailingList,
    *,
    source: str,
    now: datetime,
) -> ImportReport:
    """Bring the people of a CSV, as parse.people reads it, onto a list, confirmed by the consent recorded with each.

    Good rows go in, bad ones are reported with their line. The file is read as a stream, a thousand people at a time.
    Doing it twice changes nothing.
    """
    await store.put_list(mailing_list)
    arrivals = dict.fromkeys(Arrival, 0)
    refused: list[parse.Refused] = []
    chunk: list[Newcomer] = []

    async def store_chunk() -> None:
        for arrival in await store.welcome(
            chunk,
            list_slug=mailing_list.slug,
            state=SubscriptionState.CONFIRMED,
            source=f"import {source}",
            now=now,
        ):
            arrivals[arrival] += 1
        chunk.clear()

    for row in rows:
        if isinstance(row, parse.Refused):
            refused.append(row)
            continue
        chunk.append(row)
        if len(chunk) == CHUNK:
            await store_chunk()
    if chunk:
        await store_chunk()
    return ImportReport(arrivals=arrivals, refused=tuple(refused))


async def add(store: Store, newcomer: Newcomer, mailing_list: MailingList, *, now: datetime) -> Arrival:
    """Bring one person onto a list, confirmed by the consent recorded with them."""
    await store.put_list(mailing_list)
    (arrival,) = await store.welcome(
        [newcomer],
        list_slug=mailing_list.slug,
        state=SubscriptionState.CONFIRMED,
        source="subscribers add",
        now=now,
    )
    return arrival


def export_people(store: Store, mailing_list: MailingList) -> AsyncGenerator[tuple[Subscriber, Subscription]]:
    """Everyone of a list, whatever their state."""
    return store.people(mailing_list.slug)


async def unsubscribe(store: Store, text: str, mailing_list: MailingList, *, now: datetime) -> None:
    """Take the person of an address off a list; raise AddressError when nobody of that address is on it."""
    person = await show(store, text)
    if not any(subscription.list_slug == mailing_list.slug for subscription in person.subscriptions):
        raise AddressError(text, f"is not on the list {mailing_list.slug}")
    await store.unsubscribe(person.subscriber.id, mailing_list.slug, now=now)


async def suppress(store: Store, text: str, evidence: str, *, now: datetime) -> Suppression:
    """Never mail an address again, over all lists, because a person decided it; `evidence` says why."""
    suppression = Suppression(
        address=Address.parse(text, international=True),
        reason=SuppressionReason.MANUAL,
        at=now,
        evidence=evidence,
    )
    await store.suppress(suppression)
    return suppression


async def show(store: Store, text: str) -> Person:
    """All that is held about an address; raise AddressError when nothing is."""
    address = Address.parse(text, international=True)
    person = await store.person(address)
    if person is None:
        raise AddressError(str(address), "nothing is held about this address")
    return person


async def held(store: Store, text: str) -> Person | Suppression:
    """What is held about an address: a person, or, where it is nobody's, why it is suppressed; AddressError when nothing is."""
    address = Address.parse(text)
    if suppression := await store.suppression(address):
        return await store.person(address) or suppression
    return await show(store, text)
