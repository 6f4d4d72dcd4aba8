"""Make the next issue from the last one, with empty sections and the agenda carried over."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from moza_mail.edit.agenda import CarriedAgenda, carry_over_agenda
from moza_mail.edit.redate import format_date, redate, renumber
from moza_mail.edit.source_map import MARKER, SectionSource, SourceMap, map_source
from moza_mail.errors import IssueError, MailingError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Block,
    Divider,
    Event,
    Heading,
    Issue,
    ItemList,
    Paragraph,
    collect_merge_fields,
    to_plain_text,
)
from moza_mail.parse import AGENDA_HEADINGS

WEEK = timedelta(days=7)
# Marks for text and dates that the author must fill in. The check rule `placeholder` reports marks that are left.
MARKS = {"nl": ("[tekst]", "[datum]")}
OTHER_MARKS = ("[text]", "[date]")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
NEEDS_QUOTES = re.compile(r"[:#'\"{}\[\]&*!|>%@`\\]|^[-?]")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextIssueSettings:
    """The day and language of the next issue, and the requirements of the project.

    required_events: names of events that must always be in the agenda.
    title: the pattern of titles, with `{date}` and `{week}`. If it is empty, the last title is the pattern.
    draft: mark the issue as a draft, so that it is not sent automatically.
    """

    date: date
    lang: str
    required_events: tuple[str, ...] = ()
    title: str = ""
    draft: bool = False
    agenda_headings: tuple[str, ...] = AGENDA_HEADINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class NextIssue:
    """The text of the next issue, and what happened to the events of the last agenda.

    passed: events that ended between the last issue and the day of the new one.
    kept: events in the new agenda.
    undated: past events that stay in the agenda, because their next date must be filled in.
    """

    text: str
    title: str
    date: date
    passed: tuple[Event, ...]
    kept: tuple[Event, ...]
    undated: tuple[Event, ...]


def next_issue_date(last: date, weekday: int | None = None) -> date:
    """Return the day a week after the last issue, moved to the nearest day on `weekday`.

    weekday: 0 is Monday. None keeps the weekday of the last issue.
    """
    day = last + WEEK
    if weekday is None:
        return day
    ahead = (weekday - day.weekday()) % 7
    return day + timedelta(days=ahead if ahead <= 3 else ahead - 7)


def make_next_issue(last: Issue, text: str, settings: NextIssueSettings) -> NextIssue:
    """Return the text of the issue that follows `last`, and what happened to each event.

    text: the text from which `last` was parsed.

    Raises MailingError if the new date is not later than the date of `last`. Raises IssueError if two keys of
    the front matter are on one line.
    """
    if settings.date <= last.date:
        raise MailingError(
            _(
                "the next issue cannot have the date {date}, because {source} has {last}",
                date=str(settings.date),
                source=last.source,
                last=str(last.date),
            ),
            hint=_("Give a later day with --date, or name the issue to follow with --from."),
        )
    source = map_source(text, last, settings.agenda_headings)
    date_mark = _marks(settings.lang)[1]
    carried = carry_over_agenda(last, source, settings.date, settings.required_events, date_mark)
    title = _make_title(last, settings)
    rows = [*_write_front_matter(source, last, settings, title), *_write_body(source, carried, settings)]
    line_ending = "\r\n" if "\r\n" in text else "\n"
    return NextIssue(
        text=line_ending.join(rows) + line_ending,
        title=title,
        date=settings.date,
        passed=tuple(event for event in carried.dropped if event.dates[-1] >= last.date),
        kept=carried.kept,
        undated=carried.undated,
    )


def next_file_stem(stem: str, last: date, new: date, lang: str) -> str:
    """Return the stem of the new issue's file name, with the date written as in the last name."""
    if ISO_DATE.search(stem):
        return ISO_DATE.sub(new.isoformat(), stem, count=1)
    # `14-januari-2026` is a date in words with hyphens for spaces.
    redated = redate(stem.replace("-", " "), last, new, lang).replace(" ", "-")
    return redated if redated != stem else new.isoformat()


def _marks(lang: str) -> tuple[str, str]:
    return MARKS.get(lang.partition("-")[0].lower(), OTHER_MARKS)


def _make_title(last: Issue, settings: NextIssueSettings) -> str:
    if settings.title:
        week = str(settings.date.isocalendar().week)
        title = settings.title.replace("{date}", format_date(settings.date, settings.lang))
        return title.replace("{week}", week)
    return renumber(redate(last.title, last.date, settings.date, settings.lang), settings.date)


def _write_front_matter(source: SourceMap, last: Issue, settings: NextIssueSettings, title: str) -> list[str]:
    """Return the rows of the front matter. Most keys stay as typed; see `_write_key`."""
    starts = [rows.start for rows in source.keys.values()]
    if len(set(starts)) < len(starts):
        raise IssueError(
            _("two keys of the front matter are on one line"),
            source=last.source,
            line=min(starts) + 1,
            quoted=source.rows[min(starts)],
            hint=_("Put each key on a line of its own, then make the next issue."),
        )
    out = list(source.rows[: min(starts)])
    for key, span in sorted(source.keys.items(), key=lambda found: found[1].start):
        rows = list(source.rows[span.start : span.stop])
        out += _write_key(key, rows, last, replace(settings, title=title))
    if settings.draft:
        out.append("draft: true")
    return [*out, *source.rows[source.body - 1 : source.body]]


