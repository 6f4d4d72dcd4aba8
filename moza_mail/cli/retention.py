"""`moza-mail privacy retention`: what has had its time is taken away."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from moza_mail import bounces
from moza_mail.cli import talk, wires
from moza_mail.cli.bounces import KEPT_IN
from moza_mail.cli.dressing import now
from moza_mail.model.retention import Retained
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
    """Take away what has had its time and say what it was; give 3 when some of it can still be read."""
    moment, periods = now(), project.config.periods

    async def work() -> Retained:
        async with wires.opened_store(project) as store:
            return await store.rights.retain(periods, now=moment, dry_run=dry_run)

    letters, apart = _old_letters(project, periods.before("bounces", moment))
    done = wires.run(work)
    if not dry_run:
        for letter in letters:
            letter.unlink(missing_ok=True)
    taken = {**done.taken, "letters": len(letters)}
    if as_json:
        days = {kind: getattr(periods, kind) for kind in ("deliveries", "bounces", "sign_ups", "audit")}
        left = {"still_open": done.still_open, "remains": done.remains, "complete": done.complete}
        talk.give_json({"dry_run": dry_run, "days": days, "taken": taken, **left})
    else:
        talk.give("Would be taken away:" if dry_run else "Taken away:")
        for kind, what in KINDS.items():
            talk.give(f"  {taken[kind]}  {what}")
    for sentence in (*_kept(done), *apart):
        talk.say(sentence)
    return 0 if done.complete else talk.NEEDS_A_HUMAN


def _kept(done: Retained) -> Iterator[str]:
    if done.still_open:
        yield f"{done.still_open} old deliveries are still open and keep their address: moza-mail status shows them."
    if done.remains:
        yield f"{'In the database' if done.complete else 'Not everything is done'}: {done.remains}."


def _old_letters(project: Project, before: datetime) -> tuple[list[Path], list[str]]:
    """The letters that have had their time, and a sentence for a mailbox that is not ours to clear."""
    found, apart = [], []
    for source in dict.fromkeys([project.config.bounce_mailbox, f"maildir:{KEPT_IN}"]):
        old = bounces.old_letters(source, project.root, before) if source else []
        if old is None:
            apart.append("The bounce mailbox is not a Maildir of this machine: clear it by its own terms.")
        found += old or []
    return found, apart
