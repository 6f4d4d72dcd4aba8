"""The pure reading of one message of the bounce mailbox: what it is, whom it may be about, and nothing believed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from email.utils import collapse_rfc2231_value

from moza_mail.bounces import auto_replies, failures
from moza_mail.bounces.header import clean_text, decode_field, find_addresses, parse_typed_address
from moza_mail.bounces.message import MAX_CONTENT
from moza_mail.model.bounce import BounceKind, BounceReport, FailedRecipient
from moza_mail.model.mailing import Reply

MAX_PARTS = 60
MAX_IDS = 20
# The fields that MTAs write the envelope's recipient in when they deliver, before To, which the report's writer chose.
RECIPIENT_FIELDS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
MESSAGE_ID = re.compile(
    r"^[ \t>]{0,4}Message-ID:\s{0,4}(<[^\s<>]{1,200}@[^\s<>]{1,200}>)", re.IGNORECASE | re.MULTILINE
)
RETURN_PATH = re.compile(
    r"^[ \t>]{0,4}Return-Path:\s{0,4}<([^\s<>]{1,200}@[^\s<>]{1,200})>", re.IGNORECASE | re.MULTILINE
)
ORIGINAL_TO = re.compile(
    r"^[ \t>]{0,4}To:[^\n]{0,300}?<?([^\s<>,;:\"]{1,200}@[^\s<>,;:\"]{1,200})>?\s{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
# Outlook.com's complaints are no reports of RFC 5965: the message itself comes back, with this field put before it.
OUTLOOK_RECIPIENT = re.compile(
    r"^X-HmXmrOriginalRecipient:\s{0,4}<?([^\s<>]{1,200}@[^\s<>]{1,200})>?\s{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
COMPLAINT_TYPES = {"abuse", "fraud", "opt-out", "opt-out-list"}


@dataclass(slots=True)
class MessageParts:
    """What the parts of a message hold, in order."""

    status_groups: list[Message] = field(default_factory=list)
    feedback: Message | None = None
    has_disposition: bool = False
    texts: list[str] = field(default_factory=list)
    returned_headers: list[str] = field(default_factory=list)


def classify_message(content: bytes) -> BounceReport:
    """Read a message of any form, LONGEST bytes of it at most; what cannot be read is of the kind unknown."""
    # Each line is held against every boundary around it, so that parts within parts would take ever longer.
    if content[:MAX_CONTENT].lower().count(b"boundary") > MAX_PARTS:
        return BounceReport(kind=BounceKind.UNKNOWN)
    try:
        message = message_from_bytes(content[:MAX_CONTENT], policy=policy.compat32)
        return _classify(message, _collect_parts(message))
    except Exception:  # noqa: BLE001  # the library raises many things at hostile mail, and none of it may stop the others
        return BounceReport(kind=BounceKind.UNKNOWN)


def _collect_parts(message: Message) -> MessageParts:
    """The parts of a message, looked at once; what is inside a returned message is only its own text."""
    found = MessageParts()
    waiting = [message]
    for _ in range(MAX_PARTS):
        if not waiting:
            break
        part = waiting.pop(0)
        kind = part.get_content_type()
        inner = part.get_payload()
        if kind in {"message/delivery-status", "message/global-delivery-status"}:
            found.status_groups += _split_field_groups(part)
        elif kind == "message/feedback-report":
            found.feedback = found.feedback or next(iter(_split_field_groups(part)), Message())
        elif kind == "message/disposition-notification":
            found.has_disposition = True
        elif kind in {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}:
            found.returned_headers.append(_read_returned_header(part))
        elif isinstance(inner, list):
            waiting = [*inner, *waiting]
        elif part.get_content_maintype() == "text":
            found.texts.append(_decode_text(part))
    return found


def _split_field_groups(part: Message) -> list[Message]:
    """The groups of fields of a report's machine-readable part, as the library divided them or as its text is."""
    inner = part.get_payload()
    if isinstance(inner, list) and all(isinstance(each, Message) for each in inner):
        blocks = [block for block in inner if isinstance(block, Message)]
        if any(block.keys() for block in blocks):
            return blocks
        inner = blocks[0].get_payload() if blocks else ""
    written = inner if isinstance(inner, str) else _decode_text(part)
    groups = re.split(r"\r?\n[ \t]*\r?\n", written.strip())
    return [message_from_bytes(group.encode("utf-8", "replace"), policy=policy.compat32) for group in groups]


def _read_returned_header(part: Message) -> str:
    """The header of the message that a report returns."""
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return "\n".join(f"{name}: {clean_text(str(value))}" for name, value in inner[0].items())
    return _decode_text(part)


def _decode_text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "replace")
    charset = str(collapse_rfc2231_value(part.get_param("charset", "utf-8")))
    try:
        return octets.decode(charset, "replace")
    except LookupError:
        return octets.decode("ascii", "replace")


