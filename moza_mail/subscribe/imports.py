"""Bringing people in whose consent was given elsewhere, and handing a list out."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import datetime

from moza_mail import parse
from moza_mail.model.subscriber import (
    Arrival,
    MailingList,
    Newcomer,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from moza_mail.store.protocol import Store

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
