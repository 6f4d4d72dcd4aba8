"""Parse an issue: front matter, Markdown, sections and agenda, in that order."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from types import MappingProxyType

from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.agenda_headings import AGENDA_HEADINGS
from moza_mail.model.date_problem import DateProblem, WrongWeekday
from moza_mail.model.issue import (
    Issue,
    Section,
    collect_merge_fields,
)
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.issue_name import default_slug
from moza_mail.model.mailing_list import LANGUAGE_TAG
from moza_mail.model.merge_field import MergeField
from moza_mail.model.unmailable import UNMAILABLE
from moza_mail.parse import date_problems, dates, sections
from moza_mail.parse.dates import DateContext
from moza_mail.parse.front_matter import FrontMatter, read_front_matter
from moza_mail.parse.front_matter_keys import DRAFT_KEYS, KNOWN_KEYS, find_similar_key
from moza_mail.parse.markdown import IssueBody, parse_blocks
from moza_mail.parse.merge_fields import MisplacedMergeFieldError

MAX_CHARACTERS = 400_000
KEYS_WITH_MERGE_FIELDS = ("title", "subject", "summary")
HAS_DIGIT = re.compile(r"\d")
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?")


def parse_issue(
    text: str,
    source: str,
    *,
    site_url: str = "",
    agenda_headings: Sequence[str] = AGENDA_HEADINGS,
    lang: str = "nl",
) -> Issue:
    """Parse the text of an issue's file; raise IssueError with the line of each mistake.

    source: the path of the file. If the front matter has no `slug`, the name of the file (or of its page bundle) becomes the slug.
    site_url: the site for resolving relative links.
    agenda_headings: the titles that make a section an agenda.
    lang: the language of an issue that sets none.
    """
    text = normalize_line_endings(text)
    _check_characters(text, source)
    front = read_front_matter(text, source)
    body = IssueBody.after(front, site_url)
    try:
        return _parse_parts(front, body, agenda_headings, lang)
    except IssueError as error:
        IssueError.raise_together([*error.together, *_find_errors(front, body)])
        raise


def _find_errors(front: FrontMatter, body: IssueBody) -> Iterator[IssueError]:
    """Yield the errors of all keys of the front matter and of the whole body."""
    readers: tuple[Callable[[], object], ...] = (
        *(partial(front.read_text, key) for key in ("summary", "list", "theme")),
        *(front.read_title, front.read_date, front.read_draft),
        *(partial(front.read_local_time, "send_at", date.min), partial(_read_slug, front)),
        *(partial(_read_lang, front, ""), partial(_merge_fields_of, front), partial(parse_blocks, body)),
    )
    for read in readers:
        try:
            read()
        except IssueError as error:
            yield from error.together


def _parse_parts(
    front: FrontMatter, body: IssueBody, agenda_headings: Sequence[str], default_lang: str
) -> Issue:
    title, issued = front.read_title(), front.read_date()
    lang = _read_lang(front, default_lang)
    context = DateContext(issued=issued, lang=lang)
    try:
        parts = sections.divide_into_sections(parse_blocks(body), agenda_headings, context)
    except MisplacedMergeFieldError as error:
        raise body.issue_error(error.message, error.line) from None
    problems = list(_find_date_problems(body, parts, context))
    return Issue(
        title=title,
        date=issued,
        slug=_read_slug(front),
        lang=lang,
        summary=" ".join(front.read_text("summary").split()),
        subject=front.read_text("subject"),
        list_slug=front.read_text("list"),
        theme=front.read_text("theme"),
        draft=front.read_draft(),
        send_at=front.read_local_time("send_at", issued),
        sections=parts,
        merge_fields=(
            *_merge_fields_of(front),
            *(collect_merge_fields(parts) if "{{" in body.text else ()),
        ),
        source=front.source,
        title_dates=tuple(day for found in dates.find_dates(title, context) for day in found.days),
        wrong_weekdays=tuple(one for one in problems if isinstance(one, WrongWeekday)),
        date_problems=tuple(one for one in problems if isinstance(one, DateProblem)),
        similar_keys=MappingProxyType(
            {
                key: found
                for key in front.values
                if key not in KNOWN_KEYS and (found := find_similar_key(key, front.values))
            }
        ),
        extra=MappingProxyType(
            {key: value for key, value in front.values.items() if key not in KNOWN_KEYS | DRAFT_KEYS}
        ),
    )


def parse_issue_header(text: str, source: str) -> IssueHeader:
    """Parse only the front matter of an issue; raise IssueError if it cannot be read."""
    front = read_front_matter(normalize_line_endings(text), source)
    return IssueHeader(
        slug=_read_slug(front),
        title=front.read_title(),
        date=front.read_date(),
        list_slug=front.read_text("list"),
        source=source,
        draft=front.read_draft(),
        send_at=front.read_local_time("send_at", front.read_date()),
    )


def normalize_line_endings(text: str) -> str:
    """Remove a byte order mark, and make every line end a single newline."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _merge_fields_of(front: FrontMatter) -> tuple[MergeField, ...]:
    return tuple(field for key in KEYS_WITH_MERGE_FIELDS for field in front.read_merge_fields(key))


def _check_characters(text: str, source: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise IssueError(
            _(
                "the file has more than {maximum} characters, too long for a newsletter",
                maximum=MAX_CHARACTERS,
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


def _find_date_problems(
    body: IssueBody, parts: Iterable[Section], context: DateContext
) -> Iterator[WrongWeekday | DateProblem]:
    """Yield the wrong weekdays and wrong dates in the body as typed, except in code."""
    upcoming = {event.line for section in parts for event in section.events}
    agendas = _lines_of_agendas(parts, body.first_line + len(body.rows))
    is_code = False
    for line, typed in enumerate(body.rows, body.first_line):
        if typed.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        if is_code or not HAS_DIGIT.search(typed):
            continue
        row = date_problems.plain_row(typed)
        found = dates.find_dates(row, context)
        is_upcoming = line in upcoming
        for written, day in dates.find_wrong_weekdays(row, found, context, is_upcoming=is_upcoming):
            yield WrongWeekday(written=written, day=day, line=line)
        is_agenda = any(line in lines for lines in agendas)
        yield from date_problems.find_date_problems(row, found, context, line=line, is_agenda=is_agenda)


def _lines_of_agendas(parts: Iterable[Section], end: int) -> list[range]:
    sections = list(parts)
    stops = [*(section.line for section in sections[1:]), end]
    return [
        range(section.line, stop) for section, stop in zip(sections, stops, strict=False) if section.is_agenda
    ]


def _read_slug(front: FrontMatter) -> str:
    given = front.read_text("slug")
    if given:
        if not SLUG.fullmatch(given):
            raise front.issue_error(
                "slug", _("`slug` may contain only lower-case letters, digits, `-`, `_` and `.`")
            )
        return given
    return default_slug(front.source, front.read_date())


def _read_lang(front: FrontMatter, default: str) -> str:
    given = front.read_text("lang")
    if given and not re.fullmatch(LANGUAGE_TAG, given):
        raise front.issue_error(
            "lang", _("`lang` is {given!r}; write a language tag such as nl or en", given=given)
        )
    return given or default
