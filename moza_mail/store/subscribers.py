"""Subscribers: everyone who is or was on a list, with their subscriptions and preferences."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.audience import AudienceCount
from moza_mail.model.mailing import Delivery
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Recipient
from moza_mail.model.segment import Segment, SubscriberFilter
from moza_mail.model.sign_up import PreferenceChoice, Preferences
from moza_mail.model.subscriber import (
    AddResult,
    ExportedSubscriber,
    ImportPreview,
    NewSubscriber,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from moza_mail.model.subscriber_record import SubscriberRecord
from moza_mail.store import rows
from moza_mail.store.attributes import translate_condition
from moza_mail.store.audience import count_audience, select_recipients
from moza_mail.store.bounces import list_bounces
from moza_mail.store.paging import PAGE
from moza_mail.store.preferences import load_preferences, save_preferences
from moza_mail.store.schema import (
    deliveries,
    insert,
    lists,
    mailings,
    subscribers,
    subscriptions,
    suppressions,
)
from moza_mail.store.subscriber_import import ImportTerms, import_subscribers, preview_import
from moza_mail.store.subscriptions import list_subscriptions, unsubscribe
from moza_mail.store.suppressions import find_suppression, list_removed
from moza_mail.store.transactions import Transactions


class Subscribers:
    """The subscribers of all lists; a list must be saved before anyone can be added to it."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def save_list(self, mailing_list: MailingList) -> None:
        """Insert a list or update its title."""
        await self._transactions.write(save_list, mailing_list)

    async def add(
        self,
        new_subscribers: Sequence[NewSubscriber],
        *,
        list_slug: str,
        source: str,
        now: datetime,
    ) -> list[AddResult]:
        """Add up to a few thousand people to a list and return the result for each, in order.

        A known address keeps its subscriber and spelling; a given name, language or attribute replaces the
        stored one. Nothing is stored for a person who unsubscribed from the list, is suppressed or was
        erased. A subscription may change from unconfirmed to confirmed, with the given consent and source,
        but never back. A person whose `state` or `suppression` says that they left is unsubscribed or
        suppressed. Adding twice changes nothing.

        source: the origin of the people, such as the name of a file. It is stored with each subscription.
        """
        terms = ImportTerms(list_slug=list_slug, source=source, now=now)
        return await self._transactions.write(import_subscribers, new_subscribers, terms)

    async def preview_add(
        self,
        new_subscribers: Sequence[NewSubscriber],
        *,
        list_slug: str,
        preview: ImportPreview,
    ) -> list[AddResult]:
        """Return what `add` would return now, and change nothing. The list need not be saved.

        Consecutive calls with the same `preview` return what consecutive calls of `add` would.
        """
        return await self._transactions.read(preview_import, new_subscribers, list_slug, preview)

    async def find(self, address: Address) -> SubscriberRecord | None:
        """Return all data about the subscriber of an address."""
        return await self._transactions.read(_find_record, address)

    async def iter_list(
        self,
        list_slug: str,
        subscriber_filter: SubscriberFilter = SubscriberFilter(),  # noqa: B008  (frozen)
    ) -> AsyncGenerator[tuple[Subscriber, Subscription]]:
        """Return the subscribers of a list who pass the filter, in any state, ordered by id."""
        after = 0
        while page := await self._transactions.read(_select_page, list_slug, subscriber_filter, after):
            for pair in page:
                yield pair
            after = page[-1][0].id

    async def iter_exported(
        self, list_slug: str, *, is_mailable: bool = False
    ) -> AsyncGenerator[ExportedSubscriber]:
        """Return the subscribers of a list, each with the suppression of its address, by id.

        is_mailable: only those who may be mailed: confirmed, and not suppressed.
        """
        after = 0
        while page := await self._transactions.read(_select_exported, list_slug, is_mailable, after):
            for exported in page:
                yield exported
            after = page[-1].subscriber.id

    async def list_attribute_names(self, list_slug: str) -> list[str]:
        """Return the names of all attributes of the subscribers of a list, sorted."""
        return await self._transactions.read(_list_attribute_names, list_slug)

    async def unsubscribe(self, subscriber_id: int, list_slug: str, *, now: datetime) -> None:
        """Unsubscribe a person from a list and void their unconfirmed sign-ups for it.

        Nothing changes if they left before or were erased.
        """
        await self._transactions.write_grouped(unsubscribe, subscriber_id, list_slug, now)

    async def load_preferences(self, subscriber_id: int) -> Preferences | None:
        """Return a subscriber's preferences; None if there is no such subscriber."""
        return await self._transactions.read(load_preferences, subscriber_id)

    async def save_preferences(
        self, subscriber_id: int, choice: PreferenceChoice, *, source: str, now: datetime
    ) -> bool:
        """Save a subscriber's choice; return False if there is no such subscriber.

        The subscriber is confirmed on the lists that they join. The store must already contain these lists.

        source: where the choice was made, such as a web page. It is stored with each new subscription.
        """
        return await self._transactions.write_grouped(save_preferences, subscriber_id, choice, source, now)

    async def count_audience(
        self, list_slug: str, fields: Sequence[MergeField] = (), segment: Segment | None = None
    ) -> AudienceCount:
        """Count the audience that a mailing with these fields and this segment would have now."""
        return await self._transactions.read(count_audience, list_slug, fields, segment)

    async def iter_recipients(
        self, list_slug: str, fields: Sequence[MergeField] = (), segment: Segment | None = None
    ) -> AsyncGenerator[Recipient]:
        """Yield the recipients that a mailing would have now, each with the values of `fields`."""
        after = 0
        while page := await self._transactions.read(select_recipients, list_slug, fields, segment, after):
            for recipient in page:
                yield recipient
            after = page[-1].subscriber_id


