"""`moza-mail privacy`: print and verify the audit log, and adopt a new secret."""

from datetime import date

from moza_mail.app import audit_log as app
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.model.audit import AuditEntry
from moza_mail.project import Project

LOST = _(
    "With another secret, the unsubscribe links in mails that were sent stop working, bounces of those mails are not"
    " recognised, and an import can bring back people who were erased."
)


def audit(project: Project, address: str, since: date | None, *, as_json: bool) -> None:
    """Print the audit log, oldest first, or its entries about one address."""

    async def work() -> None:
        async for entry in app.read_audit_log(project, address, since):
            if as_json:
                output.give_json_line(entry.to_dict())
            else:
                output.give(_line(entry))

    run_async(work)


def _line(entry: AuditEntry) -> str:
    parts = [
        f"subscriber {entry.subscriber_id}" if entry.subscriber_id is not None else "",
        f"address {entry.address_hash}" if entry.address_hash else "",
        f"mailing {entry.mailing_id}" if entry.mailing_id is not None else "",
        f"list {entry.list_slug}" if entry.list_slug else "",
    ]
    about = ", ".join(filter(None, parts))
    line = f"{entry.occurred_at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.action}  {about}"
    return f"{line}: {entry.detail}" if entry.detail else line


def verify(project: Project, *, as_json: bool) -> int:
    """Print whether the audit log is intact; return 3 if it is not."""
    check = run_async(lambda: app.verify_audit_log(project))
    if as_json:
        output.give_json({"intact": check.is_intact, "last": check.entry_id, "seal": check.seal})
    elif check.is_intact:
        output.give(
            _(
                "The audit log is intact: {entry_id} entries, the last with the seal {seal}.",
                entry_id=check.entry_id,
                seal=check.seal or _("none"),
            )
        )
        output.say(_("Keep that line elsewhere: only it shows whether entries were cut off at the end."))
    else:
        output.give(
            _(
                "The audit log is not intact: entry {entry_id} does not follow the one before it.",
                entry_id=check.entry_id,
            )
        )
        output.say(
            _("An entry was changed, deleted or inserted by another program. Compare it with a backup.")
        )
    return 0 if check.is_intact else output.NEEDS_ATTENTION


def adopt_secret(project: Project, *, yes: bool) -> None:
    """Make the store use the configured secret, after asking."""
    output.say(LOST)
    if not yes:
        output.confirm(_("Continue with the secret that is set now?"), _("the secret was not adopted"))
    if run_async(lambda: app.adopt_secret(project)):
        output.give(_("The store continues with another secret."))
    else:
        output.give(_("It is the store's own secret: nothing was changed."))
