"""Encode bodies as quoted-printable (RFC 2045 6.7) once for all recipients.

Placeholders are filled in later. The encoding is stricter than the RFC: no encoded line starts with "." (which would
need dot-stuffing, RFC 5321 4.5.2) or with "From " (which mbox files escape). "=_" never occurs, so a
boundary that contains "=_" cannot occur in a body.
"""

import re
from binascii import b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER
from moza_mail.model.message import PLACEHOLDER, make_placeholder

# One line without anything to escape.
PLAIN = re.compile(r"(?:[ -<>-~]*[!-<>-~])?")
# Text without anything to escape in HTML either, such as most URLs.
HARMLESS = re.compile(r"[!#-%(-;?-~]+")
ESCAPES = tuple(b"=%02X" % octet for octet in range(256))
SOFT_BREAK = b"=\r\n"
EQUALS_SIGN = ord("=")
# RFC 2045 6.7 (5) allows 76, including the "=" of a soft break.
MAX_LINE = 75


class BodyFormat(StrEnum):
    """The format of the body around a placeholder, which decides how its value is escaped."""

    TEXT = "text"
    HTML = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlaceholder:
    """A place in an encoded body where the value of `name` is filled in.

    body_format: the value is escaped for this format, and then encoded.
    """

    name: str
    body_format: BodyFormat

    def encode_value(self, value: str) -> bytes:
        """Return the encoded lines of a value; raise RenderError if it has a control character."""
        if HARMLESS.fullmatch(value):
            return SOFT_BREAK.join(_split_line(value.encode("ascii")))
        if found := CONTROL_CHARACTER.search(value):
            raise RenderError(
                _(
                    "the value of {placeholder} has a control character (U+{code:04X})",
                    placeholder=make_placeholder(self.name),
                    code=ord(found.group()),
                )
            )
        return encode_text(escape(value, quote=True) if self.body_format is BodyFormat.HTML else value)


Segments = tuple[bytes | OpenPlaceholder, ...]


def encode_text(text: str) -> bytes:
    """Encode a text as lines of at most 76 octets that end in CRLF.

    Raises RenderError for a lone surrogate, which UTF-8 cannot encode.
    """
    if PLAIN.fullmatch(text):
        return SOFT_BREAK.join(_split_line(text.encode("ascii")))
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        octets = plain.encode()
    except UnicodeEncodeError as error:
        raise RenderError(
            _("the text contains half a character (U+{code:04X})", code=ord(plain[error.start]))
        ) from None
    # The soft line breaks of b2a_qp are removed, because it does not escape "." and "From " at the start of a line.
    escaped = b2a_qp(octets).replace(b"=\n", b"")
    return b"\r\n".join(SOFT_BREAK.join(_split_line(line)) for line in escaped.split(b"\n"))


def _split_line(line: bytes) -> Iterator[bytes]:
    """Split one escaped line into encoded lines, never inside an escape."""
    start, length = 0, len(line)
    while True:
        head = b""
        first = line[start : start + 1]
        if first == b"." or (first == b"F" and line.startswith(b"From ", start)):
            head = ESCAPES[line[start]]
            start += 1
        stop = start + MAX_LINE - len(head)
        if stop >= length:
            yield head + line[start:]
            return
        if line[stop - 1] == EQUALS_SIGN:
            stop -= 1
        elif line[stop - 2] == EQUALS_SIGN:
            stop -= 2
        yield head + line[start:stop]
        start = stop


def encode_template(text: str, body_format: BodyFormat) -> Segments:
    """Encode the text around the placeholders of a body. The values are filled in later.

    Each placeholder is on a line of its own: a soft line break is added where the text has no line break. So
    no line becomes longer than 76 octets, however long a value is.
    """
    pieces = PLACEHOLDER.split(text)
    last = len(pieces) - 1
    return tuple(
        OpenPlaceholder(name=piece, body_format=body_format)
        if index % 2
        else _add_soft_breaks(
            encode_text(piece), follows_placeholder=index > 0, precedes_placeholder=index < last
        )
        for index, piece in enumerate(pieces)
    )


def _add_soft_breaks(literal: bytes, *, follows_placeholder: bool, precedes_placeholder: bool) -> bytes:
    """Add a soft line break between a piece of encoded text and each adjacent placeholder.

    literal: the encoded text. If it is empty and stands between two placeholders, it becomes one soft line break.
    """
    if not literal:
        return SOFT_BREAK if follows_placeholder and precedes_placeholder else b""
    opening = SOFT_BREAK if follows_placeholder and not literal.startswith(b"\r\n") else b""
    closing = SOFT_BREAK if precedes_placeholder and not literal.endswith(b"\n") else b""
    return opening + literal + closing
