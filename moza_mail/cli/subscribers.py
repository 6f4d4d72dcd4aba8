"""`moza-mail subscribers`: one person by address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moza_mail import subscribe, subscriber_file
from moza_mail.app import open_project
from moza_mail.app.clock import now
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import ProjectError
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.retention import ErasureResult
from moza_mail.model.subscriber import Arrival, Newcomer, Suppression
from moza_mail.model.subscriber_record import SubscriberRecord
from moza_mail.project import Project


def add(project: Project, newcomer: Newcomer, list_slug: str, *, as_json: bool) -> int:
    """Bring one person onto a list; give the exit code."""
    mailing_list = project.read_list(list_slug)

    async def work() -> Arrival:
        async with open_project.open_store(project) as store:
            return await subscribe.add(store, newcomer, mailing_list, now=now())

    arrival = run_async(work)
    if as_json:
        output.give_json(
            {"list": mailing_list.slug, "address": str(newcomer.address), "arrival": arrival.value}
        )
    else:
        output.give(f"{newcomer.address}: {arrival} on {mailing_list.slug}")
    if arrival not in {Arrival.UNSUBSCRIBED, Arrival.SUPPRESSED, Arrival.ERASED}:
        return 0
    output.say(
        "They are not mailed: they left, were erased, or their address is suppressed, and an `add` does not undo that."
    )
    return output.NEEDS_ATTENTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One person as the command line names them, with the values to keep of them."""

    address: str
    name: str
    consent: str
    attributes: Mapping[str, str]


def newcomer(named: Named, *, international: bool) -> Newcomer:
    """That person; raise for what cannot be an address, a name, a consent or a value to keep."""
    if CONTROL_CHARACTER.search(named.name):
        raise ProjectError("the name holds a control character", hint="Type it anew.")
    if not named.consent.strip():
        raise ProjectError("--consent is empty", hint="Say what they consented to, and how.")
    for name, value in named.attributes.items():
        if not subscriber_file.is_attribute_name(name):
            raise ProjectError(
                f"--set {name}: cannot be kept of a person", hint=subscriber_file.COLUMN_NAMES_HINT
            )
        if CONTROL_CHARACTER.search(value) or len(value) > subscriber_file.MAX_VALUE_LENGTH:
            raise ProjectError(
                f"--set {name}: is at most {subscriber_file.MAX_VALUE_LENGTH} signs on one line",
                hint="Type it anew.",
            )
    return Newcomer(
        address=Address.parse(named.address, international=international),
        name=named.name.strip(),
        attributes=named.attributes,
        consent=named.consent.strip(),
    )


def unsubscribe(project: Project, address: str, list_slug: str, *, as_json: bool) -> None:
    """Take one person off a list."""
    mailing_list = project.read_list(list_slug)

    async def work() -> None:
        async with open_project.open_store(project) as store:
            await subscribe.unsubscribe(store, address, mailing_list, now=now())

    run_async(work)
    _told(address, f"unsubscribed from {mailing_list.slug}", as_json=as_json)


def suppress(project: Project, address: str, evidence: str, *, as_json: bool) -> None:
    """Never mail an address again."""

    async def work() -> None:
        async with open_project.open_store(project) as store:
            await subscribe.suppress(store, address, evidence.strip(), now=now())

    run_async(work)
    _told(address, "suppressed on every list", as_json=as_json)


def unsuppress(project: Project, address: str, because: str, *, asked: bool, as_json: bool) -> None:
    """Let an address be mailed again."""
    if not because.strip() or CONTROL_CHARACTER.search(because):
        raise ProjectError("--reason is empty or holds a control character", hint="Say why, in one line.")

    async def work() -> Suppression:
        async with open_project.open_store(project) as store:
            return await subscribe.unsuppress(store, address, because.strip(), asked=asked, now=now())

    ended = run_async(work)
    if as_json:
        output.give_json(
            {
                "address": str(ended.address),
                "done": "unsuppressed",
                "reason": ended.reason.value,
                "at": ended.at.isoformat(),
                "evidence": ended.evidence,
                "lifted_at": ended.removed_at.isoformat() if ended.removed_at else "",
                "lifted_because": ended.removal_reason,
            }
        )
    else:
        output.give(f"{ended.address}: may be mailed again\n{_line_of(ended)}")


def _told(address: str, what: str, *, as_json: bool) -> None:
    if as_json:
        output.give_json({"address": address, "done": what})
    else:
        output.give(f"{address}: {what}")


