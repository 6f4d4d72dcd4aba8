"""The YAML between the first two `---` lines of an issue, with the line of every key."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from moza_mail.errors import IssueError
from moza_mail.i18n import Translatable, index_by_text
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import find_unmailable
from moza_mail.model.merge_field import MERGE_FIELD_EXAMPLE as FIELD_EXAMPLE
from moza_mail.model.merge_field import MergeField, MergeFieldError, split_merge_fields
from moza_mail.model.send_time import LocalDateTime, parse_time_zone

MAX_CHARACTERS = 20_000
MAX_BRACKETS = 200
FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
DUTCH_DATE = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")
ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
MOMENT = re.compile(
    r"(?:(?P<day>\d{4}-\d{2}-\d{2}|\d{1,2}-\d{1,2}-\d{4})(?:[ T]+|\s+om\s+|\s+at\s+))?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::00)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[A-Za-z][\w+/-]*)?"
)
OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
ZONED = _("It is the project's own time; for another, add its zone: 2026-01-14 09:00 Europe/Amsterdam")
EXAMPLE = _(
    "An issue begins with:\n    ---\n    title: MOZa Weekly 14 januari 2026\n    date: 2026-01-14\n    ---"
)
UNQUOTED = _("A value that begins with {{ stands between single quotes: subject: '{{ name }}, er is nieuws'")
# What PyYAML says of the mistakes that are made most.
PROBLEMS = index_by_text(
    _("mapping values are not allowed here"),
    _("could not find expected ':'"),
    _("found unexpected end of stream"),
    _("found character '\\t' that cannot start any token"),
    _("found duplicate anchor"),
    _("expected <block end>, but found '<scalar>'"),
    _("expected <block end>, but found '<block mapping start>'"),
    _("expected ',' or ']', but got '<stream end>'"),
    _("expected ',' or '}', but got '<stream end>'"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """The keys of an issue, as typed and as YAML reads them, and the body behind them.

    `words` holds the keys with a single value, `values` the others too. `lines` says where each key stands and
    `body_line` where the body begins, counted from 1.
    """

    words: Mapping[str, str]
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    body: str
    body_line: int
    source: str

    def refuse(self, key: str, message: Translatable, hint: str = "") -> IssueError:
        """The error for a key that cannot be used."""
        return IssueError(
            message,
            source=self.source,
            line=self.lines.get(key, 1),
            quoted=self.words.get(key, ""),
            hint=hint,
        )

    def word(self, key: str, default: str = "") -> str:
        """One value on one line; raise IssueError when it is a list or holds a control character."""
        if key in self.lines and key not in self.words:
            raise self.refuse(key, _("`{key}` must be one value, not a list of them", key=key), UNQUOTED)
        text = " ".join(self.words.get(key, default).split("\n")).strip()
        if found := find_unmailable(text):
            raise self.refuse(key, _("`{key}` holds a control character ({found})", key=key, found=found))
        return text

    def fields(self, key: str) -> Sequence[MergeField]:
        """The fields in a value; raise IssueError for a `{{` that begins none."""
        try:
            found = tuple(split_merge_fields(self.word(key), line=self.lines.get(key, 1)))
        except MergeFieldError as error:
            raise self.refuse(key, error.reason, FIELD_EXAMPLE) from None
        return tuple(piece for piece in found if isinstance(piece, MergeField))

    def title(self) -> str:
        """The title, without the signs that would end up as markup."""
        text = self.word("title")
        if not text:
            raise self.refuse("title", _("the front matter has no `title`"))
        if "\n" in self.words["title"].strip("\n"):
            raise self.refuse("title", _("`title` must stand on one line"))
        if "<" in text or ">" in text:
            raise self.refuse("title", _("`title` may not hold `<` or `>`"))
        return text

    def day(self) -> date:
        """The date: `2026-01-14` or `14-01-2026`."""
        text = self.word("date")
        if not text:
            raise self.refuse("date", _("the front matter has no `date`"))
        if not ISO_DATE.fullmatch(text) and not DUTCH_DATE.fullmatch(text):
            raise self.refuse(
                "date", _("`date` is {text!r}; write it as 2026-01-14 or 14-01-2026", text=text)
            )
        try:
            return _a_day(text)
        except ValueError:
            raise self.refuse("date", _("`date` is {text!r}, a day that does not exist", text=text)) from None

    def moment(self, key: str, issued: date) -> LocalDateTime | None:
        """A moment as it is written: `2026-01-14 09:00`, with a zone or an offset, or `09:00` on the day of the issue."""
        text = self.word(key)
        if not text:
            return None
        found = MOMENT.fullmatch(text)
        if not found:
            raise self.refuse(
                key, _("`{key}` is {text!r}; write it as 2026-01-14 09:00", key=key, text=text), ZONED
            )
        try:
            day = _a_day(found["day"]) if found["day"] else issued
            clock = time(int(found["hour"]), int(found["minute"]))
            where = _zone(found["zone"]) if found["zone"] else None
        except ValueError as error:
            raise self.refuse(
                key, _("`{key}` is {text!r}: {reason}", key=key, text=text, reason=_reason(error)), ZONED
            ) from None
        return LocalDateTime(day=day, time=clock, zone=where)

    def flag(self, key: str) -> bool:
        """A yes or no; absent is no."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.refuse(key, _("`{key}` must be true or false", key=key))
        return value


