"""The issue that follows another: its front matter for the new day, its headings without their text, its agenda carried over."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from moza_mail import parse
from moza_mail.edit.agenda import Carried, carried
from moza_mail.edit.redate import format_date, redate, renumber
from moza_mail.edit.source_map import SectionSource, SourceMap
from moza_mail.edit.source_map import map_source as layout_of
from moza_mail.errors import IssueError, MailingError
from moza_mail.model.issue import Block, Divider, Event, Heading, Issue, ItemList, Paragraph, to_plain_text
from moza_mail.model.issue import collect_merge_fields as fields_in

WEEK = timedelta(days=7)
# What waits for its text, in words that check finds (the rule `placeholder`), so that no reader gets them.
MARKS = {"nl": ("[tekst]", "[datum]")}
OTHER_MARKS = ("[text]", "[date]")
ISO_STEM = re.compile(r"\d{4}-\d{2}-\d{2}")
SPECIAL = re.compile(r"[:#'\"{}\[\]&*!|>%@`\\]|^[-?]")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextIssueSettings:
    """How the next issue is to be made: for which day, in what language, and what the programme asks.

    `standing` are names that always have a date in the agenda. `title` is the pattern of titles, with `{date}` and
    `{week}`; without one it is learned from the last title. `draft` says to mark the issue as one, because it would
    otherwise be mailed by itself.
    """

    date: date
    lang: str
    required_events: tuple[str, ...] = ()
    title: str = ""
    draft: bool = False
    agenda_headings: tuple[str, ...] = parse.AGENDA_HEADINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class NextIssue:
    """The next issue: its text and title, and what became of each event of the last one's agenda.

    `passed` took place since the last issue or does so on the day of the new one, `kept` goes along, `unset` are the
    standing entries whose next date must be asked for.
    """

    text: str
    title: str
    date: date
    passed: tuple[Event, ...]
    kept: tuple[Event, ...]
    undated: tuple[Event, ...]


def next_issue_date(last: date, weekday: int | None = None) -> date:
    """A week after the last issue, or the day of the list's slot (0 is Monday) that is nearest to it."""
    day = last + WEEK
    if weekday is None:
        return day
    ahead = (weekday - day.weekday()) % 7
    return day + timedelta(days=ahead if ahead <= 3 else ahead - 7)


def make_next_issue(last: Issue, text: str, terms: NextIssueSettings) -> NextIssue:
    """The issue that follows `last`, whose file holds `text`; raises IssueError and MailingError."""
    if terms.date <= last.date:
        raise MailingError(
            f"the next issue cannot be of {terms.date}: {last.source} is of {last.date}",
            hint="Give a later day with --date, or name the issue to follow with --from.",
        )
    layout = layout_of(text, last, terms.agenda_headings)
    date_mark = _marks(terms.lang)[1]
    found = carried(last, layout, terms.date, terms.required_events, date_mark)
    title = _title(last, terms)
    rows = [*_front(layout, last, terms, title), *_body(layout, found, terms)]
    ends = "\r\n" if "\r\n" in text else "\n"
    return NextIssue(
        text=ends.join(rows) + ends,
        title=title,
        date=terms.date,
        passed=tuple(event for event in found.dropped if event.dates[-1] >= last.date),
        kept=found.kept,
        undated=found.unset,
    )


def next_file_stem(stem: str, last: date, new: date, lang: str) -> str:
    """The name of the new issue's file, without its ending, by that of the last one."""
    if ISO_STEM.search(stem):
        return ISO_STEM.sub(new.isoformat(), stem, count=1)
    # 14-januari-2026: the same day in words, with hyphens for spaces.
    spoken = redate(stem.replace("-", " "), last, new, lang).replace(" ", "-")
    return spoken if spoken != stem else new.isoformat()


def _marks(lang: str) -> tuple[str, str]:
    return MARKS.get(lang.partition("-")[0].lower(), OTHER_MARKS)


def _title(last: Issue, terms: NextIssueSettings) -> str:
    if terms.title:
        week = str(terms.date.isocalendar().week)
        return terms.title.replace("{date}", format_date(terms.date, terms.lang)).replace("{week}", week)
    return renumber(redate(last.title, last.date, terms.date, terms.lang), terms.date)


def _front(layout: SourceMap, last: Issue, terms: NextIssueSettings, title: str) -> list[str]:
    """The front matter for the new issue; a key that says nothing of one issue alone stays as typed."""
    starts = [rows.start for rows in layout.keys.values()]
    if len(set(starts)) < len(starts):
        raise IssueError(
            "two keys of the front matter stand on one line",
            source=last.source,
            line=min(starts) + 1,
            quoted=layout.rows[min(starts)],
            hint="Give each key a line of its own, and make the next issue then.",
        )
    first = min(starts)
    out = list(layout.rows[:first])
    for key, span in sorted(layout.keys.items(), key=lambda found: found[1].start):
        rows = list(layout.rows[span.start : span.stop])
        out += _key(key, rows, last, replace(terms, title=title))
    if terms.draft:
        out.append("draft: true")
    return [*out, *layout.rows[layout.body - 1 : layout.body]]


