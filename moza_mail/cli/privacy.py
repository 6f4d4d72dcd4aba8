"""`moza-mail privacy`: print, verify and anchor the audit log, and adopt a new secret."""

from datetime import date

from moza_mail.app import audit_log as app
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.model.audit import AuditEntry
from moza_mail.model.audit_seal import AuditCheck
from moza_mail.project import Project


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


def verify(project: Project, anchor: str, *, as_json: bool) -> int:
    """Print whether the audit log is intact; return 3 if it is not."""
    check = run_async(lambda: app.verify_audit_log(project, anchor))
    if as_json:
        output.give_json(check.to_dict())
    elif check.is_intact:
        output.give(check.describe())
        output.say(_("This check cannot show if entries after your last anchor were deleted (--anchor)."))
    report_problems(check)
    return 0 if check.is_intact else output.NEEDS_ATTENTION


def report_problems(check: AuditCheck) -> None:
    """Print the problems of an audit log, if it has any."""
    if check.is_intact:
        return
    output.say(_("The audit log was changed by another program:"))
    output.say("\n".join(f"  {problem.describe()}" for problem in check.problems))
    output.say(_("Compare it with a backup and your anchors. docs/privacy.md says what each line means."))


def anchor(project: Project, mail_to: str) -> int:
    """Print and mail the anchor of the audit log; return 3 if the log is not intact."""
    check, made = run_async(lambda: app.make_anchor(project, mail_to))
    if check.is_intact:
        output.give(str(made))
    report_problems(check)
    return 0 if check.is_intact else output.NEEDS_ATTENTION


def adopt_secret(project: Project, *, yes: bool) -> None:
    """Make the store use the configured secret, after asking."""
    if warning := run_async(lambda: app.find_secret_warning(project)):
        output.say(warning)
    if not yes:
        output.confirm(_("Continue with the secret that is set now?"), _("the secret was not adopted"))
    if run_async(lambda: app.adopt_secret(project)):
        output.give(_("The store uses the secret that is set now, and the audit log was sealed again."))
    else:
        output.give(_("The secret that is set is the store's own secret already. Nothing was changed."))
