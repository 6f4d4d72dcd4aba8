"""`moza-mail backup` and `restore`."""

from pathlib import Path

from moza_mail.app import backup as app
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


def backup(project: Project, file: Path) -> None:
    """Back up the store, and print what the backup does not contain."""
    run_async(lambda: app.back_up(project, file.absolute()))
    output.say(
        _(
            "The backup is in {file}. It does not contain the secret: keep a copy of subscribers/secret in another place. Anyone with both can make the links of any subscriber.",
            file=str(file),
        )
    )


def restore(project: Project, file: Path, *, needs_answer: bool) -> None:
    """Restore a backup, and print the period of which the store has no record."""
    if needs_answer:
        output.confirm(_("Replace the store with {file}?", file=str(file)), _("nothing was changed"))
    done = run_async(lambda: app.restore(project, file.absolute()))
    if done.old_store:
        output.say(_("The earlier store was moved to {file}.", file=str(done.old_store)))
    output.say(
        _(
            "Restored. The store has no record of what happened between {start} UTC and {end} UTC:",
            start=f"{done.gap.start:%Y-%m-%d %H:%M}",
            end=f"{done.gap.end:%Y-%m-%d %H:%M}",
        )
    )
    output.say(_("  {count} messages may have been sent since; they are uncertain now", count=done.uncertain))
    output.say(
        _(
            "  sign-ups, unsubscriptions, bounces and erasures of that time are lost; enter again those that you know"
        )
    )
    output.say(
        _(
            "Nothing is sent until you record what was sent in that time: moza-mail settle --log FILE, or moza-mail settle --assume-sent-until TIME"
        )
    )
