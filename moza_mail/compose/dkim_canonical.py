"""Relaxed canonicalisation for DKIM (RFC 6376 3.4.2, 3.4.4).

The parts that all messages share are canonicalised only once. Only white space depends on its neighbours,
so each segment of a body is divided into leading white space, a core and trailing white space. The core is
canonicalised once. The white space between two cores is canonicalised when the segments are joined.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from moza_mail.compose.quoted_printable import Segments

WHITE_SPACE = b" \t\r\n"
SPACES = re.compile(rb"[ \t]+")
SPACES_AND_END = re.compile(rb"[ \t]+(\r\n)?")
NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")

CanonicalSegment = tuple[bytes, bytes, bytes]
"""Leading white space, canonical core, trailing white space. Without a core, all white space is leading."""


def canonicalize_segment(segment: bytes) -> CanonicalSegment:
    """Divide and canonicalise one segment.

    Lines end in CRLF, but a segment may end between CR and LF.
    """
    core = segment.strip(WHITE_SPACE)
    if not core:
        return segment, b"", b""
    before = len(segment) - len(segment.lstrip(WHITE_SPACE))
    return segment[:before], _canonicalize_core(core), segment[before + len(core) :]


def _canonicalize_core(core: bytes) -> bytes:
    # Quoted-printable rarely has repeated spaces, and a substitution over 24 kB costs as much as hashing it.
    if b"  " in core or b"\t" in core or b" \r" in core:
        return SPACES_AND_END.sub(lambda found: found[1] or b" ", core)
    return core


def _canonicalize_gap(gap: bytes) -> bytes:
    """Return the canonical form of the white space between two pieces of text.

    Spaces before a line end disappear, and other spaces become one space.
    """
    if not gap or gap == b"\r\n":
        return gap
    return SPACES_AND_END.sub(lambda found: found[1] or b" ", gap)


class BodyHash:
    """The SHA-256 of a relaxed body, to which segments are added one by one."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._gap = b""
        self._empty = True

    def copy(self) -> "BodyHash":
        """Return an independent copy of the hash in its current state."""
        other = BodyHash()
        other._digest, other._gap, other._empty = self._digest.copy(), self._gap, self._empty
        return other

    def add(self, segment: CanonicalSegment) -> None:
        """Add the next segment of the body."""
        before, core, after = segment
        self._gap += before
        if core:
            self._digest.update(_canonicalize_gap(self._gap))
            self._digest.update(core)
            self._gap, self._empty = after, False

    def digest(self) -> bytes:
        """Return the hash of all segments, as one relaxed body.

        Empty lines at the end are left out, and the last line ends in CRLF.
        """
        whole = self._digest.copy()
        if not self._empty:
            whole.update(b"\r\n")
        return whole.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBody:
    """A body with placeholders: its canonical segments, and a hash of its beginning.

    start: the hash of the segments before the first placeholder.
    rest: the first placeholder and all segments after it, with None for each placeholder.
    hashed_count: the number of segments in `start`.
    """

    start: BodyHash
    rest: tuple[CanonicalSegment | None, ...]
    hashed_count: int

    @classmethod
    def prepare(cls, body: Segments) -> Self:
        """Canonicalise the shared segments, and hash those before the first placeholder."""
        segments = [canonicalize_segment(segment) if isinstance(segment, bytes) else None for segment in body]
        first = segments.index(None) if None in segments else len(segments)
        start = BodyHash()
        for segment in segments[:first]:
            if segment is not None:
                start.add(segment)
        return cls(start=start, rest=tuple(segments[first:]), hashed_count=first)

    def hash_body(self, filled: Sequence[bytes]) -> bytes:
        """Return the body hash of one message.

        filled: the segments of the body, with the placeholders filled in.
        """
        whole = self.start.copy()
        for known, segment in zip(self.rest, filled[self.hashed_count :], strict=True):
            whole.add(canonicalize_segment(segment) if known is None else known)
        return whole.digest()


def canonicalize_fields(block: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return the lower-case name and the canonical bytes of each header field in a block."""
    return tuple(_canonicalize_field(raw) for raw in NEXT_FIELD.split(block) if raw)


def _canonicalize_field(raw: bytes) -> tuple[str, bytes]:
    name, _, value = raw.partition(b":")
    lower_name = name.rstrip(b" \t").lower()
    canonical = SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return lower_name.decode("ascii"), lower_name + b":" + canonical + b"\r\n"
