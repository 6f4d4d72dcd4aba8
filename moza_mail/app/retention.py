"""Delete personal data that has expired: in the store, and in the bounce mailbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from moza_mail import bounces
from moza_mail.app.clock import now
from moza_mail.app.open_project import mailbox_access, open_store
from moza_mail.app.process_bounces import PIPED_FOLDER
from moza_mail.errors import MailboxError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.retention import RetentionResult
from moza_mail.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """Counts of the deleted data by kind, and remarks about data that stays.

    days: the retention period of each kind.
    messages_kept: the number of expired messages that stay in the mailbox.
    remarks: sentences about messages that stay in the mailbox, with the reason.
    has_reached_mailbox: False if the mailbox's server could not be reached.
    """

    is_dry_run: bool
    days: Mapping[str, int]
    deleted: Mapping[str, int]
    store: RetentionResult
    messages_kept: int
    remarks: Sequence[str]
    has_reached_mailbox: bool

    @property
    def is_complete(self) -> bool:
        """True if the mailbox was reached, and the store has nothing left to overwrite."""
        return self.store.is_complete and self.has_reached_mailbox

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "dry_run": self.is_dry_run,
            "days": dict(self.days),
            "deleted": dict(self.deleted),
            "still_open": self.store.still_open,
            "remains": self.store.remains,
            "complete": self.is_complete,
            "messages_left": self.messages_kept,
            "remarks": list(self.remarks),
        }


async def delete_expired(project: Project, *, is_dry_run: bool) -> RetentionReport:
    """Delete data older than the project's retention periods; with `is_dry_run` only count it."""
    moment, periods = now(), project.config.retention_periods
    before = periods.before("bounces", moment)
    # Find the files first: a message that expires while the store is cleaned is left for the next run.
    files = _find_expired_files(project, before)
    async with open_store(project) as store:
        result = await store.retention.delete_expired(periods, now=moment, dry_run=is_dry_run)
        is_intact = (await store.audit_log.verify()).is_intact
    if not is_dry_run:
        for file in files:
            file.unlink(missing_ok=True)
    cleared, remarks, has_reached = _clear_mailbox(project, before, is_dry_run=is_dry_run)
    if not is_intact:
        remarks.append(
            _(
                "The audit log was changed by another program, so none of its entries was deleted. See what was changed: moza-mail privacy audit --verify"
            )
        )
    kinds = ("deliveries", "bounces", "sign_ups", "audit")
    return RetentionReport(
        is_dry_run=is_dry_run,
        days={kind: getattr(periods, kind) for kind in kinds},
        deleted={**result.changed, "messages": len(files) + cleared.deleted},
        store=result,
        messages_kept=sum(cleared.kept.values()),
        remarks=remarks,
        has_reached_mailbox=has_reached,
    )


def _find_expired_files(project: Project, before: datetime) -> list[Path]:
    """Return the files of expired messages in the project's Maildirs."""
    sources = dict.fromkeys([project.config.bounce_mailbox, f"maildir:{PIPED_FOLDER}"])
    return [file for source in sources for file in bounces.find_processed_files(source, project.root, before)]


def _clear_mailbox(
    project: Project, before: datetime, *, is_dry_run: bool
) -> tuple[bounces.ClearingResult, list[str], bool]:
    """Delete expired messages from a mailbox that is not a Maildir.

    Returns the result, remarks for a person, and a flag that is False if the mailbox could not be reached.
    """
    source = project.config.bounce_mailbox
    if source.startswith("mbox:"):
        remark = _(
            "moza-mail never changes {source}: processed messages stay in it until you delete them.",
            source=source,
        )
        return bounces.ClearingResult(), [remark], True
    if not bounces.is_imap_url(source):
        return bounces.ClearingResult(), [], True
    try:
        cleared = bounces.delete_processed_messages(
            source, mailbox_access(project), before, dry_run=is_dry_run
        )
    except (MailboxError, ProjectError) as error:
        return (
            bounces.ClearingResult(),
            [_("No message was deleted from the mailbox: {reason}.", reason=error.message)],
            False,
        )
    remarks: list[str] = [
        _(
            "{count} messages from before {date} {why}: they stay until you delete them.",
            count=count,
            date=f"{before:%Y-%m-%d}",
            why=why,
        )
        for why, count in cleared.kept.items()
    ]
    return cleared, remarks, True
