"""One message of a mailbox: enough of it to be read, and the digest it is known by."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE = 65_536

MAX_CONTENT = 262_144
"""How much of a message is read, in bytes: a report has its say at the front, and returns what it returns behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxMessage:
    """The beginning of a message, LONGEST bytes at most, and the digest of the whole; `name` says which one it is."""

    name: str
    content: bytes
    digest: str

    @classmethod
    def from_lines(cls, name: str, lines: Iterable[bytes]) -> "MailboxMessage":
        """Make a letter of a message that comes in pieces of whole lines, without holding more of it than is kept.

        The digest passes over how lines end, and over empty ones at the end, in which mailboxes differ.
        """
        content, digest, empty = bytearray(), hashlib.sha256(), 0
        for piece in lines:
            content += piece[: MAX_CONTENT - len(content)]
            line = piece.rstrip(b"\r\n")
            ended = piece.endswith(b"\n")
            if not line:
                empty += ended
                continue
            digest.update(b"\n" * empty + line)
            empty = int(ended)
        return cls(name=name, content=bytes(content), digest=digest.hexdigest())


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """A file's lines, a very long one in several pieces."""
    while piece := file.readline(MAX_LINE):
        yield piece
