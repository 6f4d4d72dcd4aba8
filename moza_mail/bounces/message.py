"""One message of a bounce mailbox, and the digest that identifies it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import BinaryIO

MAX_LINE = 65_536

MAX_CONTENT = 262_144
"""Bytes of a message that are read. A report comes before the original message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxMessage:
    """The first MAX_CONTENT bytes of a message, and the digest of the whole message.

    name: identifies the message in its mailbox, such as a file name or a number.
    """

    name: str
    content: bytes
    digest: str

    @classmethod
    def from_lines(cls, name: str, lines: Iterable[bytes]) -> "MailboxMessage":
        """Make a message from lines, keeping at most MAX_CONTENT bytes in memory.

        The digest ignores empty lines at the end and the kind of line ends, because these differ between mailboxes.
        """
        content, digest, empty = bytearray(), hashlib.sha256(), 0
        for line in lines:
            content += line[: MAX_CONTENT - len(content)]
            text = line.rstrip(b"\r\n")
            has_end = line.endswith(b"\n")
            if not text:
                empty += has_end
                continue
            digest.update(b"\n" * empty + text)
            empty = int(has_end)
        return cls(name=name, content=bytes(content), digest=digest.hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingResult:
    """The result of deleting old processed messages.

    deleted: the number of deleted messages. In a dry run, the number that would be deleted.
    kept: the number of old messages that were not deleted, by reason. Each reason is a clause to put after the
        number.
    """

    deleted: int = 0
    kept: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file. A very long line is yielded in parts."""
    while line := file.readline(MAX_LINE):
        yield line
