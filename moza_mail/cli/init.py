"""`moza-mail init`: a new newsletter's folder, from a few questions or as many flags."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from moza_mail import edit
from moza_mail.app.clock import now
from moza_mail.cli import output
from moza_mail.errors import AddressError, ProjectError
from moza_mail.model.address import Address
from moza_mail.project import LANGUAGES, NewProject, create_project, find_project, make_slug

ZONE = ZoneInfo("Europe/Amsterdam")
SITE = re.compile(r"https?://[^\s/<>\"]+(/[^\s<>\"]*)?")
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was given on the command line; what is empty is asked for, or follows from the rest."""

    title: str = ""
    sender: str = ""
    sender_name: str = ""
    site: str = ""
    list_slug: str = ""
    language: str = ""


def init(folder: Path, wish: Wish) -> None:
    """Write a new project and say what to type next."""
    wish = _asked(wish) if sys.stdin.isatty() else wish
    starter = _starter(wish)
    for path in create_project(folder, starter):
        output.give(str(path))
    find_project(folder).read_lists()
    here = "" if folder.resolve() == Path.cwd() else f"cd {folder}\n  "
    issue = f"issues/{starter.days[0][0]}.md"
    output.say(
        f"\n{starter.title} is ready, and can mail nobody yet. Type next:\n"
        f"  {here}moza-mail check {issue}\n"
        f"  moza-mail preview\n"
        f"  moza-mail send {issue} --dry-run\n"
        f"  moza-mail doctor"
    )


def _asked(wish: Wish) -> Wish:
    """Ask for what was not given, on a terminal alone; an answer that cannot be used is asked for again."""
    title = wish.title or _ask("What is the newsletter called?", _title)
    sender = wish.sender or _ask("From which mail address does it come?", lambda text: str(_address(text)))
    return replace(
        wish,
        title=title,
        sender=sender,
        sender_name=wish.sender_name or _ask("Which name do readers see beside it?", _title, title),
        site=wish.site or _ask("What is your website?", _site, _default_site(sender)),
        list_slug=wish.list_slug or _ask("A short name for its list?", _slug, make_slug(title)),
        language=wish.language or _ask("In Dutch or English (nl, en)?", _language, LANGUAGES[0]),
    )


def _ask(question: str, read: Callable[[str], str], default: str | None = None) -> str:
    while True:
        answer = typer.prompt(question, default=default, err=True)
        try:
            return read(str(answer))
        except ProjectError as error:
            output.say(f"  {error.message}")


def _starter(wish: Wish) -> NewProject:
    """The answers, each looked at; raise ProjectError for one that is missing or cannot be used."""
    missing = [flag for flag, value in (("--title", wish.title), ("--sender", wish.sender)) if not value]
    if missing:
        raise ProjectError(
            f"{' and '.join(missing)} must be given where nobody can be asked",
            hint='For example: moza-mail init nieuwsbrief --title "Onze nieuwsbrief" --sender redactie@example.org',
        )
    title, sender, lang = _title(wish.title), _address(wish.sender), _language(wish.language or LANGUAGES[0])
    today = now().astimezone(ZONE).date()
    return NewProject(
        title=title,
        sender=sender,
        sender_name=_title(wish.sender_name or title),
        site=_site(wish.site or _default_site(str(sender))),
        slug=_slug(wish.list_slug or make_slug(title)),
        lang=lang,
        days=tuple(_day(today + timedelta(days=ahead), lang) for ahead in (0, 9, 23)),
    )


def _day(day: date, lang: str) -> tuple[str, str]:
    return day.isoformat(), edit.format_date(day, lang)


def _title(text: str) -> str:
    shown = " ".join(text.split())
    if (
        not shown
        or not shown.isprintable()
        or re.search(r"[<>{}|`*\[\]\\#:]", shown)
        or shown[0] in "-&!%@'\"?,"
    ):
        raise ProjectError(f"{text!a} cannot be a title", hint="Use letters, digits and spaces.")
    return shown


def _address(text: str) -> Address:
    try:
        return Address.parse(text.strip())
    except AddressError as error:
        raise ProjectError(f"--sender: {error.message}", hint="Give one plain address.") from None


def _site(text: str) -> str:
    if not SITE.fullmatch(text.strip()):
        raise ProjectError(
            f"--site: {text!a} is no web address", hint="Such as --site https://www.example.org/"
        )
    return text.strip()


def _default_site(sender: str) -> str:
    return f"https://www.{sender.rpartition('@')[2]}/"


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text.strip()):
        raise ProjectError(f"--list: {text!a} cannot name a list", hint="Use small letters, digits, - and _.")
    return text.strip()


def _language(text: str) -> str:
    if text.strip().lower() not in LANGUAGES:
        raise ProjectError(
            f"--language: there is a first issue in {' and '.join(LANGUAGES)}",
            hint="Give --language nl or en.",
        )
    return text.strip().lower()
