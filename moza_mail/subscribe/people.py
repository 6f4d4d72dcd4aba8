"""One person by address: what is held of them, and what a human decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moza_mail.errors import AddressError, SubscriptionError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.subscriber import Suppression, SuppressionReason
from moza_mail.model.subscriber_record import SubscriberRecord
from moza_mail.store import Store


async def unsubscribe(store: Store, text: str, mailing_list: MailingList, *, now: datetime) -> None:
    """Take the person of an address off a list; raise AddressError when nobody of that address is on it."""
    person = await show(store, text)
    if not any(subscription.list_slug == mailing_list.slug for subscription in person.subscriptions):
        raise AddressError(text, _("is not on the list `{list_slug}`", list_slug=mailing_list.slug))
    await store.subscribers.unsubscribe(person.subscriber.id, mailing_list.slug, now=now)


async def suppress(store: Store, text: str, evidence: str, *, now: datetime) -> Suppression:
    """Never mail an address again, over all lists, because a person decided it; `evidence` says why."""
    suppression = Suppression(
        address=Address.parse(text, international=True),
        reason=SuppressionReason.MANUAL,
        created_at=now,
        evidence=evidence,
    )
    await store.suppressions.add(suppression)
    return suppression


async def show(store: Store, text: str) -> SubscriberRecord:
    """All that is held about an address; raise AddressError when nothing is."""
    address = Address.parse(text, international=True)
    person = await store.subscribers.find(address)
    if person is None:
        raise AddressError(str(address), _("nothing is stored about this address"))
    return person


async def unsuppress(store: Store, text: str, because: str, *, asked: bool, now: datetime) -> Suppression:
    """Lift the suppression of an address, for a reason that is kept with it; what was said of it until now counts no more.

    Raise AddressError when it is not suppressed, and SubscriptionError when it may be the person's own wish and they have not
    `asked` to be mailed again.
    """
    address = Address.parse(text, international=True)
    known = await store.suppressions.find(address)
    if known is not None and known.reason.is_objection and not asked:
        raise SubscriptionError(
            _(
                "{address} has been suppressed since {at} as `{reason}`, perhaps at the person's own request ({evidence})",
                address=str(address),
                at=f"{known.created_at:%Y-%m-%d}",
                reason=known.reason,
                evidence=known.evidence,
            ),
            hint=_(
                "Only that person can reverse it. If they have asked to be mailed again, add --they-asked."
            ),
        )
    if known is None or (ended := await store.suppressions.remove(address, because, now=now)) is None:
        raise AddressError(str(address), _("is not suppressed"))
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """An address that is no subscriber's, of which a suppression is held, or one that was lifted."""

    address: Address
    suppression: Suppression | None = None
    removed_suppressions: tuple[Suppression, ...] = ()


async def held(store: Store, text: str) -> SubscriberRecord | Stranger:
    """What is held about an address: a person, or, where it is nobody's, why it is or was suppressed; else AddressError."""
    address = Address.parse(text)
    if person := await store.subscribers.find(address):
        return person
    stranger = Stranger(
        address=address,
        suppression=await store.suppressions.find(address),
        removed_suppressions=await store.suppressions.list_removed(address),
    )
    return stranger if stranger.suppression or stranger.removed_suppressions else await show(store, text)


async def everything(store: Store, text: str, *, now: datetime) -> Mapping[str, list[dict[str, Any]]]:
    """All rows about an address by table, for its person; raise AddressError when there are none. It is noted in the trail."""
    address = Address.parse(text, international=True)
    found = await store.data_requests.collect(address)
    if not any(found.values()):
        raise AddressError(str(address), _("nothing is stored about this address"))
    await store.audit_log.add(
        AuditEntry(occurred_at=now, action=AuditAction.EXPORT, detail="all that is held about one address"),
        address,
    )
    return found
