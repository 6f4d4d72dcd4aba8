"""`moza-mail privacy retention`: delete expired data, and print what was deleted."""

from collections.abc import Iterator

from moza_mail.app.retention import RetentionReport, delete_expired
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.project import Project

KINDS = {
    "deliveries": "recipients of finished deliveries",
    "bounces": "texts of bounce reports",
    "messages": "messages in the bounce mailbox",
    "confirmations": "confirmation mails",
    "sign_ups": "sign-ups that were never confirmed",
    "audit": "entries of the audit log",
}


def retention(project: Project, *, dry_run: bool, as_json: bool) -> int:
    """Delete expired data and print what was deleted; return 3 if some of it can still be read."""
    report = run_async(lambda: delete_expired(project, is_dry_run=dry_run))
    if as_json:
        output.give_json(report.as_data())
    else:
        output.give("Would be deleted:" if dry_run else "Deleted:")
        for kind, description in KINDS.items():
            output.give(f"  {report.deleted[kind]} {description}")
    for remark in _remarks(report):
        output.say(remark)
    return 0 if report.is_complete else output.NEEDS_ATTENTION


def _remarks(report: RetentionReport) -> Iterator[str]:
    if count := report.store.still_open:
        yield f"{count} old deliveries are not finished and keep their address. See them: moza-mail status"
    if report.store.remains:
        prefix = "In the database" if report.store.is_complete else "Not everything is deleted"
        yield f"{prefix}: {report.store.remains}."
    yield from report.remarks
