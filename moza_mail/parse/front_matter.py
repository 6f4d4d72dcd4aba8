"""Read the front matter of an issue.

Front matter is YAML between the first two lines `---`, or TOML between lines `+++`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from moza_mail.errors import IssueError
from moza_mail.i18n import Translatable, index_by_text
from moza_mail.i18n import gettext as _
from moza_mail.model.issue_name import issue_name
from moza_mail.model.merge_field import (
    MERGE_FIELD_EXAMPLE,
    MergeField,
    MergeFieldError,
    split_merge_fields,
)
from moza_mail.model.send_time import LocalDateTime, parse_time_zone
from moza_mail.model.unmailable import find_unmailable
from moza_mail.parse.date_years import DayProblem
from moza_mail.parse.dates import DateContext, find_dates
from moza_mail.parse.front_matter_keys import canonical_key, is_marked_as_draft, read_flag
from moza_mail.parse.front_matter_toml import parse_toml

MAX_CHARACTERS = 20_000
MAX_BRACKETS = 200
OPENING_LINE = re.compile(r"^(?:---|\+\+\+)[ \t]*$", re.MULTILINE)
TOML_CLOSING_LINE = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
CLOSING_LINE = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
DUTCH_DATE = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")
ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
LOCAL_TIME = re.compile(
    r"(?:(?P<day>\d{4}-\d{2}-\d{2}|\d{1,2}-\d{1,2}-\d{4})(?:[ T]+|\s+om\s+|\s+at\s+))?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::00)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[A-Za-z][\w+/-]*)?"
)
FILE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
COMMENT_AS_TITLE = re.compile(r"^title:[ \t]+#", re.MULTILINE | re.IGNORECASE)
UTC_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
TIME_ZONE_HINT = _(
    "Times are in the time zone of the project; for another one, add it: 2026-01-14 09:00 Europe/Amsterdam"
)
FRONT_MATTER_EXAMPLE = _(
    "An issue begins with:\n    ---\n    title: MOZa Weekly 14 januari 2026\n    date: 2026-01-14\n    ---"
)
QUOTING_HINT = _("Put a value that begins with {{ between single quotes: subject: '{{ name }}, er is nieuws'")
# The errors of PyYAML for a value such as `!!timestamp "a"`, `!!bool "x"`, `!!int ""` or a number of 5,000 digits.
UNFIT_VALUE_ERRORS = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
# PyYAML's messages for the most common mistakes.
YAML_PROBLEMS = index_by_text(
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
    """The keys and values at the top of an issue, and the body after them.

    texts: the values as typed, for keys with a single value.
    values: the values of all keys as YAML or TOML reads them.
    lines: the line of each key, counted from 1, in the order of the file.
    yaml_start, yaml_stop: the range of characters of the file that is YAML or TOML.
    body_line: the line of the closing `---`. The body begins at the end of this line.
    """

    texts: Mapping[str, str]
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    yaml_start: int
    yaml_stop: int
    body: str
    body_line: int
    source: str
    is_toml: bool = False
    has_comment_as_title: bool = False

    def issue_error(self, key: str, message: Translatable, hint: str = "") -> IssueError:
        """Return the error for a key with an unusable value."""
        return IssueError(
            message,
            source=self.source,
            line=self.lines.get(key, 1),
            quoted=self.texts.get(key, ""),
            hint=hint,
        )

    def one_line(self, key: str) -> str:
        """Return the value of a key on one line; empty if the key is missing or has a list."""
        return " ".join(self.texts.get(key, "").split())

    def read_text(self, key: str) -> str:
        """Return a single value on one line; raise IssueError for a list or a control character."""
        if key in self.lines and key not in self.texts:
            raise self.issue_error(key, _("`{key}` must be one value, not a list", key=key), QUOTING_HINT)
        text = " ".join(self.texts.get(key, "").split("\n")).strip()
        if found := find_unmailable(text):
            raise self.issue_error(
                key, _("`{key}` contains a control character ({found})", key=key, found=found)
            )
        return text

    def read_merge_fields(self, key: str) -> Sequence[MergeField]:
        """Return the merge fields in a value.

        Raises IssueError for a `{{` that does not begin a merge field.
        """
        try:
            found = tuple(split_merge_fields(self.read_text(key), line=self.lines.get(key, 1)))
        except MergeFieldError as error:
            raise self.issue_error(key, error.reason, MERGE_FIELD_EXAMPLE) from None
        return tuple(piece for piece in found if isinstance(piece, MergeField))

    def read_title(self) -> str:
        """Return the title; raise IssueError if it is missing or contains markup."""
        text = self.read_text("title")
        if not text and self.has_comment_as_title:
            raise self.issue_error(
                "title",
                _("the value of `title` begins with `#`, so it is a comment"),
                _('Put it between quotes: title: "#12".'),
            )
        if not text:
            raise self.issue_error("title", _("the front matter has no `title`"))
        if "\n" in self.texts["title"].strip("\n"):
            raise self.issue_error("title", _("`title` must be on one line"))
        if "<" in text or ">" in text:
            raise self.issue_error("title", _("`title` may not contain `<` or `>`"))
        return text

    def read_date(self) -> date:
        """Return the date of the issue, or else the date at the beginning of the file name.

        The date can be `2026-01-14`, `14-01-2026` or `14 januari 2026`.
        """
        text = self.read_text("date")
        if not text and (in_name := FILE_DATE.match(issue_name(self.source))):
            text = in_name.group()
        if not text:
            raise self.issue_error("date", _("the front matter has no `date`"))
        try:
            return _parse_date(text) if _has_plain_date(text) else self.read_written_date(text)
        except ValueError:
            raise self.issue_error(
                "date", _("`date` is {text!r}, a day that does not exist", text=text)
            ) from None

    def read_written_date(self, text: str) -> date:
        """Return a date in words or with slashes.

        It must have a year and only one possible meaning.
        """
        context = DateContext(issued=date(2000, 1, 1), lang=self.texts.get("lang", "nl"))
        found = find_dates(text, context)
        if len(found) == 1 and found[0].has_year and not text[: found[0].start].strip(" ,"):
            if len(found[0].days) == 1:
                return found[0].days[0]
            if found[0].problem is DayProblem.NO_SUCH_DAY:
                raise ValueError(text)
        raise self.issue_error(
            "date", _("`date` is {text!r}; write it as 2026-01-14 or 14-01-2026", text=text)
        )

    def read_local_time(self, key: str, issued: date) -> LocalDateTime | None:
        """Return a date and time such as `2026-01-14 09:00 UTC`.

        A time without a date is on `issued`, the date of the issue.
        """
        text = self.read_text(key)
        if not text:
            return None
        found = LOCAL_TIME.fullmatch(text)
        if not found:
            raise self.issue_error(
                key,
                _("`{key}` is {text!r}; write it as 2026-01-14 09:00", key=key, text=text),
                TIME_ZONE_HINT,
            )
        try:
            return LocalDateTime(
                day=_parse_date(found["day"]) if found["day"] else issued,
                time=time(int(found["hour"]), int(found["minute"])),
                zone=_parse_offset_or_zone(found["zone"]) if found["zone"] else None,
            )
        except ValueError as error:
            cause = error.args[0]
            reason = cause if isinstance(cause, Translatable) else _("there is no such day or time")
            raise self.issue_error(
                key, _("`{key}` is {text!r}: {reason}", key=key, text=text, reason=reason), TIME_ZONE_HINT
            ) from None

    def read_bool(self, key: str) -> bool:
        """Return the value of a yes-or-no key; False if the key is missing."""
        value = read_flag(self.values.get(key, False))
        if value is None:
            raise self.issue_error(key, _("`{key}` must be true or false", key=key))
        return value

    def read_draft(self) -> bool:
        """Return True if a key of any website generator marks the issue as a draft."""
        return self.read_bool("draft") or is_marked_as_draft(self.values)


def _has_plain_date(text: str) -> bool:
    return bool(ISO_DATE.fullmatch(text) or DUTCH_DATE.fullmatch(text))


def _parse_date(text: str) -> date:
    if found := ISO_DATE.fullmatch(text):
        year, month, day = found.groups()
    else:
        day, month, year = text.split("-")
    return date(int(year), int(month), int(day))


def _parse_offset_or_zone(text: str) -> tzinfo:
    """Parse `Z`, `+01:00` or the name of a time zone."""
    if text == "Z":
        return UTC
    if found := UTC_OFFSET.fullmatch(text):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    return parse_time_zone(text)


# Cached because several callers read the front matter of the same text one after the other.
@lru_cache(maxsize=2)
def read_front_matter(text: str, source: str) -> FrontMatter:
    """Split the text of an issue into front matter and body.

    Raises IssueError with the line of the mistake.
    """
    blank = len(text) - len(text.lstrip(" \t\n"))
    opening = OPENING_LINE.match(text, blank)
    if not opening:
        raise IssueError(
            _("the file does not begin with front matter"), source=source, hint=FRONT_MATTER_EXAMPLE
        )
    is_toml = opening.group().startswith("+++")
    closing = (TOML_CLOSING_LINE if is_toml else CLOSING_LINE).search(text, opening.end() + 1)
    first_line = text.count("\n", 0, opening.end()) + 1
    if not closing:
        raise IssueError(
            _("the front matter is not closed by a line `---`"),
            source=source,
            line=first_line,
            hint=FRONT_MATTER_EXAMPLE,
        )
    yaml_text = text[opening.end() + 1 : closing.start()]
    # PyYAML's time grows with the square of the number of open brackets.
    if yaml_text.count("[") + yaml_text.count("{") > MAX_BRACKETS:
        raise IssueError(_("the front matter is not YAML: too many brackets"), source=source, line=first_line)
    if len(yaml_text) > MAX_CHARACTERS:
        raise IssueError(
            _("the front matter has more than {maximum} characters", maximum=MAX_CHARACTERS),
            source=source,
            line=first_line,
        )
    parse = parse_toml if is_toml else _parse_yaml
    texts, values, lines = parse(yaml_text, source, first_line)
    return FrontMatter(
        texts=texts,
        values=values,
        lines=lines,
        yaml_start=opening.end() + 1,
        yaml_stop=closing.start(),
        body=text[closing.end() :],
        body_line=text.count("\n", 0, closing.end()) + 1,
        source=source,
        is_toml=is_toml,
        has_comment_as_title=COMMENT_AS_TITLE.search(yaml_text) is not None,
    )


def _parse_yaml(
    text: str, source: str, first_line: int
) -> tuple[dict[str, str], dict[str, Any], dict[str, int]]:
    import yaml

    def error_at(message: Translatable, row: int) -> IssueError:
        rows = text.split("\n")
        quoted = rows[row] if row < len(rows) else ""
        hint = QUOTING_HINT if "{{" in quoted else FRONT_MATTER_EXAMPLE
        return IssueError(message, source=source, line=first_line + 1 + row, quoted=quoted, hint=hint)

    try:
        # An alias can expand a small text to gigabytes, and no newsletter needs one.
        events = yaml.parse(text) if "*" in text else ()
        if alias := next((event for event in events if isinstance(event, yaml.AliasEvent)), None):
            raise error_at(
                _("front matter may not contain YAML aliases (`*name`)"), _row_of(alias.start_mark)
            )
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise error_at(_("the front matter must be lines of `key: value`"), 0)
        texts: dict[str, str] = {}
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in root.value:
            if key_problem := _find_key_problem(key, lines):
                raise error_at(key_problem, _row_of(key.start_mark))
            name = canonical_key(str(key.value))
            lines[name] = first_line + 1 + _row_of(key.start_mark)
            # `read_date` parses dates, because its message for 2026-02-30 is clearer than PyYAML's.
            is_date = name in {"date", "send_at"} and isinstance(value, yaml.ScalarNode)
            values[name] = value.value if is_date else _construct_value(loader, key, value, error_at)
            if isinstance(value, yaml.ScalarNode):
                texts[name] = "" if value.tag == "tag:yaml.org,2002:null" else value.value
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        is_flat = mark is not None and _is_flat_row(text, _row_of(mark))
        if str(error.problem) == "mapping values are not allowed here" and is_flat:
            raise _unquoted_error(error_at, text, _row_of(mark)) from None
        problem = YAML_PROBLEMS.get(str(error.problem), str(error.problem))
        raise error_at(_("the front matter is not YAML: {problem}", problem=problem), _row_of(mark)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise error_at(
            _("the front matter is not YAML: {problem}", problem=" ".join(str(error).split())[:120]), 0
        ) from None
    return texts, values, lines


def _is_flat_row(text: str, row: int) -> bool:
    """Return True for a row `key: value` in which a second colon is part of the value."""
    found = text.split("\n")[row]
    return not found[:1].isspace() and found.count(": ") > 1


def _unquoted_error(error_at: Callable[[Translatable, int], IssueError], text: str, row: int) -> IssueError:
    """Return the error for a value that contains `: `, with a hint to quote it."""
    error = error_at(_("a value that contains `: ` must be between quotes"), row)
    key, _separator, value = text.split("\n")[row].partition(": ")
    if value and '"' not in value and "{{" not in value:
        error.hint = _(
            'Put the value between quotes: {key}: "{value}".', key=key.strip(), value=value.strip()
        )
    return error


def _construct_value(
    loader: Any, key: Any, node: Any, error_at: Callable[[Translatable, int], IssueError]
) -> Any:
    """Return the value of a YAML node.

    If it has no usable value, an error with the row of the node is raised.
    """
    try:
        return loader.construct_object(node, deep=True)
    except UNFIT_VALUE_ERRORS:
        message = _("the value of `{key}` cannot be read; put it between quotes", key=key.value)
        raise error_at(message, _row_of(node.start_mark)) from None


def _find_key_problem(key: Any, lines: Mapping[str, int]) -> Translatable | None:
    """Return why a YAML node cannot be a key; None if it can.

    lines: the keys that the front matter has already.
    """
    # A key that is a list or a table has nodes for its value.
    if not isinstance(key.value, str):
        return _("the front matter must be lines of `key: value`")
    return _("the key `{key}` occurs twice", key=key.value) if canonical_key(key.value) in lines else None


def _row_of(mark: Any) -> int:
    """Return the row of a YAML mark, counted from 0; 0 without a mark."""
    return int(mark.line) if mark else 0
