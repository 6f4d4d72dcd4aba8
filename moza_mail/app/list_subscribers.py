"""List and export the subscribers of a list, and count its segments. Access is logged."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moza_mail import sending
from moza_mail.app.clock import now
from moza_mail.app.prepare_issue import find_segment
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.audience import AudienceCount
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.segment import AllOf, Condition, Segment, SegmentError, SubscriberFilter
from moza_mail.model.subscriber import Subscriber, Subscription, SubscriptionState, SuppressionReason
from moza_mail.store import Store
from moza_mail.subscriber_file import guard_formula

FIXED_COLUMNS = (
    "email",
    "name",
    "state",
    "consent",
    "created_at",
    "confirmed_at",
    "unsubscribed_at",
    "lang",
    "suppression",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """The conditions that select subscribers of a list. Empty conditions select everybody."""

    state: SubscriptionState | None = None
    segment: str = ""
    domain: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None

    def make_filter(self, mailing_list: MailingList) -> SubscriberFilter:
        """Return the query as a filter of the store; raise ProjectError if it is invalid."""
        conditions: list[Condition] = []
        if self.segment:
            conditions.append(find_segment(mailing_list, self.segment).condition)
        if self.domain:
            conditions.append(_make_condition({"domain": self.domain}))
        conditions += [
            _make_condition({"attribute": name, "is": value}) for name, value in self.attributes.items()
        ]
        return SubscriberFilter(
            state=self.state, condition=AllOf(conditions=tuple(conditions)) if conditions else None
        )

    def describe(self) -> str:
        """Describe the query for the audit log, without values that may identify a person."""
        action = "listed" if self.limit is None else f"listed, {self.limit} at most"
        conditions = [
            f"state {self.state}" if self.state else "",
            f"segment {self.segment}" if self.segment else "",
            "by domain" if self.domain else "",
            f"by {', '.join(sorted(self.attributes))}" if self.attributes else "",
        ]
        return ": ".join(filter(None, (action, "; ".join(filter(None, conditions)))))


def _make_condition(table: Mapping[str, Any]) -> Condition:
    try:
        return Segment.parse("query", table, lang="").condition
    except SegmentError as error:
        raise ProjectError(str(error), hint=_("See docs/subscribers.md for the conditions.")) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSubscriber:
    """A subscriber with their subscription to the list.

    suppression: the reason not to mail the address; None if there is none, or if it was not looked up.
    """

    subscriber: Subscriber
    subscription: Subscription
    suppression: SuppressionReason | None = None

    @property
    def since(self) -> datetime:
        """The time at which the subscription got its present state."""
        one = self.subscription
        return one.unsubscribed_at or one.confirmed_at or one.created_at

    def as_data(self) -> dict[str, Any]:
        """Return the subscriber as JSON values: FIXED_COLUMNS in order, then `attributes`."""
        values = zip(FIXED_COLUMNS, self.fixed_values(), strict=True)
        return {**dict(values), "attributes": dict(self.subscriber.attributes)}

    def fixed_values(self, guard: Callable[[str], str] = str) -> tuple[str, ...]:
        """Return the values of FIXED_COLUMNS.

        guard: a function that is applied to each value that a person may have typed.
        """
        subscriber, subscription = self.subscriber, self.subscription
        return (
            guard(str(subscriber.address)),
            guard(subscriber.name),
            "suppressed" if self.suppression else subscription.state,
            guard(subscription.consent),
            subscription.created_at.isoformat(),
            _format(subscription.confirmed_at),
            _format(subscription.unsubscribed_at),
            subscriber.lang,
            self.suppression.value if self.suppression else "",
        )


def _format(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


async def export_subscribers(
    store: Store, mailing_list: MailingList, *, is_mailable: bool = False
) -> AsyncIterator[ListedSubscriber]:
    """Yield the subscribers of a list, including any suppression of their addresses.

    is_mailable: yield only the subscribers who may be mailed.
    """
    accessed = "those who may be mailed" if is_mailable else "everyone of the list"
    await sending.log_access(store, accessed, now=now(), list_slug=mailing_list.slug)
    async for one in store.subscribers.iter_exported(mailing_list.slug, is_mailable=is_mailable):
        yield ListedSubscriber(
            subscriber=one.subscriber, subscription=one.subscription, suppression=one.suppression
        )


async def list_subscribers(
    store: Store, mailing_list: MailingList, query: ListQuery
) -> AsyncIterator[ListedSubscriber]:
    """Yield the subscribers that a query selects. The caller must stop at `query.limit`."""
    selection = query.make_filter(mailing_list)
    await sending.log_access(store, query.describe(), now=now(), list_slug=mailing_list.slug)
    async for subscriber, subscription in store.subscribers.iter_list(mailing_list.slug, selection):
        yield ListedSubscriber(subscriber=subscriber, subscription=subscription)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCount:
    """A segment of a list, with the number of subscribers who would receive a mailing now.

    audience: also has the number of subscribers who are left out, for each reason.
    """

    list_slug: str
    segment: Segment
    audience: AudienceCount

    def as_data(self) -> dict[str, Any]:
        """Return the segment as JSON values."""
        return {
            "list": self.list_slug,
            "segment": self.segment.slug,
            "description": self.segment.description,
            "rule": str(self.segment),
            "subscribers": self.audience.confirmed,
            "left_out": dict(self.audience.left_out),
        }


async def count_segments(store: Store, mailing_list: MailingList) -> list[SegmentCount]:
    """Count the audience of each segment of a list."""
    return [
        SegmentCount(
            list_slug=mailing_list.slug,
            segment=segment,
            audience=await store.subscribers.count_audience(mailing_list.slug, segment=segment),
        )
        for segment in mailing_list.segments.values()
    ]


async def export_rows(
    store: Store, mailing_list: MailingList, *, is_mailable: bool
) -> AsyncIterator[Sequence[str]]:
    """Yield the rows of a table of subscribers, headings first.

    Each attribute has a column. Cells are escaped so that a spreadsheet does not run them as formulas.

    is_mailable: yield only the subscribers who may be mailed.
    """
    names = await store.subscribers.list_attribute_names(mailing_list.slug)
    yield [guard_formula(name) for name in (*FIXED_COLUMNS, *names)]
    async for one in export_subscribers(store, mailing_list, is_mailable=is_mailable):
        attributes = one.subscriber.attributes
        yield (
            *one.fixed_values(guard_formula),
            *(guard_formula(attributes[name]) if name in attributes else "" for name in names),
        )
