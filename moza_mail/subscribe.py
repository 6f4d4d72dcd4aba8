"""Subscribe: how people come onto a list, what is told of them, and what reports say of their addresses."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from moza_mail import parse
from moza_mail.errors import AddressError, InvalidLink
from moza_mail.model.address import Address
from moza_mail.model.bounce import FAILURES, Bounce, BounceKind, Consequence, Failure, Proof, Report, Sent
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

# It brings in cryptography, which an import of people does without.
if TYPE_CHECKING:
    from moza_mail.compose import Links

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a report was found: its own digest, and when it was read."""

    digest: str
    at: datetime


async def record_bounce(
    store: Store, report: Report, links: "Links", origin: Origin, *, dry_run: bool = False
) -> tuple[Bounce, Consequence]:
    """Keep what a report says of a message of ours, and do what follows from it; give both.

    What nothing proves to be about a message of ours is unknown, unless it changes nothing for anybody: only what is
    `settled` is stored. With `dry_run` nothing is.
    """
    found = await _proven(store, report, links)
    bounce = _bounce(report, found, origin)
    if not bounce.settled:
        return bounce, Consequence()
    return bounce, await (store.foresee_bounce if dry_run else store.record_bounce)(bounce)


async def _proven(store: Store, report: Report, links: "Links") -> tuple[Sent, Proof] | None:
    """The delivery a report is shown to be about: by our return address, or by our Message-ID with its own recipient."""
    for local in report.returned_to:
        try:
            mailing, subscriber = links.read_bounce(local)
        except InvalidLink:
            continue
        if sent := await store.sent(mailing, subscriber):
            return sent, Proof.RETURN_ADDRESS
    if not report.message_ids:
        return None
    for text in report.recipients:
        if address := _address(text):
            for sent in await store.sent_to(address):
                if _is_about(report, sent, links):
                    return sent, Proof.MESSAGE_ID
    return None


def _is_about(report: Report, sent: Sent, links: "Links") -> bool:
    """Whether the returned Message-ID is the one that only we could give this message."""
    return any(
        found == links.message_id(sent.mailing_key, sent.subscriber, found.rpartition("@")[2].rstrip(">"))
        for found in report.message_ids
    )


def _bounce(report: Report, found: tuple[Sent, Proof] | None, origin: Origin) -> Bounce:
    if found is None:
        kind = BounceKind.UNKNOWN if report.kind in FAILURES else report.kind
        return Bounce(digest=origin.digest, kind=kind, at=origin.at)
    sent, proof = found
    kind, failure = report.kind, next(iter(report.failures), None)
    if kind in FAILURES:
        own = next((one for one in report.failures if _same(one, sent)), None)
        kind, failure = (own.kind, own) if own else (BounceKind.FORWARDED, failure)
    return Bounce(
        digest=origin.digest,
        kind=kind,
        at=origin.at,
        sent=sent,
        proof=proof,
        reply=failure.reply if failure else None,
    )


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text, international=True)
    except AddressError:
        return None


def _same(failure: Failure, sent: Sent) -> bool:
    address = _address(failure.recipient)
    return address is not None and address.key == sent.address.key
