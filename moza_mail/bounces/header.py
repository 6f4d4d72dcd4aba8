"""Header fields of messages that anybody may have written: decoded where they can be, and without control characters."""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

MAX_FIELD = 10_000
MAX_FIELDS = 50
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,255}@[^\s<>()\[\],;:\"@]{1,255}")


def clean_text(value: str) -> str:
    """A text without control characters and runs of space."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in value[:MAX_FIELD]).split())


def decode_field(message: Message, name: str) -> str:
    """A field's first value; encoded words (RFC 2047) are decoded, and kept as they are when they cannot be."""
    value = str(message.get(name, ""))[:MAX_FIELD]
    try:
        parts = decode_header(value)
        value = "".join(
            part if isinstance(part, str) else part.decode(charset or "ascii", "replace")
            for part, charset in parts
        )
    except (HeaderParseError, LookupError, ValueError):
        pass
    return clean_text(value)


def find_addresses(message: Message, *names: str) -> Iterator[str]:
    """The plain addresses in fields, in the order of the names, those of a display name passed over."""
    for name in names:
        values = [str(value)[:MAX_FIELD] for value in message.get_all(name, [])[:MAX_FIELDS]]
        for _, address in getaddresses(values):
            if found := ADDRESS.fullmatch(clean_text(address)):
                yield found[0]


def parse_typed_address(value: str) -> str:
    """The address of `rfc822; user@example.org` or of a bare one (RFC 3464 2.3.1), empty when there is none."""
    found = ADDRESS.search(clean_text(value).partition(";")[2] or clean_text(value))
    return found[0] if found else ""