def _write_key(key: str, rows: list[str], last: Issue, settings: NextIssueSettings) -> list[str]:
    """Return the rows of one front matter key for the new issue, with the comments below it."""
    comments = [row for row in rows[1:] if row.lstrip().startswith("#")]
    match key:
        case "title":
            return [_replace_value(rows[0], "title", last.title, settings.title), *comments]
        case "date":
            return [_move_date(rows[0], last, settings), *comments]
        case "send_at":
            return [_move_date(rows[0], last, settings), *rows[1:]]
        case "subject":
            redated = redate(last.subject, last.date, settings.date, settings.lang)
            has_date = redated != last.subject
            return [
                _replace_value(rows[0], key, last.subject, redated) if has_date else "subject:",
                *comments,
            ]
        case "summary":
            return ["summary:", *comments]
        case "slug":
            redated = next_file_stem(last.slug, last.date, settings.date, settings.lang)
            has_date = redated != settings.date.isoformat() or bool(ISO_DATE.search(last.slug))
            return [_replace_value(rows[0], key, last.slug, redated), *comments] if has_date else comments
        case "draft":
            return comments
        case _:
            return rows


def _replace_value(row: str, key: str, old: str, new: str) -> str:
    """Replace the value in a row of front matter, in the same quotes if possible."""
    if old and row.count(old) == 1 and not NEEDS_QUOTES.search(new.replace(old, "")) and "\\" not in row:
        return row.replace(old, new)
    return f"{key}: {json.dumps(new, ensure_ascii=False) if NEEDS_QUOTES.search(new) else new}"


def _move_date(row: str, last: Issue, settings: NextIssueSettings) -> str:
    """Move the first date in a row by the number of days between the two issues."""
    days = settings.date - last.date

    def move_iso(found: re.Match[str]) -> str:
        return (date(int(found[1]), int(found[2]), int(found[3])) + days).isoformat()

    def move_dutch(found: re.Match[str]) -> str:
        return (date(int(found[3]), int(found[2]), int(found[1])) + days).strftime("%d-%m-%Y")

    moved = re.sub(r"(\d{4})-(\d{2})-(\d{2})", move_iso, row, count=1)
    return moved if moved != row else re.sub(r"(\d{1,2})-(\d{1,2})-(\d{4})", move_dutch, row, count=1)


def _write_body(source: SourceMap, carried: CarriedAgenda, settings: NextIssueSettings) -> list[str]:
    """Return the rows of the body: empty sections, the agenda, and the link references in use."""
    out: list[str] = []
    for section in source.sections:
        rows = carried.rows[id(section)] if section.is_agenda else _empty_section(source, section, settings)
        if rows:
            out += ["", *rows]
    used = {name.upper() for row in out for name in re.findall(r"\[([^\]]+)\]", row)}
    agendas = [range(s.rows.start + 1, source.stop_of(s)) for s in source.sections if s.is_agenda]
    references = [
        row
        for name, span in source.references.items()
        if name in used and not any(span.start in agenda for agenda in agendas)
        for row in source.rows[span.start : span.stop]
    ]
    return [*out, "", *references] if references else out


def _empty_section(source: SourceMap, section: SectionSource, settings: NextIssueSettings) -> list[str]:
    """Return the headings of a section, with a mark below each where the author must write.

    The last divider of the section stays.
    """
    text_mark = _marks(settings.lang)[0]
    pieces: list[list[str]] = []
    if section.heading:
        pieces.append(list(source.rows[section.rows.start : section.rows.stop]))
    needs_mark = True
    for block, span in section.blocks:
        rows = list(source.rows[span.start : span.stop])
        if isinstance(block, Heading):
            pieces.append(rows)
            needs_mark = True
        elif not section.heading and _is_salutation(block):
            pieces.append(rows)
        elif needs_mark and not isinstance(block, Divider):
            pieces += [[_empty_item(rows)]] if isinstance(block, ItemList) else [[text_mark]]
            needs_mark = False
    if section.blocks and isinstance(section.blocks[-1][0], Divider) and section.heading:
        span = section.blocks[-1][1]
        pieces.append(list(source.rows[span.start : span.stop]))
    return [row for number, rows in enumerate(pieces) for row in ([""] if number else []) + rows]


def _empty_item(rows: Sequence[str]) -> str:
    """Return an empty item with the bullet of the list.

    moza-mail check reports an item that stays empty.
    """
    found = MARKER.match(rows[0])
    return f"{found.group() if found else '*'} "


def _is_salutation(block: Block) -> bool:
    """Return True for a salutation such as `Beste {{ name }},`, which stays in every issue."""
    return (
        isinstance(block, Paragraph)
        and to_plain_text(block.inlines).rstrip().endswith(",")
        and any(collect_merge_fields(block.inlines))
    )
