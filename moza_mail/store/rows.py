"""Convert between rows and value objects."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.mailing import Delivery, DeliveryState, Mailing
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Attachment, Rendered
from moza_mail.model.segment import Segment
from moza_mail.model.subscriber import Subscriber, Subscription, Suppression
from moza_mail.store.attributes import without_nulls
from moza_mail.store.schema import deliveries, subscribers, subscriptions

SUBSCRIBER = (
    subscribers.c.id,
    subscribers.c.address,
    subscribers.c.name,
    subscribers.c.attributes,
    subscribers.c.lang,
)
SUBSCRIPTION = tuple(subscriptions.c)
# Computed once: to list the names again for each row would take a tenth of the time of an export.
SUBSCRIPTION_FIELDS = tuple(column.name for column in SUBSCRIPTION)
DELIVERY = (
    deliveries.c.id,
    deliveries.c.mailing_id,
    deliveries.c.subscriber_id,
    deliveries.c.address,
    deliveries.c.name,
    deliveries.c.state,
    deliveries.c.attempts,
    deliveries.c.next_attempt,
    deliveries.c.skip_reason,
    deliveries.c.reply,
    deliveries.c.detail,
    deliveries.c.phase,
    deliveries.c.queue_id,
    deliveries.c.verdict,
    deliveries.c.merge_values.label("values"),
)
DELIVERY_FIELDS = tuple(column.name for column in DELIVERY)
# Every delivery that is being claimed has these values. They are not read from the row, because reading an enum or a time
# takes as long as reading the rest of the row.
AS_CLAIMED = {"state": DeliveryState.CLAIMED, "next_attempt": None, "skip_reason": None, "verdict": None}
CANDIDATE = tuple(column for column in DELIVERY if column.name not in AS_CLAIMED)
CANDIDATE_FIELDS = tuple(column.name for column in CANDIDATE)

Row = sa.Row[*tuple[Any, ...]]


def address(text: str) -> Address:
    """Convert a stored address. It is not checked, because it was checked when it was stored.

    "" becomes an address without a domain.
    """
    local, _, domain = text.rpartition("@")
    return Address(local=local, domain=domain)


def subscriber(row: Sequence[Any]) -> Subscriber:
    """Convert a row that begins with the columns SUBSCRIBER to a Subscriber."""
    number, text, name, attributes, lang = row[:5]
    return Subscriber(
        id=number, address=address(text), name=name, lang=lang, attributes=MappingProxyType(attributes)
    )


def subscription(row: Sequence[Any]) -> Subscription:
    """Convert a row with the columns SUBSCRIPTION to a Subscription."""
    return Subscription(**dict(zip(SUBSCRIPTION_FIELDS, row, strict=True)))


def suppression(row: Row) -> Suppression:
    """Convert a row of the table `suppressions` to a Suppression."""
    return Suppression(
        address=address(row.address), reason=row.reason, created_at=row.created_at, evidence=row.evidence
    )


def removed_suppression(row: Mapping[Any, Any]) -> Suppression:
    """Convert a row of the table `removed_suppressions` to a Suppression."""
    return Suppression(
        address=address(row["address"]),
        reason=row["reason"],
        created_at=row["created_at"],
        evidence=row["evidence"],
        removed_at=row["removed_at"],
        removal_reason=row["removal_reason"],
    )


def delivery(row: Iterable[Any]) -> Delivery:
    """Convert a row with the columns DELIVERY to a Delivery."""
    return _delivery(dict(zip(DELIVERY_FIELDS, row, strict=True)))


def claimed_delivery(row: Iterable[Any]) -> Delivery:
    """Convert a row that begins with the columns CANDIDATE to a newly claimed Delivery."""
    return _delivery(dict(zip(CANDIDATE_FIELDS, row, strict=False)), AS_CLAIMED)


def _delivery(fields: dict[str, Any], known: Mapping[str, Any] = MappingProxyType({})) -> Delivery:
    fields["address"] = address(fields["address"])
    fields["values"] = without_nulls(fields["values"])
    return Delivery(**fields, **known)


def mailing(row: Row) -> Mailing:
    """Convert a row of the table `mailings` to a Mailing."""
    rendered = Rendered(
        subject=row.subject,
        preheader=row.preheader,
        html=row.html,
        text=row.text,
        lang=row.lang,
        attachments=tuple(
            Attachment(**{**fields, "content": base64.b64decode(fields["content"])})
            for fields in row.attachments
        ),
        fields=tuple(MergeField(**field) for field in row.merge_fields or ()),
    )
    return Mailing(
        id=row.id,
        key=row.key,
        issue_slug=row.issue_slug,
        issue_title=row.issue_title,
        issue_date=date.fromisoformat(row.issue_date) if row.issue_date else None,
        list_slug=row.list_slug,
        digest=row.digest,
        rendered=rendered,
        created_at=row.created_at,
        segment=Segment.parse(**row.segment) if row.segment else None,
        news=row.news,
    )


def mailing_values(mailing: Mailing) -> Mapping[str, Any]:
    """Return the values for the table `mailings`, without the id."""
    rendered = mailing.rendered
    return {
        "key": mailing.key,
        "issue_slug": mailing.issue_slug,
        "issue_title": mailing.issue_title,
        "issue_date": mailing.issue_date.isoformat() if mailing.issue_date else None,
        "list_slug": mailing.list_slug,
        "digest": mailing.digest,
        "subject": rendered.subject,
        "preheader": rendered.preheader,
        "html": rendered.html,
        "text": rendered.text,
        "news": mailing.news,
        "lang": rendered.lang,
        "attachments": [
            {
                "filename": attachment.filename,
                "content_type": attachment.content_type,
                "content_id": attachment.content_id,
                "content": base64.b64encode(attachment.content).decode(),
            }
            for attachment in rendered.attachments
        ],
        "created_at": mailing.created_at,
        "merge_fields": [{"name": field.name, "default": field.default} for field in rendered.fields] or None,
        "segment": _segment_values(mailing.segment) if mailing.segment else None,
    }


def _segment_values(segment: Segment) -> dict[str, Any]:
    return {"slug": segment.slug, "table": dict(segment.table), "lang": segment.lang}
