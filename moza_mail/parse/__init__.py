"""Parse: the text of an issue's file to an Issue. Every quirk of a real weekly is known here and nowhere else."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import PurePath
from types import MappingProxyType

from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import UNMAILABLE, Agenda, Issue, IssueHeader, WrongWeekday, collect_merge_fields
from moza_mail.model.merge_field import MergeField
from moza_mail.parse import dates, front_matter, markdown, sections
from moza_mail.parse.merge import Misplaced, check_merge_fields

__all__ = [
    "AGENDA_HEADINGS",
    "MAX_CHARACTERS",
    "check_merge_fields",
    "normalize_line_endings",
    "parse_issue",
    "parse_issue_header",
]

MAX_CHARACTERS = 400_000
AGENDA_HEADINGS = ("Agenda", "Events")
KNOWN = {"title", "date", "summary", "slug", "lang", "subject", "list", "theme", "draft", "send_at"}
# What may greet a reader by name; the title does so in the heading too, and as the subject when there is no other.
PERSONAL = ("title", "subject", "summary")
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def parse_issue(
    text: str,
    source: str,
    *,
    site_url: str = "",
    agenda_headings: Sequence[str] = AGENDA_HEADINGS,
    lang: str = "nl",
) -> Issue:
    """Read an issue; `source` names its file, and the file's name without ending is its slug unless it gives one.

    `site_url` is what site-relative links are resolved against, `agenda_headings` the titles that make a section the
    agenda, `lang` the language of an issue that names none (an empty one is left for the list to fill). Raises IssueError, with the line, for what cannot be read.
    """
    text = normalize_line_endings(text)
    _refuse_unreadable(text, source)
    front = front_matter.read(text, source)
    place = markdown.Place(
        source=source, first_line=front.body_line, rows=tuple(front.body.split("\n")), site_url=site_url
    )
    title, issued = front.title(), front.day()
    try:
        parts, agenda = sections.divide(markdown.blocks(front.body, place), agenda_headings, issued)
    except Misplaced as error:
        raise place.refuse(error.message, error.line) from None
    return Issue(
        title=title,
        date=issued,
        slug=_slug(front),
        lang=_lang(front, lang),
        summary=" ".join(front.word("summary").split()),
        subject=front.word("subject"),
        list_slug=front.word("list"),
        theme=front.word("theme"),
        draft=front.flag("draft"),
        send_at=front.moment("send_at", issued),
        sections=parts,
        agenda=agenda,
        merge_fields=(
            *_front_fields(front),
            *(collect_merge_fields((parts, agenda)) if "{{" in front.body else ()),
        ),
        source=source,
        title_dates=tuple(day for when in dates.find(title, issued) for day in when.days),
        wrong_weekdays=tuple(_misnamed(place, agenda, issued)),
        extra=MappingProxyType({key: value for key, value in front.values.items() if key not in KNOWN}),
    )


def _front_fields(front: front_matter.FrontMatter) -> tuple[MergeField, ...]:
    return tuple(field for key in PERSONAL for field in front.fields(key))


def parse_issue_header(text: str, source: str) -> IssueHeader:
    """Read only an issue's front matter; raise IssueError when that cannot be read."""
    read = front_matter.read(normalize_line_endings(text), source)
    return IssueHeader(
        slug=_slug(read),
        title=read.title(),
        date=read.day(),
        list_slug=read.word("list"),
        source=source,
        draft=read.flag("draft"),
        send_at=read.moment("send_at", read.day()),
    )


def normalize_line_endings(text: str) -> str:
    """A text as it is read: without a byte order mark, each line ended by a newline alone."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _refuse_unreadable(text: str, source: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise IssueError(
            _(
                "the file is longer than {max_characters} signs, too long for a newsletter",
                max_characters=MAX_CHARACTERS,
            ),
            source=source,
        )
    if found := UNMAILABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise IssueError(
            _("a control character (U+{code:04X}) cannot be mailed", code=ord(found.group())),
            source=source,
            line=line,
            quoted=UNMAILABLE.sub("�", text.split("\n")[line - 1]),
        )


def _misnamed(place: markdown.Place, agenda: Agenda | None, issued: date) -> Iterator[WrongWeekday]:
    """The body's dates with a wrong weekday; read from the rows as typed, where nothing stands between the two."""
    ahead = {event.line for event in agenda.events} if agenda else set()
    for line, row in enumerate(place.rows, place.first_line):
        for written, day in dates.misnamed(row, issued, is_ahead=line in ahead):
            yield WrongWeekday(written=written, day=day, line=line)


def _slug(front: front_matter.FrontMatter) -> str:
    given = front.word("slug")
    if given:
        if not SLUG.fullmatch(given):
            raise front.refuse("slug", _("`slug` may hold only small letters, digits, `-`, `_` and `.`"))
        return given
    stem = re.sub(r"[^a-z0-9._-]+", "-", PurePath(front.source).stem.lower()).strip("-._")[:100]
    return stem or front.day().isoformat()


def _lang(front: front_matter.FrontMatter, default: str) -> str:
    given = front.word("lang")
    if given and not LANGUAGE.fullmatch(given):
        raise front.refuse(
            "lang", _("`lang` is {given!r}; write a language tag such as nl or en", given=given)
        )
    return given or default
