"""What reports say of messages of ours, and what follows from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from moza_mail.errors import AddressError, InvalidLink
from moza_mail.model.address import Address
from moza_mail.model.bounce import FAILURES, Bounce, BounceKind, Consequence, Failure, Proof, Report, Sent
from moza_mail.model.sign_up import NO_MAILING, Confirmation
from moza_mail.store.protocol import Store

# It brings in cryptography, which an import of people does without.
if TYPE_CHECKING:
    from moza_mail.compose import Links


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
    if report.kind not in FAILURES and (sent := await _leaves(store, report, links)):
        proof = Proof.RETURN_ADDRESS
        bounce = Bounce(
            digest=origin.digest, kind=BounceKind.UNSUBSCRIBE, at=origin.at, sent=sent, proof=proof
        )
    else:
        bounce = _bounce(report, await _proven(store, report, links), origin)
    if not bounce.settled:
        return bounce, Consequence()
    return bounce, await (store.foresee_bounce if dry_run else store.record_bounce)(bounce)


async def _leaves(store: Store, report: Report, links: "Links") -> Sent | None:
    """The message of which a letter came to the address for leaving, which nothing else is sent to, whoever sends it on."""
    for local in report.returned_to if report.kind is not BounceKind.COMPLAINT else ():
        try:
            return await store.sent(*links.read_leave_by_mail(local))
        except InvalidLink:
            continue
    return None


async def _proven(store: Store, report: Report, links: "Links") -> tuple[Sent | Confirmation, Proof] | None:
    """The message a report is shown to be about: by our return address, or by our Message-ID with its own recipient."""
    for local in report.returned_to:
        try:
            mailing, number = links.read_bounce(local)
        except InvalidLink:
            continue
        about = store.confirmation(number) if mailing == NO_MAILING else store.sent(mailing, number)
        if found := await about:
            return found, Proof.RETURN_ADDRESS
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


def _bounce(report: Report, found: tuple[Sent | Confirmation, Proof] | None, origin: Origin) -> Bounce:
    if found is None:
        kind = BounceKind.UNKNOWN if report.kind in FAILURES else report.kind
        return Bounce(digest=origin.digest, kind=kind, at=origin.at)
    about, proof = found
    kind, failure = report.kind, next(iter(report.failures), None)
    if kind in FAILURES:
        own = next((one for one in report.failures if _same(one, about)), None)
        kind, failure = (own.kind, own) if own else (BounceKind.FORWARDED, failure)
    return Bounce(
        digest=origin.digest,
        kind=kind,
        at=origin.at,
        sent=about if isinstance(about, Sent) else None,
        confirmation=about if isinstance(about, Confirmation) else None,
        proof=proof,
        reply=failure.reply if failure else None,
    )


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text, international=True)
    except AddressError:
        return None


def _same(failure: Failure, about: Sent | Confirmation) -> bool:
    address = _address(failure.recipient)
    return address is not None and address.key == about.address.key
