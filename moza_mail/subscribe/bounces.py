"""Record bounces, complaints and unsubscribe mails.

A report has an effect only if it proves which message it is about.
"""

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

# moza_mail.compose imports cryptography, which an import of subscribers does not need.
if TYPE_CHECKING:
    from moza_mail.compose import SignedLinks


ReportedMessage = SentMessage | Confirmation


async def record_bounce(
    store: Store,
    report: BounceReport,
    links: "SignedLinks",
    *,
    digest: str,
    now: datetime,
    dry_run: bool = False,
) -> tuple[Bounce, BounceEffect]:
    """Store a report about one of our messages, and apply its effect.

    Return the bounce and its effect. If nothing proves that a failure is about one of our messages, its kind is UNKNOWN, and
    it is not stored: a person should look at it.

    digest: identifies the report, so that a report that is read twice counts once.
    dry_run: return the same result, but store nothing.
    """
    is_failure = report.kind in FAILURE_KINDS
    if not is_failure and (sent := await _find_unsubscribed(store, report, links)):
        bounce = Bounce(
            digest=digest,
            kind=BounceKind.UNSUBSCRIBE,
            created_at=now,
            sent_message=sent,
            proof=BounceProof.RETURN_ADDRESS,
        )
    elif found := await _find_message(store, report, links):
        bounce = _make_bounce(report, *found, digest=digest, now=now)
    else:
        kind = BounceKind.UNKNOWN if is_failure else report.kind
        bounce = Bounce(digest=digest, kind=kind, created_at=now)
    if not bounce.is_settled:
        return bounce, BounceEffect()
    return bounce, await (store.bounces.preview if dry_run else store.bounces.record)(bounce)


async def _find_unsubscribed(store: Store, report: BounceReport, links: "SignedLinks") -> SentMessage | None:
    """Return the message whose unsubscribe address received this mail; None if there is none.

    Only unsubscribe requests are sent to such an address.
    """
    for local in report.local_parts if report.kind is not BounceKind.COMPLAINT else ():
        try:
            return await store.bounces.find_delivery(*links.read_unsubscribe_local_part(local))
        except InvalidLink:
            continue
    return None


async def _find_message(
    store: Store, report: BounceReport, links: "SignedLinks"
) -> tuple[ReportedMessage, BounceProof] | None:
    """Return the message that a report is about, and the proof; None if nothing proves it.

    The proof is the return address, or the Message-ID together with the recipient.
    """
    for local in report.local_parts:
        try:
            mailing_id, number = links.read_bounce_local_part(local)
        except InvalidLink:
            continue
        about = (
            store.sign_ups.find(number)
            if mailing_id == NO_MAILING
            else store.bounces.find_delivery(mailing_id, number)
        )
        if found := await about:
            return found, BounceProof.RETURN_ADDRESS
    if not report.message_ids:
        return None
    for text in report.recipients:
        if address := _parse_address(text):
            for sent in await store.bounces.list_deliveries_to(address):
                if _has_message_id(report, sent, links):
                    return sent, BounceProof.MESSAGE_ID
    return None


def _has_message_id(report: BounceReport, sent: SentMessage, links: "SignedLinks") -> bool:
    """Return True if the report has this message's Message-ID, which only we can compute."""
    return any(
        found
        == links.make_message_id(sent.mailing_key, sent.subscriber_id, found.rpartition("@")[2].rstrip(">"))
        for found in report.message_ids
    )


def _make_bounce(
    report: BounceReport, about: ReportedMessage, proof: BounceProof, *, digest: str, now: datetime
) -> Bounce:
    kind, failure = report.kind, next(iter(report.failures), None)
    if kind in FAILURE_KINDS:
        # If only another address failed, our recipient forwards their mail there.
        own = next((one for one in report.failures if _has_address(one, about)), None)
        kind, failure = (own.kind, own) if own else (BounceKind.FORWARDED, failure)
    return Bounce(
        digest=digest,
        kind=kind,
        created_at=now,
        sent_message=about if isinstance(about, SentMessage) else None,
        confirmation=about if isinstance(about, Confirmation) else None,
        proof=proof,
        reply=failure.reply if failure else None,
        verdict=failure.verdict if failure and kind in FAILURE_KINDS else None,
    )


def _parse_address(text: str) -> Address | None:
    try:
        return Address.parse(text, international=True)
    except AddressError:
        return None


def _has_address(failure: FailedRecipient, about: ReportedMessage) -> bool:
    address = _parse_address(failure.recipient)
    return address is not None and address.key == about.address.key
