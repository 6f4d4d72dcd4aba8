"""`moza-mail privacy`: the audit trail and the secret."""

from datetime import UTC, date, datetime, time

from moza_mail.app import open_project
from moza_mail.app.clock import now
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.model.address import Address
from moza_mail.model.audit import AuditCheck, Entry
from moza_mail.project import Project


def audit(project: Project, address: str, since: date | None, *, as_json: bool) -> None:
    """Print the trail, oldest first, or what of it is about one address."""
    about = Address.parse(address, international=True) if address else None
    start = datetime.combine(since, time(tzinfo=UTC)) if since else None

    async def work() -> None:
        async with open_project.open_store(project) as store:
            async for entry in store.audit_log.iter_entries(about, start):
                output.give_json_line(entry.as_data()) if as_json else output.give(line(entry))

    run_async(work)


def line(entry: Entry) -> str:
    """One entry for a person's eye."""
    subject = [
        f"subscriber {entry.subscriber}" if entry.subscriber is not None else "",
        f"address {entry.pseudonym}" if entry.pseudonym else "",
        f"mailing {entry.mailing}" if entry.mailing is not None else "",
        f"list {entry.list_slug}" if entry.list_slug else "",
    ]
    told = ", ".join(part for part in subject if part)
    shown = f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.act}  {told}"
    return f"{shown}: {entry.detail}" if entry.detail else shown


def verify(project: Project, *, as_json: bool) -> int:
    """Say whether the trail is whole; give the exit code."""

    async def work() -> AuditCheck:
        async with open_project.open_store(project) as store:
            return await store.audit_log.verify()

    check = run_async(work)
    holds, last, seal = check.is_intact, check.entry_id, check.seal
    if as_json:
        output.give_json({"holds": holds, "last": last, "seal": seal})
    elif holds:
        output.give(
            f"The audit trail is whole: {last} entries were written, the last with the seal {seal or 'none'}."
        )
        output.say("Keep that line elsewhere: entries cut off from the end are missed by it alone.")
    else:
        output.give(f"The audit trail is not whole: entry {last} does not follow from the one before it.")
        output.say(
            "An entry was changed, taken out or put in behind moza-mail's back. Compare it with a backup."
        )
    return 0 if holds else output.NEEDS_ATTENTION


LOST = (
    "With another secret, the unsubscribe links that were mailed no longer work, reports about messages that were sent are not"
    " recognised, and an import can bring back who was erased before."
)


def adopt_secret(project: Project, *, yes: bool) -> None:
    """Go on with the secret that is set, after asking."""
    output.say(LOST)
    if not yes:
        output.confirm("Go on with the secret that is set now?", "the secret was not adopted")

    async def work() -> bool:
        async with open_project.open_store(project, any_secret=True) as store:
            return await store.audit_log.adopt_secret(now=now())

    adopted = run_async(work)
    output.give(
        "The store goes on with another secret."
        if adopted
        else "It is the store's own secret: nothing was changed."
    )
