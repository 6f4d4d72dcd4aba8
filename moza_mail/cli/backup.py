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
    """Restore a backup, and print the period that is missing in the store."""
    if needs_answer:
        run_async(lambda: app.require_own_backup(project, file.absolute()))
        output.confirm(_("Replace the store with {file}?", file=str(file)), _("nothing was changed"))
    done = run_async(lambda: app.restore(project, file.absolute()))
    for sentence in app.describe_restore(done):
        output.say(sentence)
