"""One message of a bounce mailbox, and the digest that identifies it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import BinaryIO

MAX_LINE = 65_536

MAX_CONTENT = 262_144
"""How many bytes of a message are read. A report has its facts first and the returned message after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxMessage:
    """The first MAX_CONTENT bytes of a message, and the digest of all of it.

    name: what the mailbox calls it, such as a file or a number.
    """

    name: str
    content: bytes
    digest: str

    @classmethod
    def from_lines(cls, name: str, lines: Iterable[bytes]) -> "MailboxMessage":
        """Make a message without keeping more of it in memory than MAX_CONTENT bytes.

        The digest ignores the kind of line ends and empty lines at the end, which differ between mailboxes.
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
    """The number of processed messages that were deleted from a server, or would be in a dry run.

    kept: why other messages of that age stay, as a clause after their number, and how many.
    """

    deleted: int = 0
    kept: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, a very long one in parts."""
    while line := file.readline(MAX_LINE):
        yield line
