"""`moza-mail subscribers`: bring people in, hand them out, show what is held about one."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer

from moza_mail import subscribe
from moza_mail.cli import options, talk, wires
from moza_mail.errors import ProjectError
from moza_mail.model.address import CONTROL, Address
from moza_mail.model.subscriber import Arrival, Newcomer, Subscriber, Subscription
from moza_mail.project import Project
from moza_mail.store import Person

app = typer.Typer(no_args_is_help=True, help="The people: import, add, export, show.")
SHOWN = 20


@app.command("import")
def import_(
    context: typer.Context,
    file: str = typer.Argument(
        help="A CSV file: UTF-8, with a column `email`; `,` or `;` between the values.", metavar="FILE"
    ),
    list_: options.List = "",
    consent: str = typer.Option(
        "", help="What they consented to, for rows without a column `consent`.", metavar="TEXT"
    ),
    json_: options.Json = False,
) -> None:
    """Bring the people of a CSV file onto a list. Bad rows are reported, good ones go in; twice changes nothing."""
    project: Project = context.obj()
    path = Path(file)
    rows = checked_lines(path)
    mailing_list = project.mailing_list(list_)

    async def work() -> subscribe.ImportReport:
        from moza_mail.cli.dressing import now

        async with wires.opened_store(project) as store:
            return await subscribe.import_people(
                store, rows, mailing_list, source=path.name, consent=consent.strip(), now=now()
            )

    report = wires.run(work)
    counts = {arrival.value: report.arrivals[arrival] for arrival in Arrival}
    if json_:
        refused = [{"line": row.line, "reason": row.reason} for row in report.refused]
        talk.give_json({"list": mailing_list.slug, **counts, "refused": len(refused), "rows": refused})
    else:
        shown = ", ".join(
            f"{count} {arrival}" for arrival, count in counts.items() if count or arrival == Arrival.ADDED
        )
        talk.give(f"{path.name} to {mailing_list.slug}: {shown}, {len(report.refused)} refused")
        for row in report.refused:
            talk.say(f"  line {row.line}: {row.reason}")
    if report.refused:
        raise typer.Exit(talk.NEEDS_A_HUMAN)


def checked_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, after a first look that all of it is UTF-8, so that no half of it goes in."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if b"\x00" in line:
                    raise ProjectError(
                        f"{path}, line {number}: is not a text file", hint="Save it as CSV UTF-8."
                    )
                line.decode("utf-8")
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}", hint="Name a CSV file.") from None
    except UnicodeDecodeError:
        raise ProjectError(
            f"{path}, line {number}: is not UTF-8", hint="In Excel: save as 'CSV UTF-8 (comma delimited)'."
        ) from None
    return _lines(path)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from file


@app.command()
def add(
    context: typer.Context,
    address: str = typer.Argument(help="One mail address.", metavar="ADDRESS"),
    list_: options.List = "",
    name: str = typer.Option("", help="Their name.", metavar="NAME"),
    consent: str = typer.Option(..., help="What they consented to, and how.", metavar="TEXT"),
    json_: options.Json = False,
) -> None:
    """Bring one person onto a list."""
    project: Project = context.obj()
    if CONTROL.search(name) or not consent.strip():
        raise ProjectError("a name holds no control characters, and --consent says what they consented to")
    newcomer = Newcomer(
        address=Address.parse(address),
        name=name.strip(),
        attributes=MappingProxyType({}),
        consent=consent.strip(),
    )
    mailing_list = project.mailing_list(list_)

    async def work() -> Arrival:
        from moza_mail.cli.dressing import now

        async with wires.opened_store(project) as store:
            return await subscribe.add(store, newcomer, mailing_list, now=now())

    arrival = wires.run(work)
    if json_:
        talk.give_json(
            {"list": mailing_list.slug, "address": str(newcomer.address), "arrival": arrival.value}
        )
    else:
        talk.give(f"{newcomer.address}: {arrival} on {mailing_list.slug}")
    if arrival in {Arrival.UNSUBSCRIBED, Arrival.SUPPRESSED}:
        talk.say(
            "They are not mailed: they left, or their address is suppressed, and an `add` does not undo that."
        )
        raise typer.Exit(talk.NEEDS_A_HUMAN)


@app.command()
def export(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Print everyone of a list, whatever their state, as CSV (or one JSON object a line with --json)."""
    project: Project = context.obj()
    mailing_list = project.mailing_list(list_)

    async def work() -> None:
        async with wires.opened_store(project) as store:
            if not json_:
                talk.give(
                    _csv(
                        [
                            "email",
                            "name",
                            "state",
                            "consent",
                            "created_at",
                            "confirmed_at",
                            "unsubscribed_at",
                            "attributes",
                        ]
                    )
                )
            async for subscriber, subscription in subscribe.export_people(store, mailing_list):
                row = _row(subscriber, subscription)
                talk.give(json.dumps(row, ensure_ascii=False) if json_ else _csv(_cells(row)))

    wires.run(work)


@app.command()
def show(
    context: typer.Context,
    address: str = typer.Argument(help="One mail address.", metavar="ADDRESS"),
    json_: options.Json = False,
) -> None:
    """Show all that is held about an address."""
    project: Project = context.obj()

    async def work() -> Person:
        async with wires.opened_store(project) as store:
            return await subscribe.show(store, address)

    person = wires.run(work)
    data = _person(person)
    if json_:
        talk.give_json(data)
        return
    talk.give(
        f"{person.subscriber.address}" + (f" ({person.subscriber.name})" if person.subscriber.name else "")
    )
    for key, value in person.subscriber.attributes.items():
        talk.give(f"  {key}: {value}")
    for subscription in person.subscriptions:
        talk.give(
            f"  {subscription.list_slug}: {subscription.state} since {subscription.created_at:%Y-%m-%d}"
        )
        talk.give(f"    consent: {subscription.consent} ({subscription.source})")
    for suppression in person.suppressions:
        talk.give(
            f"  suppressed: {suppression.reason} since {suppression.at:%Y-%m-%d} {suppression.evidence}"
        )
    for slug, delivery in person.deliveries[-SHOWN:]:
        talk.give(f"  {slug}: {delivery.state} {delivery.reply}".rstrip())


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
        "suppressions": [
            {
                "reason": suppression.reason.value,
                "at": suppression.at.isoformat(),
                "evidence": suppression.evidence,
            }
            for suppression in person.suppressions
        ],
        "deliveries": [
            {
                "issue": slug,
                "state": delivery.state.value,
                "attempts": delivery.attempts,
                "reply": delivery.reply,
            }
            for slug, delivery in person.deliveries
        ],
    }
