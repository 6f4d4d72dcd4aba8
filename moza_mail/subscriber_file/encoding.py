"""How a file of people is written: UTF-8, or what Excel saves when it is not asked for that."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from moza_mail.errors import MozaMailError

LONGEST_LINE = 1_000_000
SAVE = "In Excel: save as 'CSV UTF-8 (comma delimited)'."


class SubscriberFileError(MozaMailError):
    """The file as a whole cannot be read as a list of people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEncoding:
    """Python's name of how a text is written, how a person calls it, how many lines it has, and whether that is a guess."""

    codec: str
    label: str
    line_count: int
    is_guess: bool = False


def detect_encoding(read: Callable[[], Iterable[bytes]], source: str) -> FileEncoding:
    """Look through a whole file, given in chunks of a megabyte or so, so that no half of it goes in.

    UTF-8 and UTF-16 tell themselves; what is neither is read as Windows-1252, of which Latin-1 is a part. Raises PeopleError, with
    the line, for what is no text, mixes two ways of writing, or has a line that no list of people has.
    """
    head = next(iter(read()), b"")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        look = _Look(source, "utf-16")
        return FileEncoding(codec="utf-16", label="UTF-16", line_count=look.through(read()))
    try:
        lines = _Look(source, "utf-8").through(read())
    except UnicodeDecodeError:
        return FileEncoding(
            codec="cp1252", label="Windows-1252", line_count=_eight_bits(read(), source), is_guess=True
        )
    return FileEncoding(codec="utf-8-sig", label="UTF-8", line_count=lines)


class _Look:
    """One look through a file, counting its lines."""

    def __init__(self, source: str, codec: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._ends = {"\n": 0, "\r": 0}
        self._since = 0

    def through(self, chunks: Iterable[bytes]) -> int:
        for chunk in chunks:
            self._see(self._decoder.decode(chunk))
        self._see(self._decoder.decode(b"", final=True))
        return self._lines

    @property
    def _lines(self) -> int:
        # An old Mac ends its lines with CR alone.
        return 1 + (self._ends["\n"] or self._ends["\r"])

    def _see(self, text: str) -> None:
        if "\0" in text:
            before = text[: text.index("\0")]
            raise _no_text(self._source, self._lines + (before.count("\n") or before.count("\r")))
        for end in self._ends:
            self._ends[end] += text.count(end)
        last = max(map(text.rfind, self._ends))
        self._since = self._since + len(text) if last < 0 else len(text) - last
        if self._since > LONGEST_LINE:
            raise _too_long(self._source, self._lines)


def _eight_bits(chunks: Iterable[bytes], source: str) -> int:
    """Look through what is not UTF-8 line by line, and give how many there are."""
    number = wide = narrow = 0
    for number, line in enumerate(_lines(chunks, source), start=1):
        if b"\0" in line:
            raise _no_text(source, number)
        if line.isascii():
            continue
        if _reads(line, "utf-8"):
            wide = wide or number
        elif _reads(line, "cp1252"):
            narrow = narrow or number
        else:
            raise SubscriberFileError(
                f"{source}, line {number}: is neither UTF-8 nor Windows-1252", hint=SAVE
            )
        if wide and narrow:
            raise SubscriberFileError(
                f"{source}: line {wide} is written in UTF-8 and line {narrow} is not, so that names would be spoilt",
                hint="Paste the parts into one sheet, see that the names are right, and save it as CSV UTF-8.",
            )
    return number


def _lines(chunks: Iterable[bytes], source: str) -> Iterator[bytes]:
    rest, end, number = b"", b"", 0
    for chunk in chunks:
        # An old Mac ends its lines with CR alone.
        end = end or (b"\n" if b"\n" in chunk else b"\r")
        *whole, rest = (rest + chunk).split(end)
        number += len(whole)
        yield from whole
        if len(rest) > LONGEST_LINE:
            raise _too_long(source, number + 1)
    yield rest


def _reads(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _no_text(source: str, line: int) -> SubscriberFileError:
    return SubscriberFileError(f"{source}, line {line}: is not a text file", hint=SAVE)


def _too_long(source: str, line: int) -> SubscriberFileError:
    return SubscriberFileError(
        f"{source}, line {line}: is longer than {LONGEST_LINE:,} signs",
        hint="This is no list of people, or a quote is not closed.",
    )
