"""`moza-mail subscribers export`, `list` and `segments`: a list handed out, looked through, and counted by its parts."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from moza_mail import subscribe, subscriber_file
from moza_mail.app import open_project
from moza_mail.app.clock import now
from moza_mail.app.plan_send import describe_excluded
from moza_mail.app.prepare_issue import find_segment
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import ProjectError
from moza_mail.model.audience import AudienceCount
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.segment import AllOf, Condition, Segment, SegmentError, SubscriberFilter
from moza_mail.model.subscriber import Subscriber, Subscription, SubscriptionState
from moza_mail.project import Project
from moza_mail.store import Store

FIXED = ("email", "name", "state", "consent", "created_at", "confirmed_at", "unsubscribed_at", "lang")
SHOWN = 100
"""People on a terminal when no number is asked for."""
WIDEST = 40
"""Signs of a column on a terminal."""

Listed = tuple[Subscriber, Subscription]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What was asked for of a list; `attributes` are values by name, `limit` None for as many as fit a screen."""

    state: SubscriptionState | None
    segment: str
    domain: str
    attributes: Mapping[str, str]
    limit: int | None

    def chosen(self, mailing_list: MailingList) -> SubscriberFilter:
        """The same for the store; raise ProjectError for what cannot be asked."""
        conditions: list[Condition] = []
        if self.segment:
            conditions.append(find_segment(mailing_list, self.segment).condition)
        if self.domain:
            conditions.append(_asked({"domain": self.domain}))
        conditions += [_asked({"attribute": name, "is": value}) for name, value in self.attributes.items()]
        return SubscriberFilter(
            state=self.state, condition=AllOf(conditions=tuple(conditions)) if conditions else None
        )

    def told(self, most: int | None) -> str:
        """The same for the audit trail: by what was asked, and no value that may be a person's own; `most` is how many at most."""
        parts = [
            "looked through" if most is None else f"looked through, {most} at most",
            f"state {self.state}" if self.state else "",
            f"segment {self.segment}" if self.segment else "",
            "by domain" if self.domain else "",
            f"by {', '.join(sorted(self.attributes))}" if self.attributes else "",
        ]
        return ": ".join(filter(None, (parts[0], "; ".join(filter(None, parts[1:])))))


def _asked(table: Mapping[str, Any]) -> Condition:
    try:
        return Segment.read("asked", table, lang="").condition
    except SegmentError as error:
        raise ProjectError(str(error), hint="See docs/subscribers.md for what can be asked.") from None


def export(project: Project, list_slug: str, *, as_json: bool) -> None:
    """Print everyone of a list, whatever their state, as CSV or one JSON object a line."""
    mailing_list = project.read_list(list_slug)

    async def work() -> None:
        async with open_project.open_store(project) as store:
            if as_json:
                async for one in subscribe.export_people(store, mailing_list, now=now()):
                    output.give(json.dumps(_row(*one), ensure_ascii=False))
            else:
                await _export_table(store, mailing_list)

    run_async(work)


async def _export_table(store: Store, mailing_list: MailingList) -> None:
    """Each attribute that anybody has is a column; nothing in it is a formula to a spreadsheet."""
    names = await store.subscribers.list_attribute_names(mailing_list.slug)
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    write(map(subscriber_file.guard_formula, (*FIXED, *names)))
    async for one in subscribe.export_people(store, mailing_list, now=now()):
        row = _row(*one)
        kept = row.pop("attributes")
        write(
            [
                subscriber_file.guard_formula(cell)
                for cell in (*row.values(), *(kept.get(name, "") for name in names))
            ]
        )


def _row(subscriber: Subscriber, subscription: Subscription) -> dict[str, Any]:
    return {
        "email": str(subscriber.address),
        "name": subscriber.name,
        "state": subscription.state.value,
        "consent": subscription.consent,
        "created_at": subscription.created_at.isoformat(),
        "confirmed_at": _moment(subscription.confirmed_at),
        "unsubscribed_at": _moment(subscription.unsubscribed_at),
        "lang": subscriber.lang,
        "attributes": dict(subscriber.attributes),
    }


def _moment(value: datetime | None) -> str:
    return value.isoformat() if value else ""


def list_people(project: Project, list_slug: str, wanted: Filter, *, as_json: bool) -> None:
    """Print those of a list who were asked for: columns for a person, one JSON object a line for a program."""
    mailing_list = project.read_list(list_slug)
    chosen = wanted.chosen(mailing_list)
    most = wanted.limit if wanted.limit is not None else None if as_json else SHOWN

    async def work() -> None:
        async with open_project.open_store(project) as store:
            found: list[Listed] = []
            asked = wanted.told(most)
            async for one in subscribe.look_through(store, mailing_list, chosen, asked, now=now()):
                if len(found) == most:
                    output.say(f"These are the first {most}; --limit N shows more.")
                    break
                if as_json:
                    output.give(json.dumps(_row(*one), ensure_ascii=False))
                if most is not None:
                    found.append(one)
            if not as_json:
                _print_columns(mailing_list, found)

    run_async(work)


def _print_columns(mailing_list: MailingList, found: Sequence[Listed]) -> None:
    if not found:
        output.say(f"There is nobody of {mailing_list.slug} for whom that holds.")
        return
    names = [name for name in mailing_list.attributes if any(one.attributes.get(name) for one, _ in found)]
    rows = [("email", "name", "state", "since", *names)]
    rows += [
        (
            str(one.address),
            one.name,
            on_list.state.value,
            f"{on_list.unsubscribed_at or on_list.confirmed_at or on_list.created_at:%Y-%m-%d}",
            *(one.attributes.get(name, "") for name in names),
        )
        for one, on_list in found
    ]
    for line in _aligned([[_shown(cell) for cell in row] for row in rows]):
        output.give(line)


def _shown(cell: str) -> str:
    """A value as a terminal may be given it, cut to the width of a column."""
    seen = "".join(sign if sign.isprintable() else "\ufffd" for sign in islice(cell, WIDEST + 1))
    return seen if len(seen) <= WIDEST else f"{seen[: WIDEST - 1]}…"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def segments(project: Project, list_slug: str, *, as_json: bool) -> None:
    """Print each segment of a list: its rule, how many would be mailed now, and who falls out and why."""
    mailing_list = project.read_list(list_slug)

    async def work() -> dict[str, AudienceCount]:
        async with open_project.open_store(project) as store:
            return {
                name: await store.subscribers.count_audience(mailing_list.slug, segment=segment)
                for name, segment in mailing_list.segments.items()
            }

    counted = run_async(work)
    if as_json:
        output.give_json(
            [
                {
                    "list": mailing_list.slug,
                    "segment": name,
                    "description": mailing_list.segments[name].description,
                    "rule": str(mailing_list.segments[name]),
                    "readers": audience.confirmed,
                    "left_out": dict(audience.left_out),
                }
                for name, audience in counted.items()
            ]
        )
        return
    if not counted:
        output.say(
            f"The list {mailing_list.slug} has no segments; docs/subscribers.md tells how to make one."
        )
    for name, audience in counted.items():
        segment = mailing_list.segments[name]
        told = f": {segment.description}" if segment.description else ""
        output.give(
            f"{name}{told}\n  {segment}\n  {audience.confirmed} readers now{describe_excluded(audience)}"
        )
