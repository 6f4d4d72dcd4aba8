"""Divide a message of the bounce mailbox into its parts.

The parts are fields for programs, text for people, and headers of the original message.
"""

import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from email.utils import collapse_rfc2231_value
from html import unescape

from moza_mail.bounces.header import clean_text
from moza_mail.bounces.ses_notification import find_notification
from moza_mail.model.reply import decode_octets

MAX_PARTS = 60
STATUS_TYPES = {"message/delivery-status", "message/global-delivery-status"}
ORIGINAL_TYPES = {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}
# Some servers write `Action : failed`, which RFC 5322 3.6 does not allow.
SPACE_BEFORE_COLON = re.compile(r"^([A-Za-z][\w-]{1,40})[ \t]+:", re.MULTILINE)
# The fields of a report that was forwarded inline, or whose MIME structure is broken.
QUOTE_MARKS = re.compile(r"^[ \t]*(?:>[> \t]*)", re.MULTILINE)
FIELDS_IN_TEXT = re.compile(
    r"(?:^(?:Final-Recipient|Original-Recipient|Action|Status|Remote-MTA|Diagnostic-Code|Last-Attempt-Date|"
    r"X-Actual-Recipient|Will-Retry-Until)[ \t]*:[^\n]*\n(?:[ \t]+[^\n]*\n)*){2,}",
    re.IGNORECASE | re.MULTILINE,
)
HTML_NOISE = re.compile(r"<(style|script|head)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
HTML_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/h\d|/li|/td)\b[^>]*>", re.IGNORECASE)
HTML_TAG = re.compile(r"<(?![^<>\s]+@)/?[a-zA-Z!][^<>]*>")


@dataclass(slots=True)
class MessageParts:
    """The parts of a message by their kind, in order."""

    status_groups: list[Message] = field(default_factory=list)
    feedback: Message | None = None
    has_disposition: bool = False
    is_report: bool = False
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    returned_headers: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text for people, from the HTML if there is no plain text."""
        plain = "\n".join(self.plain)
        return plain if plain.strip() else "\n".join(map(strip_html, self.html))

    @property
    def quoted(self) -> str:
        """All text that may contain headers of the original message."""
        return "\n".join([*self.returned_headers, *self.plain, *self.html])


def collect_parts(message: Message) -> MessageParts:
    """Return the parts of a message.

    Only the header of an original message is kept, unless the original is itself a report.
    """
    found = MessageParts()
    waiting = [message]
    for _ in range(MAX_PARTS):
        if not waiting:
            break
        part = waiting.pop(0)
        if part.get_content_type() in ORIGINAL_TYPES:
            forwarded = None if found.status_groups else _find_forwarded_report(part)
            if forwarded is None:
                found.returned_headers.append(_read_returned_header(part))
            else:
                waiting.append(forwarded)
        elif not _add_report_part(found, part):
            inner = part.get_payload()
            waiting = [*inner, *waiting] if isinstance(inner, list) else waiting
    if not found.status_groups and found.feedback is None:
        _add_notification(found)
    if not found.status_groups and found.feedback is None:
        found.status_groups = find_field_groups(QUOTE_MARKS.sub("", found.text))
    return found


def _add_notification(found: MessageParts) -> None:
    """Add the contents of an Amazon SES notification, if the text contains one."""
    if notification := find_notification(found.text):
        found.is_report = True
        # The words of the JSON itself say nothing about a recipient.
        found.plain, found.html = [], []
        found.status_groups = list(notification.status_groups)
        found.feedback = notification.feedback
        found.returned_headers.append(notification.returned_header)


def _add_report_part(found: MessageParts, part: Message) -> bool:
    """Add a part of a report, or a text; return False if the part is neither."""
    kind = part.get_content_type()
    found.is_report = found.is_report or kind == "multipart/report"
    if kind in STATUS_TYPES:
        found.status_groups += split_field_groups(part)
    elif kind == "message/feedback-report":
        found.feedback = found.feedback or next(iter(split_field_groups(part)), Message())
    elif kind == "message/disposition-notification":
        found.has_disposition = True
    elif kind == "text/html":
        found.html.append(decode_text(part))
    elif part.get_content_maintype() == "text" or isinstance(part.get_payload(), str):
        # A multipart whose boundary is broken has no parts, only text.
        if part.get_content_maintype() in {"text", "multipart"}:
            found.plain.append(decode_text(part))
    else:
        return False
    return True


def _find_forwarded_report(part: Message) -> Message | None:
    """Return the report that is attached to a forwarding message.

    Returns None if the attached message is not a report.
    """
    inner = part.get_payload()
    if not isinstance(inner, list) or not inner or not isinstance(inner[0], Message):
        return None
    return inner[0] if inner[0].get_content_type() == "multipart/report" else None


def split_field_groups(part: Message) -> list[Message]:
    """Return the groups of fields in the machine-readable part of a report."""
    inner = part.get_payload()
    if isinstance(inner, list) and all(isinstance(each, Message) for each in inner):
        blocks = [block for block in inner if isinstance(block, Message)]
        if any(block.keys() for block in blocks) and not any(block.defects for block in blocks):
            return blocks
        written = "\n\n".join(block.as_string() for block in blocks)
    else:
        written = inner if isinstance(inner, str) else decode_text(part)
    return _parse_groups(re.split(r"\r?\n[ \t]*\r?\n", written.strip()))


def find_field_groups(text: str) -> list[Message]:
    """Return the groups of report fields in a text, such as a forwarded report."""
    if "final-recipient" not in text.lower():
        return []
    whole = [match[0] for match in FIELDS_IN_TEXT.finditer(f"{text}\n")]
    return [group for group in _parse_groups(whole[:MAX_PARTS]) if group.get("Final-Recipient")]


def _parse_groups(groups: list[str]) -> list[Message]:
    cleaned = (SPACE_BEFORE_COLON.sub(r"\1:", group) for group in groups)
    return [message_from_bytes(group.encode("utf-8", "replace"), policy=policy.compat32) for group in cleaned]


def _read_returned_header(part: Message) -> str:
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return "\n".join(f"{name}: {clean_text(str(value))}" for name, value in inner[0].items())
    return decode_text(part)


def decode_text(part: Message) -> str:
    """Return the text of a part.

    A missing or unknown charset counts as UTF-8. Bytes that are not UTF-8 are then read as Latin-1.
    """
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "replace")
    charset = str(collapse_rfc2231_value(part.get_param("charset", "utf-8")))
    if charset.lower() in {"utf-8", "us-ascii", "ascii"}:
        return decode_octets(octets)
    try:
        return octets.decode(charset, "replace")
    except LookupError:
        return decode_octets(octets)


def strip_html(html: str) -> str:
    """Return the text of HTML, with line breaks at the ends of blocks.

    Addresses in angle brackets stay.
    """
    return unescape(HTML_TAG.sub("", HTML_BREAK.sub("\n", HTML_NOISE.sub(" ", html))))
