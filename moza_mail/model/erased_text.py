"""Remove people from the text of a file: a table, JSON, a log or any other text. Pure.

In a table and in JSON the whole record of a person is deleted, because their name is in it too.
"""

import json
import re
from collections.abc import Iterator
from email import message_from_bytes, message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from moza_mail.model.address import ADDRESS_REMOVED
from moza_mail.model.address_search import AddressSetFinder

RECIPIENT_FIELDS = ("to", "cc", "bcc", "delivered-to", "x-original-to", "resent-to")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


def delete_records(text: str, finder: AddressSetFinder) -> str:
    """Return a table without the records that contain an address.

    A quoted field may have several lines.
    """
    return "".join(record for record in _iter_records(text) if not finder.is_in(record))


def _iter_records(text: str) -> Iterator[str]:
    record = ""
    for line in LINE.findall(text):
        record += line
        if record.count('"') % 2 == 0:
            yield record
            record = ""
    if not record:
        return
    # One quotation mark has no partner, so the rest of the text is not a quoted field: each line is a record.
    yield from LINE.findall(record)


def is_list_of_people(text: str) -> bool:
    """Return True if most lines of a text have an address, as in a plain list of subscribers."""
    lines = [line for line in text.splitlines() if line.strip()]
    return 5 * sum("@" in line for line in lines) >= 4 * len(lines) > 0


def delete_from_json(text: str, finder: AddressSetFinder) -> str | None:
    """Return a JSON text without the objects about a person; "" if the whole text is about them.

    Return None if the text is not JSON.
    """
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    if _is_about(value, finder):
        return ""
    return json.dumps(_without_people(value, finder), ensure_ascii=False, indent=2) + "\n"


def _is_about(value: Any, finder: AddressSetFinder) -> bool:
    """Return True if a JSON object has an address as one of its values."""
    values = value.values() if isinstance(value, dict) else ()
    return any(isinstance(each, str) and _is_address(each, finder) for each in values)


def _is_address(text: str, finder: AddressSetFinder) -> bool:
    return finder.remove(text.strip()) == ADDRESS_REMOVED


def _without_people(value: Any, finder: AddressSetFinder) -> Any:
    if isinstance(value, list):
        return [_without_people(each, finder) for each in value if not _is_about(each, finder)]
    if isinstance(value, dict):
        return {
            finder.remove(name): _without_people(each, finder)
            for name, each in value.items()
            if not _is_address(name, finder) and not _is_about(each, finder)
        }
    return finder.remove(value) if isinstance(value, str) else value


def is_sent_to(content: bytes, finder: AddressSetFinder) -> bool:
    """Return True if a mail message is addressed to one of the people."""
    # Decoded first, because a field may be in UTF-8 (RFC 6532).
    message = message_from_string(content.decode("utf-8", "replace"))
    fields = (text for name in RECIPIENT_FIELDS for text in message.get_all(name, []))
    return any(finder.is_in(_decode_field(str(text))) for text in fields)


def message_mentions(content: bytes, finder: AddressSetFinder) -> bool:
    """Return True if one of the addresses is in a mail message, encoded or not."""
    if finder.is_in(content.decode("utf-8", "replace")):
        return True
    return any(finder.is_in(text) for text in _iter_message_texts(message_from_bytes(content)))


def _iter_message_texts(message: Message) -> Iterator[str]:
    for part in message.walk():
        yield from (_decode_field(str(text)) for text in part.values())
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield _decode_payload(payload, part.get_content_charset("utf-8"))


def _decode_payload(payload: bytes, charset: str) -> str:
    try:
        return payload.decode(charset, "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def _decode_field(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
