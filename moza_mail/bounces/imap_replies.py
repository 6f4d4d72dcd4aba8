"""Read the numbers and the messages in IMAP replies (RFC 3501 7), as imaplib returns them."""

import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from moza_mail.bounces.message import MAX_CONTENT, MailboxMessage, read_lines

UID = re.compile(rb"\bUID (\d{1,10})\b")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,19})\b")
QUOTED = re.compile(rb'BODY\[\]<0> "((?:[^"\\]|\\.)*)"')
MAX_DIGITS = 10


def read_numbers(lines: Iterable[Any]) -> list[int]:
    """Return the numbers in the lines of a reply.

    A number has at most ten digits (RFC 3501 9).
    """
    words = [word for line in lines if isinstance(line, bytes) for word in line.split()]
    return [int(word) for word in words if word.isdigit() and len(word) <= MAX_DIGITS]


def read_fetched(data: Iterable[Any], uid: int) -> MailboxMessage | None:
    """Return the message in the reply to FETCH.

    Returns None if the reply has no message with the given UID.
    """
    items = list(data)
    attributes = b"".join(item[0] if isinstance(item, tuple) else item or b"" for item in items)
    content = next((item[1] for item in items if isinstance(item, tuple)), None)
    found = UID.search(attributes)
    if found is None or int(found[1]) != uid:
        return None
    if content is None:
        quoted = QUOTED.search(attributes)
        content = re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else b""
    size = SIZE.search(attributes)
    return _make_message(f"UID {uid}", content, int(size[1]) if size else len(content))


def _make_message(name: str, content: bytes, size: int) -> MailboxMessage:
    """Make a message from its first bytes.

    If the message is longer than MAX_CONTENT, the digest includes its size instead of the remaining bytes.
    """
    start = content[:MAX_CONTENT]
    rest = [b"\n%d octets" % size] if size > len(start) >= MAX_CONTENT else []
    return MailboxMessage.from_lines(name, [*read_lines(BytesIO(start)), *rest])