def save_list(connection: sa.Connection, mailing_list: MailingList) -> None:
    """Insert a list or update its title."""
    inserted = insert(connection, lists).values(slug=mailing_list.slug, title=mailing_list.title)
    connection.execute(
        inserted.on_conflict_do_update(index_elements=["slug"], set_={"title": inserted.excluded.title})
    )


def _select_page(
    connection: sa.Connection, list_slug: str, subscriber_filter: SubscriberFilter, after: int
) -> list[tuple[Subscriber, Subscription]]:
    """Return one page of subscribers with ids > `after`."""
    # As in `_select_exported`.
    is_next = (subscriptions.c.subscriber_id > after) & (subscribers.c.id > after)
    where = [subscriptions.c.list_slug == list_slug, is_next]
    if subscriber_filter.state:
        where.append(subscriptions.c.state == subscriber_filter.state)
    if subscriber_filter.condition:
        where.append(translate_condition(connection, subscriber_filter.condition))
    query = (
        sa.select(*rows.SUBSCRIBER, *rows.SUBSCRIPTION)
        .join_from(subscriptions, subscribers, subscribers.c.id == subscriptions.c.subscriber_id)
        .where(*where)
        .order_by(subscriptions.c.subscriber_id)
        .limit(PAGE)
    )
    width = len(rows.SUBSCRIBER)
    return [(rows.subscriber(row), rows.subscription(row[width:])) for row in connection.execute(query)]


def _select_exported(
    connection: sa.Connection, list_slug: str, is_mailable: bool, after: int
) -> list[ExportedSubscriber]:
    """Return one page of subscribers with ids > `after`."""
    # The condition is on both tables. Without it on `subscribers`, PostgreSQL reads that index from its start for each page.
    is_next = (subscriptions.c.subscriber_id > after) & (subscribers.c.id > after)
    where = [subscriptions.c.list_slug == list_slug, is_next]
    if is_mailable:
        where += [
            subscriptions.c.state == SubscriptionState.CONFIRMED,
            suppressions.c.address_key.is_(None),
        ]
    query = (
        sa.select(suppressions.c.reason, *rows.SUBSCRIBER, *rows.SUBSCRIPTION)
        .select_from(subscriptions)
        .join(subscribers, subscribers.c.id == subscriptions.c.subscriber_id)
        .outerjoin(
            suppressions,
            (suppressions.c.address_key == subscribers.c.address_key) & suppressions.c.held_at.is_(None),
        )
        .where(*where)
        .order_by(subscriptions.c.subscriber_id)
        .limit(PAGE)
    )
    width = 1 + len(rows.SUBSCRIBER)
    return [
        ExportedSubscriber(
            suppression=row[0],
            subscriber=rows.subscriber(row[1:width]),
            subscription=rows.subscription(row[width:]),
        )
        for row in connection.execute(query)
    ]


def _list_attribute_names(connection: sa.Connection, list_slug: str) -> list[str]:
    attributes = subscribers.c.attributes
    if connection.dialect.name == "postgresql":
        # render_derived() names the column. Without it, PostgreSQL would give the column the name of the function's alias.
        names = sa.func.json_object_keys(attributes).table_valued("key").render_derived()
    else:
        names = sa.func.json_each(attributes).table_valued("key")
    query = (
        sa.select(names.c.key)
        .distinct()
        .select_from(subscriptions.join(subscribers, subscribers.c.id == subscriptions.c.subscriber_id))
        .join(names, sa.true())
        .where(subscriptions.c.list_slug == list_slug)
    )
    return sorted(connection.scalars(query))


def _find_record(connection: sa.Connection, address: Address) -> SubscriberRecord | None:
    found = connection.execute(
        sa.select(*rows.SUBSCRIBER).where(subscribers.c.address_key == address.key)
    ).first()
    if found is None:
        return None
    return SubscriberRecord(
        subscriber=rows.subscriber(found),
        subscriptions=list_subscriptions(connection, found.id),
        suppression=find_suppression(connection, address),
        removed_suppressions=list_removed(connection, address),
        deliveries=_list_deliveries(connection, found.id),
        bounces=list_bounces(connection, found.id),
    )


def _list_deliveries(connection: sa.Connection, subscriber_id: int) -> tuple[tuple[str, Delivery], ...]:
    found = connection.execute(
        sa.select(mailings.c.issue_slug, *rows.DELIVERY)
        .join(deliveries, deliveries.c.mailing_id == mailings.c.id)
        # Listing the mailings lets the index on (mailing, subscriber) find one row of each, without a full scan.
        .where(
            deliveries.c.mailing_id.in_(sa.select(mailings.c.id)), deliveries.c.subscriber_id == subscriber_id
        )
        .order_by(deliveries.c.id)
    )
    return tuple((row[0], rows.delivery(row[1:])) for row in found)
