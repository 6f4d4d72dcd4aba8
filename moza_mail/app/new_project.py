"""Create the folder of a new newsletter from a few answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from moza_mail import edit
from moza_mail.errors import AddressError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.issue_name import issue_name
from moza_mail.project import LANGUAGES, NewProject, create_project, find_hugo_site, find_project

ZONE = ZoneInfo("Europe/Amsterdam")
SITE = re.compile(r"https?://[^\s/<>\"]+(/[^\s<>\"]*)?")
COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# Characters with a meaning in Markdown, YAML or a template. The title is written into files of all three kinds.
SPECIAL = re.compile(r"[<>{}|`*\[\]\\#:]|^[-&!%@'\"?,]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectAnswers:
    """Answers about a new newsletter. Empty answers get defaults from the other answers."""

    title: str = ""
    sender: str = ""
    sender_name: str = ""
    site: str = ""
    list_slug: str = ""
    language: str = ""
    colour: str = ""
    logo: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedProject:
    """A new project: its title, its newest issue, and the files that were written."""

    title: str
    first_issue: str
    files: Sequence[Path]


def create(folder: Path, answers: ProjectAnswers, *, now: datetime) -> CreatedProject:
    """Create the project; raise ProjectError for an answer that is missing or cannot be used."""
    project = _validate(answers, now.astimezone(ZONE).date())
    hugo = find_hugo_site(folder, project.slug)
    if hugo:
        site = answers.site or hugo.url or project.site
        project = replace(project, hugo=hugo, site=read_site(site))
    files = list(create_project(folder, project))
    created = find_project(folder)
    created.read_lists()
    newest = max(created.list_issues(), key=lambda path: issue_name(str(path)))
    return CreatedProject(
        title=project.title, first_issue=newest.relative_to(created.root).as_posix(), files=files
    )


def find_site_url(folder: Path) -> str:
    """Return the address of the website in a folder; empty if the folder has no website."""
    hugo = find_hugo_site(folder, "")
    return hugo.url if hugo else ""


def make_slug(title: str) -> str:
    """Make the slug of a list from its title: `MOZa Weekly` becomes `moza-weekly`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:63] or "nieuwsbrief"


def _validate(answers: ProjectAnswers, today: date) -> NewProject:
    required = (("--title", answers.title), ("--sender", answers.sender))
    if missing := [option for option, value in required if not value]:
        raise ProjectError(
            _("standard input is not a terminal, so {missing} must be given", missing=" and ".join(missing)),
            hint=_('For example: moza-mail init nieuwsbrief --title "Onze nieuwsbrief" --sender ADDRESS'),
        )
    title, sender = read_title(answers.title), read_address(answers.sender)
    lang = read_language(answers.language or LANGUAGES[0])
    days = (today + timedelta(days=ahead) for ahead in (0, 9, 23))
    return NewProject(
        title=title,
        sender=sender,
        sender_name=read_title(answers.sender_name or title),
        site=read_site(answers.site or default_site(str(sender))),
        slug=read_slug(answers.list_slug or make_slug(title)),
        lang=lang,
        days=tuple((day.isoformat(), edit.format_date(day, lang)) for day in days),
        colour=read_colour(answers.colour) if answers.colour else "",
        logo=answers.logo,
    )


def read_title(text: str) -> str:
    """Return a title with single spaces; raise ProjectError for an unusable title."""
    title = " ".join(text.split())
    if not title or not title.isprintable() or SPECIAL.search(title):
        raise ProjectError(
            _("{text} cannot be a title", text=f"{text!a}"), hint=_("Use letters, digits and spaces.")
        )
    return title


def read_address(text: str) -> Address:
    """Return the sender's address; raise ProjectError for a text that is not an address."""
    try:
        return Address.parse(text.strip())
    except AddressError as error:
        raise ProjectError(
            _("--sender: {message}", message=error.message), hint=_("Give one plain mail address.")
        ) from None


def read_site(text: str) -> str:
    """Return a web address; raise ProjectError for a text that is not a web address."""
    if not SITE.fullmatch(text.strip()):
        raise ProjectError(
            _("--site: {text} is not a web address", text=f"{text!a}"),
            hint=_("Write one such as --site https://www.example.org/"),
        )
    return text.strip()


def read_colour(text: str) -> str:
    """Return a colour as `#0b6e4f`; raise ProjectError for a text that is not a colour."""
    if not (found := COLOUR.fullmatch(text.strip())):
        raise ProjectError(
            _("--colour: {text} is not a colour", text=f"{text!a}"),
            hint=_('Write its six hexadecimal digits: --colour "#0b6e4f"'),
        )
    return f"#{found[1].lower()}"


def default_site(sender: str) -> str:
    """Return the web site of the sender's domain."""
    return f"https://www.{sender.rpartition('@')[2]}/"


def read_slug(text: str) -> str:
    """Return the slug of a list; raise ProjectError for a text that cannot be a slug."""
    if not SLUG.fullmatch(text.strip()):
        raise ProjectError(
            _("--list: {text} cannot be the name of a list", text=f"{text!a}"),
            hint=_("Use small letters, digits, - and _."),
        )
    return text.strip()


def read_language(text: str) -> str:
    """Return a language; raise ProjectError if no sample issue has this language."""
    if text.strip().lower() not in LANGUAGES:
        raise ProjectError(
            _("--language: the first issue exists in {languages} only", languages=" and ".join(LANGUAGES)),
            hint=_("Choose one: --language nl, or --language en"),
        )
    return text.strip().lower()
