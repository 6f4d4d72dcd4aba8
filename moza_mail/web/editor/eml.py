"""Read messages for display. A part that cannot be read becomes an empty text."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

# A message begins with its headers, and the headers of our messages are never longer than this.
MAX_HEADER_BYTES = 32_768
PER_PAGE = 50
SUFFIX = ".eml"
# Errors of the email package for malformed headers. One malformed header must not hide the message.
UNREADABLE = (ValueError, LookupError, AttributeError, TypeError, IndexError)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """A message in the outbox.

    name: the name of its file.
    moment: the time in its header Date; None if it has none.
    """

    name: str
    subject: str
    recipient: str
    moment: datetime | None


def list_names(folder: Path) -> list[str]:
    """Return the file names of the messages in a folder, newest first."""
    try:
        found = [(path.stat().st_mtime_ns, path.name) for path in folder.glob(f"*{SUFFIX}")]
    except OSError:
        return []
    return [name for _, name in sorted(found, reverse=True)]


def read_list(folder: Path, names: Sequence[str], zone: tzinfo) -> list[OutboxMessage]:
    """Return the subject, recipient and date of each message. Skip unreadable files.

    zone: the time zone of the dates.
    """
    messages = []
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                head = file.read(MAX_HEADER_BYTES)
        except OSError:
            continue
        headers = BytesHeaderParser(policy=policy.default).parsebytes(head)
        messages.append(
            OutboxMessage(
                name=name,
                subject=_header(headers, "Subject"),
                recipient=_header(headers, "To"),
                moment=_read_moment(_header(headers, "Date"), zone),
            )
        )
    return messages


def _read_moment(written: str, zone: tzinfo) -> datetime | None:
    try:
        return parsedate_to_datetime(written).astimezone(zone)
    except (ValueError, TypeError, OverflowError):
        return None


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except UNREADABLE:
        return ""


def read_headers(content: bytes) -> list[tuple[str, str]]:
    """Return the decoded headers of a message in their original order."""
    message = parse_message(content[:MAX_HEADER_BYTES])
    return [(name, _decode(value)) for name, value in message.raw_items()]


def _decode(raw: str) -> str:
    try:
        return " ".join(str(make_header(decode_header(str(raw)))).split())
    except UNREADABLE:
        return " ".join(str(raw).split())


def parse_message(content: bytes) -> EmailMessage:
    """Parse the bytes of a message."""
    return BytesParser(policy=policy.default).parsebytes(content)


def read_text(message: EmailMessage) -> str:
    """Return the plain text part; empty if there is none."""
    return _body(message, "plain")


def read_html(message: EmailMessage) -> str:
    """Return the HTML part with attached images as data URLs; empty if there is no HTML part."""
    page = _body(message, "html")
    for content_id, data in _images(message):
        page = page.replace(f"cid:{content_id}", data)
    return page


def read_calendar(message: EmailMessage) -> str:
    """Return the text of the attached calendar; empty if there is none."""
    part = next((part for part in message.walk() if part.get_content_type() == "text/calendar"), None)
    return _content(part) if part is not None else ""


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return _content(part) if part is not None else ""


def _content(part: object) -> str:
    try:
        return str(part.get_content())  # type: ignore[attr-defined]
    except UNREADABLE:
        return ""


def _images(message: EmailMessage) -> Iterator[tuple[str, str]]:
    for part in message.walk():
        content_id = str(part.get("Content-ID", "")).strip("<> ")
        if content_id and part.get_content_maintype() == "image":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield content_id, f"data:{part.get_content_type()};base64,{b64encode(content).decode()}"