def _reason(error: ValueError) -> Translatable:
    """What is wrong with a moment: there is no such zone, or else no such time."""
    found = error.args[0]
    return found if isinstance(found, Translatable) else _("there is no such day or time")


def _a_day(text: str) -> date:
    """`2026-01-14` or `14-01-2026`; raise ValueError for a day that does not exist."""
    if found := ISO_DATE.fullmatch(text):
        year, month, day = found.groups()
    else:
        day, month, year = text.split("-")
    return date(int(year), int(month), int(day))


def _zone(text: str) -> tzinfo:
    """`Z`, `+01:00` or the name of a zone."""
    if text == "Z":
        return UTC
    if found := OFFSET.fullmatch(text):
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-ahead if found[1] == "-" else ahead)
    return parse_time_zone(text)


# An issue's front matter is asked for before the issue is, and once more for each of its keys.
@lru_cache(maxsize=2)
def read(text: str, source: str) -> FrontMatter:
    """Divide an issue's text in front matter and body; raise IssueError with the line of what is wrong."""
    blank = len(text) - len(text.lstrip(" \t\n"))
    opening = FENCE.match(text, blank)
    if not opening:
        raise IssueError(_("the file does not begin with front matter"), source=source, hint=EXAMPLE)
    closing = END.search(text, opening.end() + 1)
    first = text.count("\n", 0, opening.end()) + 1
    if not closing:
        raise IssueError(
            _("the front matter is not closed by a line `---`"), source=source, line=first, hint=EXAMPLE
        )
    yaml_text = text[opening.end() + 1 : closing.start()]
    # PyYAML's time grows with the square of the brackets that stand open.
    if yaml_text.count("[") + yaml_text.count("{") > MAX_BRACKETS:
        raise IssueError(_("the front matter is not YAML: too many brackets"), source=source, line=first)
    if len(yaml_text) > MAX_CHARACTERS:
        raise IssueError(
            _("the front matter is longer than {max_characters} signs", max_characters=MAX_CHARACTERS),
            source=source,
            line=first,
        )
    words, values, lines = _yaml(yaml_text, source, first)
    return FrontMatter(
        words=words,
        values=values,
        lines=lines,
        body=text[closing.end() :],
        body_line=text.count("\n", 0, closing.end()) + 1,
        source=source,
    )


def bounds(text: str) -> tuple[int, int]:
    """Where the YAML of a text that was read begins and stops."""
    opening = FENCE.match(text, len(text) - len(text.lstrip(" \t\n")))
    closing = END.search(text, opening.end() + 1) if opening else None
    return (opening.end() + 1, closing.start()) if opening and closing else (0, 0)


def _yaml(text: str, source: str, first: int) -> tuple[dict[str, str], dict[str, Any], dict[str, int]]:
    import yaml

    def refuse(message: Translatable, line: int) -> IssueError:
        rows = text.split("\n")
        quoted = rows[line] if line < len(rows) else ""
        hint = UNQUOTED if "{{" in quoted else EXAMPLE
        return IssueError(message, source=source, line=first + 1 + line, quoted=quoted, hint=hint)

    try:
        # An alias can blow up a small text into gigabytes, and no newsletter needs one.
        events = yaml.parse(text) if "*" in text else ()
        if alias := next((event for event in events if isinstance(event, yaml.AliasEvent)), None):
            raise refuse(_("front matter may not hold YAML aliases (`*name`)"), _line(alias.start_mark))
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise refuse(_("the front matter must be lines of `key: value`"), 0)
        words: dict[str, str] = {}
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in root.value:
            if key.value in lines:
                raise refuse(_("`{key}` is given twice", key=key.value), _line(key.start_mark))
            lines[str(key.value)] = first + 1 + _line(key.start_mark)
            # A day is read by our own rule, which can say what is wrong with 2026-02-30.
            dated = key.value in {"date", "send_at"} and isinstance(value, yaml.ScalarNode)
            values[str(key.value)] = value.value if dated else loader.construct_object(value, deep=True)
            if isinstance(value, yaml.ScalarNode) and value.tag != "tag:yaml.org,2002:null":
                words[str(key.value)] = value.value
            elif isinstance(value, yaml.ScalarNode):
                words[str(key.value)] = ""
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise refuse(
            _(
                "the front matter is not YAML: {problem}",
                problem=PROBLEMS.get(str(error.problem), str(error.problem)),
            ),
            _line(mark),
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise refuse(
            _("the front matter is not YAML: {problem}", problem=" ".join(str(error).split())[:120]), 0
        ) from None
    return words, values, lines


def _line(mark: Any) -> int:
    """A YAML mark's line, counted from 0; PyYAML may give none."""
    return int(mark.line) if mark else 0
