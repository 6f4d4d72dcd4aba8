"""Read header fields of untrusted messages.

Encoded text is decoded where possible, and control characters are removed.
"""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from moza_mail.model.reply import decode_octets

MAX_FIELD = 10_000
MAX_FIELDS = 50
ADDRESS = re.compile(r"(?:[^\s<>()\[\],;:\"@]{1,255}|\"[^\s<>\"@]{1,62}\")@[^\s<>()\[\],;:\"@]{1,255}")


def clean_text(value: str) -> str:
    """Return a text without control characters and repeated spaces."""
    text = value[:MAX_FIELD]
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())


def decode_field(message: Message, name: str) -> str:
    """Return the first value of a field.

    Encoded words (RFC 2047) that cannot be decoded stay as they are.
    """
    value = next(read_fields(message, name), "")[:MAX_FIELD]
    try:
        parts = decode_header(value)
        value = "".join(
            part if isinstance(part, str) else part.decode(charset or "ascii", "replace")
            for part, charset in parts
        )
    except (HeaderParseError, LookupError, ValueError):
        pass
    return clean_text(value)


def read_fields(message: Message, name: str) -> Iterator[str]:
    """Return the values of a field as written.

    Many servers write UTF-8 without encoding it, as RFC 6532 allows. Some older servers write Latin-1.
    """
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            yield decode_octets(str(value).encode("utf-8", "surrogateescape"))


def find_addresses(message: Message, *names: str) -> Iterator[str]:
    """Return the addresses in the named fields, in the order of the names.

    Display names are left out.
    """
    for name in names:
        values = [str(value)[:MAX_FIELD] for value in message.get_all(name, [])[:MAX_FIELDS]]
        for _, address in getaddresses(values):
            if found := ADDRESS.fullmatch(clean_text(address)):
                yield found[0]


def parse_typed_address(value: str) -> str:
    """Return the address in a value such as `rfc822; user@example.org` (RFC 3464 2.3.1).

    The type may be missing. The result is empty if there is no address.
    """
    found = ADDRESS.search(clean_text(value).partition(";")[2] or clean_text(value))
    return found[0] if found else ""
