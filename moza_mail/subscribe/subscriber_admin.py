"""Add, unsubscribe, suppress, show, export and erase one person by address."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moza_mail.errors import AddressError, StoreError, SubscriptionError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.retention import ErasureResult
from moza_mail.model.subscriber import (
    AddResult,
    NewSubscriber,
    Suppression,
    SuppressionReason,
)
from moza_mail.model.subscriber_record import SubscriberRecord
from moza_mail.store import Store

ERASE_PATIENCE = timedelta(seconds=30)
"""The longest time that an erasure waits while a message to the person is being sent."""
ERASE_INTERVAL = 0.25
"""Seconds between two attempts to erase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NonSubscriber:
    """An address that is not a subscriber's, but is or was suppressed."""

    address: Address
    suppression: Suppression | None
    removed_suppressions: tuple[Suppression, ...]


@dataclass(frozen=True, slots=True)
class SubscriberAdmin:
    """Actions of an operator for one person.

    Each method raises AddressError if `text` is not an address.
    """

    store: Store

    async def add(
        self, new_subscriber: NewSubscriber, mailing_list: MailingList, *, now: datetime
    ) -> AddResult:
        """Subscribe a person, with the consent that the operator recorded."""
        await self.store.subscribers.save_list(mailing_list)
        (result,) = await self.store.subscribers.add(
            [new_subscriber],
            list_slug=mailing_list.slug,
            source="subscribers add",
            now=now,
        )
        return result

    async def unsubscribe(self, text: str, mailing_list: MailingList, *, now: datetime) -> None:
        """Unsubscribe a person from a list; raise AddressError if they never were on it."""
        address = Address.parse_typed(text)
        record = await self.store.subscribers.find(address)
        if record is None:
            raise _make_unknown_error(address)
        if not any(one.list_slug == mailing_list.slug for one in record.subscriptions):
            raise AddressError(text, _("is not on the list `{list_slug}`", list_slug=mailing_list.slug))
        await self.store.subscribers.unsubscribe(record.subscriber.id, mailing_list.slug, now=now)

    async def suppress(self, text: str, evidence: str, *, now: datetime) -> None:
        """Suppress an address on every list, whether it is a subscriber's or not.

        evidence: the reason, for the record.
        """
        suppression = Suppression(
            address=Address.parse_typed(text),
            reason=SuppressionReason.MANUAL,
            created_at=now,
            evidence=evidence,
        )
        await self.store.suppressions.add(suppression)

    async def unsuppress(self, text: str, reason: str, *, is_requested: bool, now: datetime) -> Suppression:
        """Remove the suppression of an address; earlier bounces no longer count.

        reason: why the address may be mailed again, for the record.

        Raise AddressError if the address is not suppressed. Raise SubscriptionError if the person may have
        wanted the suppression, unless they asked to be mailed again (`is_requested`).
        """
        address = Address.parse_typed(text)
        current = await self.store.suppressions.find(address)
        if current is not None and current.reason.is_objection and not is_requested:
            raise SubscriptionError(
                _(
                    "{address} has been suppressed since {at} as `{reason}`, perhaps at the person's own request ({evidence})",
                    address=str(address),
                    at=f"{current.created_at:%Y-%m-%d}",
                    reason=current.reason,
                    evidence=current.evidence,
                ),
                hint=_(
                    "Only that person can reverse it. If they have asked to be mailed again, add --they-asked."
                ),
            )
        removed = await self.store.suppressions.remove(address, reason, now=now) if current else None
        if removed is None:
            raise AddressError(str(address), _("is not suppressed"))
        return removed

    async def find(self, text: str) -> SubscriberRecord | NonSubscriber:
        """Return the data about an address; raise AddressError if there is none."""
        address = Address.parse_typed(text)
        if record := await self.store.subscribers.find(address):
            return record
        suppressions = self.store.suppressions
        current, removed = await suppressions.find(address), await suppressions.list_removed(address)
        if current is None and not removed:
            raise _make_unknown_error(address)
        return NonSubscriber(address=address, suppression=current, removed_suppressions=removed)

    async def export(self, text: str, *, now: datetime) -> Mapping[str, list[dict[str, Any]]]:
        """Return every row about an address by table, and log the export.

        Raise AddressError if there are no rows.
        """
        address = Address.parse_typed(text)
        tables = await self.store.data_requests.collect(address)
        if not any(tables.values()):
            raise _make_unknown_error(address)
        detail = "all that is held about one address"
        await self.store.audit_log.add(
            AuditEntry(occurred_at=now, action=AuditAction.EXPORT, detail=detail), address
        )
        return tables

    async def erase(
        self, text: str, *, clock: Callable[[], datetime], patience: timedelta = ERASE_PATIENCE
    ) -> ErasureResult:
        """Erase an address and its person. A hash stays, so that no import adds them again.

        If a part of the erasure was not possible, a second call completes it. Raise AddressError if nothing
        is stored about the address and nobody with it was erased before. Raise StoreError if a message to the
        person is still being sent after `patience`.

        clock: returns the current time.
        """
        address = Address.parse_typed(text)
        deadline = clock() + patience
        while (result := await self.store.data_requests.erase(address, now=clock())) is None:
            if clock() >= deadline:
                raise _make_being_mailed_error(address)
            await asyncio.sleep(ERASE_INTERVAL)
        if not result.rows and result.erased_at is None:
            raise _make_unknown_error(address)
        return result

    async def erase_all(
        self,
        addresses: Sequence[Address],
        *,
        clock: Callable[[], datetime],
        patience: timedelta = ERASE_PATIENCE,
    ) -> ErasureResult:
        """Erase many people as `erase` does.

        Other rows that may quote their addresses are searched once for all people. Raise StoreError if a message
        to one of the people is still being sent after `patience`. All other people are erased before that.
        """
        waiting, deadline, counts = tuple(addresses), clock() + patience, Counter[str]()
        while True:
            erased = await self.store.data_requests.erase_rows(waiting, now=clock())
            waiting = erased.being_mailed
            counts.update(erased.counts)
            if not waiting or clock() >= deadline:
                break
            await asyncio.sleep(ERASE_INTERVAL)
        done = [each for each in addresses if each not in waiting]
        result = await self.store.data_requests.erase_leftovers(done, counts, now=clock())
        if waiting:
            raise _make_being_mailed_error(waiting[0])
        return result


def _make_being_mailed_error(address: Address) -> StoreError:
    return StoreError(
        _(
            "a message to {address} is being sent at this moment, so this person was not erased",
            address=str(address),
        ),
        hint=_("Try again in a minute. If a `send` was interrupted, run it again first."),
    )


def _make_unknown_error(address: Address) -> AddressError:
    return AddressError(str(address), _("nothing is stored about this address"))
