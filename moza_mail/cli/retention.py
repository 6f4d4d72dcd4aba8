"""`moza-mail privacy retention`: delete expired data, and print the counts."""

from collections.abc import Iterator

from moza_mail.app.retention import RetentionReport, delete_expired
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.project import Project

KINDS = {
    "deliveries": _("recipients of finished deliveries"),
    "bounces": _("texts of bounce reports"),
    "messages": _("messages in the bounce mailbox"),
    "confirmations": _("confirmation mails"),
    "sign_ups": _("sign-ups that were never confirmed"),
    "audit": _("entries of the audit log"),
}


def retention(project: Project, *, dry_run: bool, as_json: bool) -> int:
    """Delete expired data and print the counts; return 3 if expired data remains."""
    report = run_async(lambda: delete_expired(project, is_dry_run=dry_run))
    if as_json:
        output.give_json(report.as_data())
    else:
        output.give(_("Would be deleted:") if dry_run else _("Deleted:"))
        for kind, description in KINDS.items():
            output.give(f"  {report.deleted[kind]} {output.shown(description)}")
    for remark in _remarks(report):
        output.say(remark)
    return 0 if report.is_complete else output.NEEDS_ATTENTION


def _remarks(report: RetentionReport) -> Iterator[str]:
    if count := report.store.still_open:
        yield _(
            "{count} old deliveries are not finished and keep their address. See them: moza-mail status",
            count=count,
        )
    if report.store.remains:
        yield (
            _("In the database: {remains}.", remains=report.store.remains)
            if report.store.is_complete
            else _("Not everything is deleted: {remains}.", remains=report.store.remains)
        )
    yield from report.remarks
