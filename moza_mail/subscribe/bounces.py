"""What reports say of messages of ours, and what follows from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from moza_mail.errors import AddressError, InvalidLink
from moza_mail.model.address import Address
from moza_mail.model.bounce import (
    FAILURE_KINDS,
    Bounce,
    BounceEffect,
    BounceKind,
    BounceProof,
    BounceReport,
    FailedRecipient,
    SentMessage,
)
from moza_mail.model.sign_up import NO_MAILING, Confirmation
from moza_mail.store import Store

# It brings in cryptography, which an import of people does without.
if TYPE_CHECKING:
    from moza_mail.compose import SignedLinks


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a report was found: its own digest, and when it was read."""

    digest: str
    at: datetime


async def record_bounce(
    store: Store, report: BounceReport, links: "SignedLinks", origin: Origin, *, dry_run: bool = False
) -> tuple[Bounce, BounceEffect]:
    """Keep what a report says of a message of ours, and do what follows from it; give both.

    What nothing proves to be about a message of ours is unknown, unless it changes nothing for anybody: only what is
    `settled` is stored. With `dry_run` nothing is.
    """
    if report.kind not in FAILURE_KINDS and (sent := await _leaves(store, report, links)):
        proof = BounceProof.RETURN_ADDRESS
        bounce = Bounce(
            digest=origin.digest,
            kind=BounceKind.UNSUBSCRIBE,
            created_at=origin.at,
            sent_message=sent,
            proof=proof,
        )
    else:
        bounce = _bounce(report, await _proven(store, report, links), origin)
    if not bounce.is_settled:
        return bounce, BounceEffect()
    return bounce, await (store.bounces.preview if dry_run else store.bounces.record)(bounce)


async def _leaves(store: Store, report: BounceReport, links: "SignedLinks") -> SentMessage | None:
    """The message of which a letter came to the address for leaving, which nothing else is sent to, whoever sends it on."""
    for local in report.local_parts if report.kind is not BounceKind.COMPLAINT else ():
        try:
            return await store.bounces.find_delivery(*links.read_unsubscribe_local_part(local))
        except InvalidLink:
            continue
    return None


async def _proven(
    store: Store, report: BounceReport, links: "SignedLinks"
) -> tuple[SentMessage | Confirmation, BounceProof] | None:
    """The message a report is shown to be about: by our return address, or by our Message-ID with its own recipient."""
    for local in report.local_parts:
        try:
            mailing, number = links.read_bounce_local_part(local)
        except InvalidLink:
            continue
        about = (
            store.sign_ups.find(number)
            if mailing == NO_MAILING
            else store.bounces.find_delivery(mailing, number)
        )
        if found := await about:
            return found, BounceProof.RETURN_ADDRESS
    if not report.message_ids:
        return None
    for text in report.recipients:
        if address := _address(text):
            for sent in await store.bounces.list_deliveries_to(address):
                if _is_about(report, sent, links):
                    return sent, BounceProof.MESSAGE_ID
    return None


def _is_about(report: BounceReport, sent: SentMessage, links: "SignedLinks") -> bool:
    """Whether the returned Message-ID is the one that only we could give this message."""
    return any(
        found
        == links.make_message_id(sent.mailing_key, sent.subscriber_id, found.rpartition("@")[2].rstrip(">"))
        for found in report.message_ids
    )


def _bounce(
    report: BounceReport, found: tuple[SentMessage | Confirmation, BounceProof] | None, origin: Origin
) -> Bounce:
    if found is None:
        kind = BounceKind.UNKNOWN if report.kind in FAILURE_KINDS else report.kind
        return Bounce(digest=origin.digest, kind=kind, created_at=origin.at)
    about, proof = found
    kind, failure = report.kind, next(iter(report.failures), None)
    if kind in FAILURE_KINDS:
        own = next((one for one in report.failures if _same(one, about)), None)
        kind, failure = (own.kind, own) if own else (BounceKind.FORWARDED, failure)
    return Bounce(
        digest=origin.digest,
        kind=kind,
        created_at=origin.at,
        sent_message=about if isinstance(about, SentMessage) else None,
        confirmation=about if isinstance(about, Confirmation) else None,
        proof=proof,
        reply=failure.reply if failure else None,
        verdict=failure.verdict if failure and kind in FAILURE_KINDS else None,
    )


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text, international=True)
    except AddressError:
        return None


def _same(failure: FailedRecipient, about: SentMessage | Confirmation) -> bool:
    address = _address(failure.recipient)
    return address is not None and address.key == about.address.key
