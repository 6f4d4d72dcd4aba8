"""`moza-mail privacy retention`: what has had its time is taken away."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from moza_mail import bounces
from moza_mail.app import open_project
from moza_mail.app.clock import now
from moza_mail.cli import output
from moza_mail.cli.bounces import KEPT_IN
from moza_mail.cli.run import run_async
from moza_mail.errors import MailboxError, ProjectError
from moza_mail.model.retention import RetentionResult
from moza_mail.project import Project

KINDS = {
    "deliveries": "deliveries no longer name whom they went to",
    "bounces": "bounces no longer hold the words of their report",
    "letters": "letters of the bounce mailbox",
    "confirmations": "confirmation mails",
    "sign_ups": "sign-ups that were never confirmed",
    "audit": "entries of the audit trail",
}


def retention(project: Project, *, dry_run: bool, as_json: bool) -> int:
    """Take away what has had its time and say what it was; give 3 when some of it can still be read or could not be reached."""
    moment, periods = now(), project.config.retention_periods
    before = periods.before("bounces", moment)

    async def work() -> RetentionResult:
        async with open_project.open_store(project) as store:
            return await store.retention.delete_expired(periods, now=moment, dry_run=dry_run)

    letters = _old_letters(project, before)
    done = run_async(work)
    if not dry_run:
        for letter in letters:
            letter.unlink(missing_ok=True)
    cleared, apart, reached = _on_server(project, before, dry_run=dry_run)
    taken = {**done.taken, "letters": len(letters) + cleared.deleted}
    if as_json:
        days = {kind: getattr(periods, kind) for kind in ("deliveries", "bounces", "sign_ups", "audit")}
        left = {"still_open": done.still_open, "remains": done.remains, "complete": done.complete and reached}
        beyond = {"letters_left": sum(cleared.kept.values()), "not_reached": apart}
        output.give_json({"dry_run": dry_run, "days": days, "taken": taken, **left, **beyond})
    else:
        output.give("Would be taken away:" if dry_run else "Taken away:")
        for kind, what in KINDS.items():
            output.give(f"  {taken[kind]}  {what}")
    for sentence in (*_kept(done), *apart):
        output.say(sentence)
    return 0 if done.complete and reached else output.NEEDS_ATTENTION


def _kept(done: RetentionResult) -> Iterator[str]:
    if done.still_open:
        yield f"{done.still_open} old deliveries are still open and keep their address: moza-mail status shows them."
    if done.remains:
        yield f"{'In the database' if done.complete else 'Not everything is done'}: {done.remains}."


def _old_letters(project: Project, before: datetime) -> list[Path]:
    """The letters of this machine that have had their time."""
    sources = dict.fromkeys([project.config.bounce_mailbox, f"maildir:{KEPT_IN}"])
    return [
        letter for source in sources for letter in bounces.find_processed_files(source, project.root, before)
    ]


def _on_server(
    project: Project, before: datetime, *, dry_run: bool
) -> tuple[bounces.ClearingResult, list[str], bool]:
    """What was cleared of a bounce mailbox that is no Maildir, what stays in it as sentences, and whether it could be reached."""
    source = project.config.bounce_mailbox
    if source.startswith("mbox:"):
        stays = f"{source} is only ever read: what was counted stays in it, however old, until you clear it."
        return bounces.ClearingResult(), [stays], True
    if not bounces.is_imap_url(source):
        return bounces.ClearingResult(), [], True
    try:
        cleared = bounces.delete_processed_messages(
            source, open_project.mailbox_access(project), before, dry_run=dry_run
        )
    except (MailboxError, ProjectError) as error:
        return bounces.ClearingResult(), [f"No letters were taken away: {error.message}."], False
    stay = [
        f"{count} letters of before {before:%Y-%m-%d} {why}: they stay until you clear them."
        for why, count in cleared.kept.items()
    ]
    return cleared, stay, True
