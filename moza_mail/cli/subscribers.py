"""`moza-mail subscribers`: one person by address, and handing a list out."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from moza_mail import subscribe
from moza_mail.cli import talk, wires
from moza_mail.cli.dressing import now
from moza_mail.errors import ProjectError
from moza_mail.model.address import CONTROL, Address
from moza_mail.model.subscriber import Arrival, Newcomer, Subscriber, Subscription, Suppression
from moza_mail.project import Project
from moza_mail.store import Person

COLUMNS = ["email", "name", "state", "consent", "created_at", "confirmed_at", "unsubscribed_at", "attributes"]


def add(project: Project, newcomer: Newcomer, list_slug: str, *, as_json: bool) -> int:
    """Bring one person onto a list; give the exit code."""
    mailing_list = project.mailing_list(list_slug)

    async def work() -> Arrival:
        async with wires.opened_store(project) as store:
            return await subscribe.add(store, newcomer, mailing_list, now=now())

    arrival = wires.run(work)
    if as_json:
        talk.give_json(
            {"list": mailing_list.slug, "address": str(newcomer.address), "arrival": arrival.value}
        )
    else:
        talk.give(f"{newcomer.address}: {arrival} on {mailing_list.slug}")
    if arrival not in {Arrival.UNSUBSCRIBED, Arrival.SUPPRESSED}:
        return 0
    talk.say(
        "They are not mailed: they left, or their address is suppressed, and an `add` does not undo that."
    )
    return talk.NEEDS_A_HUMAN


def newcomer(address: str, name: str, consent: str, *, international: bool) -> Newcomer:
    """One person from the command line; raise for what cannot be an address, a name or a consent."""
    if CONTROL.search(name):
        raise ProjectError("the name holds a control character", hint="Type it anew.")
    if not consent.strip():
        raise ProjectError("--consent is empty", hint="Say what they consented to, and how.")
    return Newcomer(
        address=Address.parse(address, international=international),
        name=name.strip(),
        consent=consent.strip(),
    )


def unsubscribe(project: Project, address: str, list_slug: str, *, as_json: bool) -> None:
    """Take one person off a list."""
    mailing_list = project.mailing_list(list_slug)

    async def work() -> None:
        async with wires.opened_store(project) as store:
            await subscribe.unsubscribe(store, address, mailing_list, now=now())

    wires.run(work)
    _told(address, f"unsubscribed from {mailing_list.slug}", as_json=as_json)


def suppress(project: Project, address: str, evidence: str, *, as_json: bool) -> None:
    """Never mail an address again."""

    async def work() -> None:
        async with wires.opened_store(project) as store:
            await subscribe.suppress(store, address, evidence.strip(), now=now())

    wires.run(work)
    _told(address, "suppressed on every list", as_json=as_json)


def _told(address: str, what: str, *, as_json: bool) -> None:
    if as_json:
        talk.give_json({"address": address, "done": what})
    else:
        talk.give(f"{address}: {what}")


def export(project: Project, list_slug: str, *, as_json: bool) -> None:
    """Print everyone of a list, whatever their state, as CSV or one JSON object a line."""
    mailing_list = project.mailing_list(list_slug)

    async def work() -> None:
        async with wires.opened_store(project) as store:
            if not as_json:
                talk.give(_csv(COLUMNS))
            async for subscriber, subscription in subscribe.export_people(store, mailing_list):
                row = _row(subscriber, subscription)
                talk.give(json.dumps(row, ensure_ascii=False) if as_json else _csv(_cells(row)))

    wires.run(work)


def show(project: Project, address: str, *, as_json: bool) -> None:
    """Show all that is held about an address."""

    async def work() -> Person | Suppression:
        async with wires.opened_store(project) as store:
            return await subscribe.held(store, address)

    found = wires.run(work)
    if isinstance(found, Suppression):
        _show_nobody(found, as_json=as_json)
    elif as_json:
        talk.give_json(_person(found))
    else:
        talk.give("\n".join(_lines_about(found)))


def _show_nobody(suppression: Suppression, *, as_json: bool) -> None:
    """An address that is no subscriber's, and suppressed."""
    if as_json:
        talk.give_json({"email": str(suppression.address), "suppressions": [_suppression(suppression)]})
    else:
        talk.give(f"{suppression.address} is no subscriber\n{_line_of(suppression)}")


def _line_of(suppression: Suppression) -> str:
    return (
        f"  suppressed: {suppression.reason} since {suppression.at:%Y-%m-%d} {suppression.evidence}".rstrip()
    )


def _suppression(suppression: Suppression) -> dict[str, str]:
    return {
        "reason": suppression.reason.value,
        "at": suppression.at.isoformat(),
        "evidence": suppression.evidence,
    }


def _lines_about(person: Person) -> Iterator[str]:
    subscriber = person.subscriber
    yield f"{subscriber.address} ({subscriber.name})" if subscriber.name else str(subscriber.address)
    for key, value in subscriber.attributes.items():
        yield f"  {key}: {value}"
    for subscription in person.subscriptions:
        yield f"  {subscription.list_slug}: {subscription.state} since {subscription.created_at:%Y-%m-%d}"
        yield f"    consent: {subscription.consent} ({subscription.source})"
    for suppression in person.suppressions:
        yield _line_of(suppression)
    for slug, delivery in person.deliveries:
        yield f"  {slug}: {delivery.state} {delivery.reply or delivery.detail}".rstrip()
        for key, value in delivery.values.items():
            yield f"    {key}: {value}"
    for slug, bounce in person.bounces:
        yield f"  {slug}: {bounce.kind} reported {bounce.at:%Y-%m-%d} {bounce.reply or ''}".rstrip()


def _row(subscriber: Subscriber, subscription: Subscription) -> dict[str, Any]:
    def moment(value: Any) -> str:
        return value.isoformat() if value else ""

    return {
        "email": str(subscriber.address),
        "name": subscriber.name,
        "state": subscription.state.value,
        "consent": subscription.consent,
        "created_at": moment(subscription.created_at),
        "confirmed_at": moment(subscription.confirmed_at),
        "unsubscribed_at": moment(subscription.unsubscribed_at),
        "attributes": dict(subscriber.attributes),
    }


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value for value in row.values()
    ]


def _csv(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _person(person: Person) -> dict[str, Any]:
    subscriber = person.subscriber
    return {
        "email": str(subscriber.address),
        "name": subscriber.name,
        "attributes": dict(subscriber.attributes),
        "subscriptions": [
            {"list": subscription.list_slug, "source": subscription.source, **_row(subscriber, subscription)}
            for subscription in person.subscriptions
        ],
        "suppressions": [_suppression(suppression) for suppression in person.suppressions],
        "deliveries": [
            {
                "issue": slug,
                "state": delivery.state.value,
                "attempts": delivery.attempts,
                "reply": delivery.reply or delivery.detail,
                "values": dict(delivery.values),
            }
            for slug, delivery in person.deliveries
        ],
        "bounces": [
            {
                "issue": slug,
                "kind": bounce.kind.value,
                "at": bounce.at.isoformat(),
                "proof": bounce.proof.value if bounce.proof else "",
                "reply": str(bounce.reply or ""),
            }
            for slug, bounce in person.bounces
        ],
    }
