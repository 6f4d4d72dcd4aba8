"""Detect the encoding of a subscriber file: UTF-8, UTF-16 or Windows-1252."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from moza_mail.errors import MozaMailError, locate
from moza_mail.i18n import gettext as _

MAX_LINE_LENGTH = 1_000_000
EXCEL_HINT = _("In Excel, save as 'CSV UTF-8 (comma delimited)'.")


class SubscriberFileError(MozaMailError):
    """The file as a whole cannot be read as a list of subscribers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEncoding:
    """The encoding of a file.

    codec: its name in Python.
    label: its name for a person.
    line_count: the number of lines in the file.
    is_guess: True if another 8-bit encoding is possible.
    """

    codec: str
    label: str
    line_count: int
    is_guess: bool = False


def detect_encoding(read: Callable[[], Iterable[bytes]], source: str) -> FileEncoding:
    """Read a whole file to detect its encoding, before any subscriber is imported.

    UTF-8 and UTF-16 can be recognised. Any other file is read as Windows-1252, which includes Latin-1. Raise
    SubscriberFileError, with the line, if the file is not text, mixes two encodings, or has an extremely long
    line.

    read: return the file from its beginning, in chunks.
    """
    first = next(iter(read()), b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return FileEncoding(codec="utf-16", label="UTF-16", line_count=_count_utf_16_lines(read(), source))
    try:
        lines = _LineCounter(source, "utf-8").count(read())
    except UnicodeDecodeError:
        lines = _count_8_bit_lines(read(), source)
        return FileEncoding(codec="cp1252", label="Windows-1252", line_count=lines, is_guess=True)
    return FileEncoding(codec="utf-8-sig", label="UTF-8", line_count=lines)


def _count_utf_16_lines(chunks: Iterable[bytes], source: str) -> int:
    counter = _LineCounter(source, "utf-16")
    try:
        return counter.count(chunks)
    except UnicodeDecodeError:
        raise SubscriberFileError(
            locate(_("the file is UTF-16, and contains half a character"), source, counter.lines),
            hint=_("The file may be cut off. Export it again."),
        ) from None


class _LineCounter:
    """Decode a file and count its lines. UnicodeDecodeError means that the encoding is wrong."""

    def __init__(self, source: str, codec: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._line_ends = {"\n": 0, "\r": 0}
        self._line_length = 0

    def count(self, chunks: Iterable[bytes]) -> int:
        for chunk in chunks:
            self._add(self._decoder.decode(chunk))
        self._add(self._decoder.decode(b"", final=True))
        return self.lines

    @property
    def lines(self) -> int:
        """The number of lines so far."""
        # Old Macs end lines with CR alone.
        return 1 + (self._line_ends["\n"] or self._line_ends["\r"])

    def _add(self, text: str) -> None:
        if "\0" in text:
            before = text[: text.index("\0")]
            raise _make_not_text_error(self._source, self.lines + (before.count("\n") or before.count("\r")))
        for end in self._line_ends:
            self._line_ends[end] += text.count(end)
        last = max(map(text.rfind, self._line_ends))
        self._line_length = self._line_length + len(text) if last < 0 else len(text) - last
        if self._line_length > MAX_LINE_LENGTH:
            raise _make_too_long_error(self._source, self.lines)


def _count_8_bit_lines(chunks: Iterable[bytes], source: str) -> int:
    """Check a file that is not UTF-8 line by line, and return the number of lines."""
    number = first_utf8 = first_cp1252 = 0
    for number, line in enumerate(_split_lines(chunks, source), start=1):
        if b"\0" in line:
            raise _make_not_text_error(source, number)
        if line.isascii():
            continue
        if _can_decode(line, "utf-8"):
            first_utf8 = first_utf8 or number
        elif _can_decode(line, "cp1252"):
            first_cp1252 = first_cp1252 or number
        else:
            raise SubscriberFileError(
                locate(_("the line is neither UTF-8 nor Windows-1252"), source, number), hint=EXCEL_HINT
            )
        if first_utf8 and first_cp1252:
            raise SubscriberFileError(
                _(
                    "{file}: line {utf8} is UTF-8 and line {other} is not, so names would be damaged",
                    file=source,
                    utf8=first_utf8,
                    other=first_cp1252,
                ),
                hint=_("Paste the parts into one sheet, check the names, and save it as CSV UTF-8."),
            )
    return number


def _split_lines(chunks: Iterable[bytes], source: str) -> Iterator[bytes]:
    rest, end, number = b"", b"", 0
    for chunk in chunks:
        # Old Macs end lines with CR alone.
        end = end or (b"\n" if b"\n" in chunk else b"\r")
        *complete, rest = (rest + chunk).split(end)
        number += len(complete)
        yield from complete
        if len(rest) > MAX_LINE_LENGTH:
            raise _make_too_long_error(source, number + 1)
    yield rest


def _can_decode(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _make_not_text_error(source: str, line: int) -> SubscriberFileError:
    return SubscriberFileError(locate(_("this is not a text file"), source, line), hint=EXCEL_HINT)


def _make_too_long_error(source: str, line: int) -> SubscriberFileError:
    return SubscriberFileError(
        locate(_("the line has more than {maximum:,} characters", maximum=MAX_LINE_LENGTH), source, line),
        hint=_("This is not a list of subscribers, or a quote is not closed."),
    )