def _classify(message: Message, parts: MessageParts) -> BounceReport:
    sent_to = list(_remove_duplicates(_local_parts(find_addresses(message, *RECIPIENT_FIELDS))))
    if parts.feedback is not None:
        return _make_complaint_report(parts.feedback, parts, sent_to)
    if parts.status_groups:
        found, other = failures.parse_delivery_status(parts.status_groups)
        if found:
            return _make_failure_report(found, parts, sent_to)
        return BounceReport(
            kind=BounceKind.NOTICE if other else BounceKind.UNKNOWN, local_parts=tuple(sent_to)
        )
    return _classify_unstructured(message, parts, sent_to)


def _classify_unstructured(message: Message, parts: MessageParts, sent_to: list[str]) -> BounceReport:
    """What has no machine-readable part: an answer, a wish to leave, a report of a form of its own, or a person's mail."""
    to = tuple(sent_to)
    if reader := OUTLOOK_RECIPIENT.search("\n".join(parts.returned_headers)):
        fields = Message()
        fields["Feedback-Type"], fields["Original-Rcpt-To"] = "abuse", reader[1]
        return _make_complaint_report(fields, parts, sent_to)
    if parts.has_disposition:
        return BounceReport(kind=BounceKind.NOTICE, local_parts=to)
    if auto_replies.is_challenge(message):
        return BounceReport(kind=BounceKind.CHALLENGE, local_parts=to)
    if auto_replies.has_away_subject(message):
        return BounceReport(kind=BounceKind.AUTO_REPLY, local_parts=to)
    if auto_replies.is_from_mail_system(message) and (
        found := failures.find_nonstandard_failures(message, "\n".join(parts.texts))
    ):
        if all(failure.reply.code < 500 for failure in found) and _is_delay_warning(message):
            return BounceReport(kind=BounceKind.NOTICE, local_parts=to)
        return _make_failure_report(found, parts, sent_to)
    if auto_replies.is_auto_submitted(message) or (
        auto_replies.suppresses_auto_replies(message) and not auto_replies.is_unsubscribe_request(message)
    ):
        return BounceReport(kind=BounceKind.AUTO_REPLY, local_parts=to)
    kind = BounceKind.UNSUBSCRIBE if auto_replies.is_unsubscribe_request(message) else BounceKind.UNKNOWN
    return BounceReport(kind=kind, local_parts=to)


def _is_delay_warning(message: Message) -> bool:
    return bool(re.search(r"warning|delay|vertrag", decode_field(message, "Subject"), re.IGNORECASE))


def _make_failure_report(
    found: list[FailedRecipient], parts: MessageParts, sent_to: list[str]
) -> BounceReport:
    quoted = "\n".join([*parts.returned_headers, *parts.texts])
    named = [
        address for failure in found for address in (failure.recipient, failure.original_recipient) if address
    ]
    return BounceReport(
        kind=found[0].kind,
        local_parts=_remove_duplicates([*sent_to, *_local_parts(RETURN_PATH.findall(quoted))]),
        failures=tuple(found),
        recipients=_remove_duplicates([*named, *ORIGINAL_TO.findall(quoted)]),
        message_ids=_remove_duplicates(MESSAGE_ID.findall(quoted)),
    )


def _make_complaint_report(fields: Message, parts: MessageParts, sent_to: list[str]) -> BounceReport:
    """An abuse report (RFC 5965): of a kind that a reader gives, or one that says nothing of a reader."""
    sort = decode_field(fields, "Feedback-Type").lower()
    if sort not in COMPLAINT_TYPES:
        kind = BounceKind.NOTICE if sort == "not-spam" else BounceKind.UNKNOWN
        return BounceReport(kind=kind, local_parts=tuple(sent_to))
    quoted = "\n".join(parts.returned_headers)
    envelope = _local_parts([parse_typed_address(decode_field(fields, "Original-Mail-From"))])
    named = [parse_typed_address(str(value)) for value in fields.get_all("Original-Rcpt-To", [])]
    by = decode_field(fields, "User-Agent") or decode_field(fields, "Reporting-MTA")
    return BounceReport(
        kind=BounceKind.COMPLAINT,
        local_parts=_remove_duplicates([*sent_to, *envelope, *_local_parts(RETURN_PATH.findall(quoted))]),
        failures=(FailedRecipient(recipient="", reply=Reply.parse(550, f"{sort} {by}")),),
        recipients=_remove_duplicates([*named, *ORIGINAL_TO.findall(quoted)]),
        message_ids=_remove_duplicates(MESSAGE_ID.findall(quoted)),
    )


def _local_parts(found: Iterable[str]) -> Iterator[str]:
    return (address.rpartition("@")[0] for address in found if address)


def _remove_duplicates(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in found if text and text.isprintable()))[:MAX_IDS]
