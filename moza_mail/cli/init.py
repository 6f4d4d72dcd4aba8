"""`moza-mail init`: create a new newsletter, asking on a terminal for missing answers."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import typer

from moza_mail.app import new_project as app
from moza_mail.app.clock import now
from moza_mail.app.new_project import ProjectAnswers
from moza_mail.cli import output
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.project import LANGUAGES


def init(folder: Path, answers: ProjectAnswers) -> None:
    """Create a project, and print its files and the next commands."""
    created = app.create(folder, _ask_all(answers, folder) if sys.stdin.isatty() else answers, now=now())
    for path in created.files:
        output.give(str(path))
    change_folder = "" if folder.resolve() == Path.cwd() else f"cd {folder}\n  "
    output.say(
        _(
            "\n{title} is ready, and has no subscribers yet. Type next:\n  {change_folder}moza-mail check {first_issue}\n  moza-mail preview\n  moza-mail send {first_issue} --dry-run\n  moza-mail doctor",
            title=created.title,
            change_folder=change_folder,
            first_issue=created.first_issue,
        )
    )


def _ask_all(answers: ProjectAnswers, folder: Path) -> ProjectAnswers:
    """Ask for every answer that is not given."""
    title = answers.title or _ask(_("What is the title of the newsletter?"), app.read_title)
    sender = answers.sender or _ask(
        _("From which mail address is it sent?"), lambda text: str(app.read_address(text))
    )
    return replace(
        answers,
        title=title,
        sender=sender,
        sender_name=answers.sender_name
        or _ask(_("Which sender name do readers see?"), app.read_title, title),
        site=answers.site
        or _ask(
            _("What is your website?"), app.read_site, app.find_site_url(folder) or app.default_site(sender)
        ),
        list_slug=answers.list_slug
        or _ask(_("A short name for its list?"), app.read_slug, app.make_slug(title)),
        language=answers.language or _ask(_("Dutch or English (nl, en)?"), app.read_language, LANGUAGES[0]),
    )


def _ask(question: str, read: Callable[[str], str], default: str | None = None) -> str:
    """Ask a question until the answer is valid."""
    while True:
        answer = typer.prompt(question, default=default, err=True)
        try:
            return read(str(answer))
        except ProjectError as error:
            output.say(f"  {output.shown(error.message)}")