def _key(key: str, rows: list[str], last: Issue, terms: NextIssueSettings) -> list[str]:
    """The rows of one key for the new issue; those of comments below it stay."""
    comments = [row for row in rows[1:] if row.lstrip().startswith("#")]
    match key:
        case "title":
            return [_said(rows[0], "title", last.title, terms.title), *comments]
        case "date":
            return [_redated(rows[0], last, terms), *comments]
        case "send_at":
            return [_redated(rows[0], last, terms), *rows[1:]]
        case "subject":
            again = redate(last.subject, last.date, terms.date, terms.lang)
            kept = again != last.subject
            return [_said(rows[0], key, last.subject, again) if kept else "subject:", *comments]
        case "summary":
            return ["summary:", *comments]
        case "slug":
            again = next_file_stem(last.slug, last.date, terms.date, terms.lang)
            named = again != terms.date.isoformat() or ISO_STEM.search(last.slug)
            return [_said(rows[0], key, last.slug, again), *comments] if named else comments
        case "draft":
            return comments
        case _:
            return rows


def _said(row: str, key: str, old: str, new: str) -> str:
    """A row of front matter with another value, quoted as it was."""
    if old and row.count(old) == 1 and not SPECIAL.search(new.replace(old, "")) and "\\" not in row:
        return row.replace(old, new)
    return f"{key}: {json.dumps(new, ensure_ascii=False) if SPECIAL.search(new) else new}"


def _redated(row: str, last: Issue, terms: NextIssueSettings) -> str:
    """A row with the date of the issue, or one so many days from it, moved along."""
    days = terms.date - last.date

    def iso(found: re.Match[str]) -> str:
        return (date(int(found[1]), int(found[2]), int(found[3])) + days).isoformat()

    def dutch(found: re.Match[str]) -> str:
        return (date(int(found[3]), int(found[2]), int(found[1])) + days).strftime("%d-%m-%Y")

    again = re.sub(r"(\d{4})-(\d{2})-(\d{2})", iso, row, count=1)
    return again if again != row else re.sub(r"(\d{1,2})-(\d{1,2})-(\d{4})", dutch, row, count=1)


def _body(layout: SourceMap, found: Carried, terms: NextIssueSettings) -> list[str]:
    """The body: every heading with a place to write below it, and the agenda."""
    out: list[str] = []
    for part in layout.parts:
        rows = found.rows[id(part)] if part.is_agenda else _emptied(layout, part, terms)
        if rows:
            out += ["", *rows]
    kept = {word.upper() for row in out for word in re.findall(r"\[([^\]]+)\]", row)}
    inside = [part.rows for part in layout.parts if part.is_agenda]
    apart = [
        row
        for name, span in layout.apart.items()
        if name in kept and not any(rows.start < span.start < _end(layout, rows) for rows in inside)
        for row in layout.rows[span.start : span.stop]
    ]
    return [*out, "", *apart] if apart else out


def _end(layout: SourceMap, rows: range) -> int:
    """Where the part that begins with these rows ends."""
    later = [part.rows.start for part in layout.parts if part.rows.start > rows.start]
    return min(later, default=len(layout.rows))


def _emptied(layout: SourceMap, part: SectionSource, terms: NextIssueSettings) -> list[str]:
    """The headings of a section, each with a place to write, and the line across at its end."""
    text_mark = _marks(terms.lang)[0]
    pieces: list[list[str]] = []
    if part.heading:
        pieces.append(list(layout.rows[part.rows.start : part.rows.stop]))
    waits = True
    for block, span in part.blocks:
        rows = list(layout.rows[span.start : span.stop])
        if isinstance(block, Heading):
            pieces.append(rows)
            waits = True
        elif not part.heading and _is_salutation(block):
            pieces.append(rows)
        elif waits and not isinstance(block, Divider):
            pieces += [[_place(rows)]] if isinstance(block, ItemList) else [[text_mark]]
            waits = False
    if part.blocks and isinstance(part.blocks[-1][0], Divider) and part.heading:
        span = part.blocks[-1][1]
        pieces.append(list(layout.rows[span.start : span.stop]))
    return [row for number, rows in enumerate(pieces) for row in ([""] if number else []) + rows]


def _place(rows: Sequence[str]) -> str:
    """An item to be written, with the mark that the list had: an empty one is found by check."""
    found = re.match(r"\s*(?:[*+-]|\d{1,9}[.)])", rows[0])
    return f"{found.group() if found else '*'} "


def _is_salutation(block: Block) -> bool:
    """`Beste {{ name | default("lezer") }},` above the first heading is of every week."""
    return (
        isinstance(block, Paragraph)
        and to_plain_text(block.inlines).rstrip().endswith(",")
        and any(fields_in(block.inlines))
    )