def show(project: Project, address: str, *, as_json: bool) -> None:
    """Show all that is held about an address; as JSON it is the answer to a request for it (AVG 15 and 20)."""
    if as_json:
        output.give_json(_as_data(_everything(project, address)))
        return

    async def work() -> SubscriberRecord | subscribe.Stranger:
        async with open_project.open_store(project) as store:
            return await subscribe.held(store, address)

    found = run_async(work)
    if isinstance(found, subscribe.Stranger):
        now_and_then = [*([found.suppression] if found.suppression else []), *found.removed_suppressions]
        output.give("\n".join([f"{found.address} is no subscriber", *map(_line_of, now_and_then)]))
    else:
        output.give("\n".join(_lines_about(found)))


def _everything(project: Project, address: str) -> Mapping[str, list[dict[str, Any]]]:
    async def work() -> Mapping[str, list[dict[str, Any]]]:
        async with open_project.open_store(project) as store:
            return await subscribe.everything(store, address, now=now())

    return run_async(work)


def _as_data(held: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The tables as they are, after the few things about a person that there is one of."""
    known = next(iter(held["subscribers"] or held["suppressions"]), {})
    named = {"email": known.get("address", ""), "name": known.get("name", "")}
    for row in held["subscriptions"]:
        row["list"] = row["list_slug"]
    for row in held["deliveries"]:
        given = row.pop("merge_values") or {}
        row["values"] = {name: value for name, value in given.items() if value is not None}
    return {**named, "attributes": known.get("attributes", {}), **held}


def erase(project: Project, address: str, *, yes: bool, as_json: bool) -> int:
    """Erase a person, after asking; give 3 when something of them can still be read."""
    if not yes:
        output.confirm(
            f"Erase {address} and all that is held of them? It cannot be undone.", "nothing was erased"
        )

    async def work() -> ErasureResult:
        async with open_project.open_store(project) as store:
            return await subscribe.erase(store, address, clock=now)

    done = run_async(work)
    if as_json:
        data = {"rows": dict(done.rows), "erased_at": done.at, "issues": done.issues, "remains": done.remains}
        output.give_json({"address": address, **data, "complete": done.complete})
    else:
        told = ", ".join(f"{count} {table}" for table, count in sorted(done.rows.items()))
        output.give(f"{address}: erased ({told or f'nothing was left since {done.at:%Y-%m-%d}'})")
    for sentence in _left(project, done):
        output.say(sentence)
    return 0 if done.complete else output.NEEDS_ATTENTION


def _left(project: Project, done: ErasureResult) -> Iterator[str]:
    """What erasing cannot reach, for whoever promised it."""
    if done.remains:
        yield (
            f"Not everything is done: {done.remains}."
            if not done.complete
            else f"In the database: {done.remains}."
        )
    if done.issues:
        yield f"The text of {', '.join(done.issues)} names this address itself; it was published, and stays."
    yield "Look yourself at what is not in the database: the files of imports and exports, the bounce mailbox, backups."
    if project.config.relay.startswith("outbox:"):
        yield f"The messages in {project.root / project.config.relay.partition(':')[2]} name their readers too."


def _line_of(suppression: Suppression) -> str:
    said = f"{suppression.reason} since {suppression.at:%Y-%m-%d} {suppression.evidence}".rstrip()
    if suppression.removed_at is None:
        return f"  suppressed: {said}"
    return f"  was suppressed: {said}\n    lifted {suppression.removed_at:%Y-%m-%d}: {suppression.removal_reason}"


def _lines_about(person: SubscriberRecord) -> Iterator[str]:
    subscriber = person.subscriber
    yield f"{subscriber.address} ({subscriber.name})" if subscriber.name else str(subscriber.address)
    for key, value in subscriber.attributes.items():
        yield f"  {key}: {value}"
    for subscription in person.subscriptions:
        yield f"  {subscription.list_slug}: {subscription.state} since {subscription.created_at:%Y-%m-%d}"
        yield f"    consent: {subscription.consent} ({subscription.source})"
    current = [person.suppression] if person.suppression else []
    for suppression in (*current, *person.removed_suppressions):
        yield _line_of(suppression)
    for slug, delivery in person.deliveries:
        yield f"  {slug}: {delivery.state} {delivery.reply or delivery.detail}".rstrip()
        for key, value in delivery.values.items():
            yield f"    {key}: {value}"
    for slug, bounce in person.bounces:
        yield f"  {slug}: {bounce.kind} reported {bounce.at:%Y-%m-%d} {bounce.reply or ''}".rstrip()
