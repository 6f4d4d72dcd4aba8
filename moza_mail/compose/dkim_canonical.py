"""Relaxed canonicalisation (RFC 6376 3.4.2, 3.4.4), with what all messages of a mailing share worked out once.

Text between white space canonicalises by itself; only a run of white space depends on what stands on both its sides. So
each segment of a body is cut into the white space it begins with, its core, and the white space it ends with, and a run
that spans two or more segments is looked at when they have come together.
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
"""White space, canonical core, white space. Where there is no core, all of it stands first."""


def canonicalize_segment(segment: bytes) -> CanonicalSegment:
    """Cut one segment; its line ends are CRLF, though the two octets of one may stand in two segments."""
    core = segment.strip(WHITE_SPACE)
    if not core:
        return segment, b"", b""
    before = len(segment) - len(segment.lstrip(WHITE_SPACE))
    return segment[:before], _canonicalize_core(core), segment[before + len(core) :]


def _canonicalize_core(core: bytes) -> bytes:
    # Quoted-printable has a space too many seldom, and a substitution over 24 kB costs as much as hashing it.
    if b"  " in core or b"\t" in core or b" \r" in core:
        return SPACES_AND_END.sub(lambda found: found[1] or b" ", core)
    return core


def _canonicalize_gap(run: bytes) -> bytes:
    """Canonical white space between two cores: line ends stay, what stands before one goes, the rest is one space."""
    if not run or run == b"\r\n":
        return run
    return SPACES_AND_END.sub(lambda found: found[1] or b" ", run)


class BodyHash:
    """The SHA-256 of a relaxed body that comes segment by segment; `copy` takes over what has come so far."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._gap = b""
        self._empty = True

    def copy(self) -> "BodyHash":
        """A hash that goes on from here by itself."""
        other = BodyHash()
        other._digest, other._gap, other._empty = self._digest.copy(), self._gap, self._empty
        return other

    def add(self, found: CanonicalSegment) -> None:
        """The body goes on with a piece."""
        before, core, after = found
        self._gap += before
        if core:
            self._digest.update(_canonicalize_gap(self._gap))
            self._digest.update(core)
            self._gap, self._empty = after, False

    def digest(self) -> bytes:
        """The hash of all that came: empty lines at the end do not count, and the last line has its end."""
        whole = self._digest.copy()
        if not self._empty:
            whole.update(b"\r\n")
        return whole.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBody:
    """A body with slots, its literal segments canonicalised and everything before the first slot hashed."""

    start: BodyHash
    rest: tuple[CanonicalSegment | None, ...]
    """The pieces from the first slot on; None where a slot is."""
    hashed_count: int

    @classmethod
    def prepare(cls, body: Segments) -> Self:
        """Work out what does not depend on the slots."""
        pieces = [canonicalize_segment(segment) if isinstance(segment, bytes) else None for segment in body]
        first = pieces.index(None) if None in pieces else len(pieces)
        begun = BodyHash()
        for found in pieces[:first]:
            if found is not None:
                begun.add(found)
        return cls(start=begun, rest=tuple(pieces[first:]), hashed_count=first)

    def hash_body(self, filled: Sequence[bytes]) -> bytes:
        """The body hash of one message, whose segments are those of the body with the slots filled."""
        whole = self.start.copy()
        for known, segment in zip(self.rest, filled[self.hashed_count :], strict=True):
            whole.add(canonicalize_segment(segment) if known is None else known)
        return whole.digest()


def canonicalize_fields(block: bytes) -> tuple[tuple[str, bytes], ...]:
    """Header fields, each ended by CRLF, as their lower-case names and their canonical bytes with CRLF."""
    return tuple(_canonicalize_field(raw) for raw in NEXT_FIELD.split(block) if raw)


def _canonicalize_field(raw: bytes) -> tuple[str, bytes]:
    name, _, value = raw.partition(b":")
    low = name.rstrip(b" \t").lower()
    tidy = SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return low.decode("ascii"), low + b":" + tidy + b"\r\n"
