"""Sign-ups: people ask to join a list, and confirm with the link in a mail."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.sign_up import Confirmation, ConfirmResult, SignUp
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import rows
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import confirmations, subscribers
from moza_mail.store.sign_up_requests import add_request, find_oldest_request, handle_requests
from moza_mail.store.subscriptions import confirm_subscription, find_state
from moza_mail.store.suppressions import forget_erasure, lift_after_sign_up
from moza_mail.store.transactions import Transactions

MAX_BATCHES = 8


class SignUps:
    """Sign-ups by id. Each has a confirmation mail, which `store.confirmations` sends."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def add(self, sign_up: SignUp, mailing_list: MailingList, *, stamp: str, now: datetime) -> bool:
        """Queue a filled-in form; return False if a form with this stamp was queued before.

        The work takes the same time for every address, so that the time does not reveal if the address is known.
        """
        return await self._transactions.write_grouped(add_request, sign_up, mailing_list, stamp, now)

    async def handle_requests(self, *, now: datetime) -> bool:
        """Store the queued sign-ups as unconfirmed, and queue their confirmation mails.

        A confirmation mail is queued only if the limits allow it.
        Nothing changes for a confirmed subscriber, or after a complaint. A person who unsubscribed stays
        unsubscribed until they use the link. A mailbox gets at most three mails a week from all lists together,
        and only one mail after its address was suppressed (model/sign_up.py).

        Return True if more sign-ups may be waiting. One call handles a limited number, so that a flood of
        forms does not delay the mails.
        """
        for _ in range(MAX_BATCHES):
            if await self._transactions.read(find_oldest_request) is None:
                return False
            if not await self._transactions.write_grouped(handle_requests, now):
                return False
        return True

    async def find(self, sign_up_id: int) -> Confirmation | None:
        """Return a sign-up; None after it was deleted."""
        return await self._transactions.read(_find, sign_up_id)

    async def confirm(self, sign_up_id: int, *, now: datetime) -> ConfirmResult:
        """Confirm the subscription with the consent, name and language of the sign-up.

        A suppression of the address ends, because its owner has answered. A complaint stays.
        Nothing changes if the subscription is confirmed already, or if the person unsubscribed after this
        sign-up.
        """
        return await self._transactions.write_grouped(_confirm, sign_up_id, now)


CONFIRMATION = (
    confirmations.c.id,
    confirmations.c.subscriber_id,
    confirmations.c.list_slug,
    subscribers.c.address,
    confirmations.c.consent,
    confirmations.c.lang,
    confirmations.c.created_at,
    confirmations.c.voided_at,
)


def to_confirmation(row: Any) -> Confirmation:
    """Convert a row that begins with the columns CONFIRMATION to a Confirmation."""
    number, subscriber, list_slug, text, consent, lang, created_at, void_at = row[:8]
    return Confirmation(
        id=number,
        subscriber_id=subscriber,
        list_slug=list_slug,
        address=rows.address(text),
        consent=consent,
        lang=lang,
        created_at=created_at,
        is_void=void_at is not None,
    )


def _find(connection: sa.Connection, sign_up_id: int) -> Confirmation | None:
    query = sa.select(*CONFIRMATION).join(subscribers, subscribers.c.id == confirmations.c.subscriber_id)
    found = connection.execute(query.where(confirmations.c.id == sign_up_id)).first()
    return to_confirmation(found) if found else None


def _confirm(connection: sa.Connection, sign_up_id: int, now: datetime) -> ConfirmResult:
    lock_people(connection)
    found = connection.execute(sa.select(confirmations).where(confirmations.c.id == sign_up_id)).first()
    if found is None:
        return ConfirmResult.GONE
    if found.voided_at is not None:
        return ConfirmResult.LEFT
    # An erasure keeps the suppression of an address, which the link may end as it ends any other.
    forget_erasure(connection, found.subscriber_id)
    is_lifted = lift_after_sign_up(connection, found.subscriber_id, found.created_at, now)
    state = find_state(connection, found.subscriber_id, found.list_slug)
    if state is SubscriptionState.CONFIRMED and not is_lifted:
        return ConfirmResult.ALREADY
    evidence = {"consent": found.consent, "source": found.source, "created_at": found.created_at}
    confirm_subscription(connection, found.subscriber_id, found.list_slug, now, **evidence)
    given = {name: text for name, text in (("name", found.name), ("lang", found.lang)) if text}
    if given:
        connection.execute(
            sa.update(subscribers).where(subscribers.c.id == found.subscriber_id).values(given)
        )
    entry = AuditEntry(
        occurred_at=now,
        action=AuditAction.CONFIRM,
        list_slug=found.list_slug,
        subscriber_id=found.subscriber_id,
    )
    add_entry(connection, replace(entry, detail=f"sign-up {sign_up_id} of {found.created_at:%Y-%m-%d %H:%M}"))
    return ConfirmResult.NOW
