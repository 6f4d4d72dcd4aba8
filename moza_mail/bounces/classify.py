"""Classify one message of the bounce mailbox.

Touches no store and no network. The claims of the message are verified later.
"""

import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from email.message import Message

from moza_mail.bounces import auto_replies, failures
from moza_mail.bounces.header import decode_field, find_addresses, parse_typed_address
from moza_mail.bounces.message import MAX_CONTENT
from moza_mail.bounces.notice_text import NoticeText, find_failures
from moza_mail.bounces.parts import MAX_PARTS, MessageParts, collect_parts
from moza_mail.model.bounce import BounceKind, BounceReport, FailedRecipient
from moza_mail.model.reply import Reply
from moza_mail.model.verdict import Verdict

MAX_IDS = 20
# Servers write the recipient of the envelope into the first four fields. The author of the report chose To and Cc.
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
ORIGINAL_FROM = re.compile(
    r"^[ \t>]{0,4}From:[^\n]{0,300}?<?([^\s<>,;:\"]{1,200}@[^\s<>,;:\"]{1,200})>?\s{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
# Outlook.com returns the message itself, with this field in front, instead of a report as in RFC 5965.
OUTLOOK_RECIPIENT = re.compile(
    r"^X-HmXmrOriginalRecipient:\s{0,4}<?([^\s<>]{1,200}@[^\s<>]{1,200})>?\s{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
# The words in which Exim and Sendmail say that they keep trying.
STILL_TRYING = re.compile(
    r"not yet been delivered|delivery attempts will continue|no action is required|you do not need to resend",
    re.IGNORECASE,
)
NEUTRAL_FEEDBACK = {"not-spam", "auth-failure", "dmarc"}
COMPLAINT_TYPES = {"abuse", "fraud", "opt-out", "opt-out-list"}


def classify_message(content: bytes) -> BounceReport:
    """Classify the first MAX_CONTENT bytes of a message. Unreadable messages are `unknown`."""
    # The parser compares each line with every enclosing boundary, so deeply nested parts would take ever longer.
    if content[:MAX_CONTENT].lower().count(b"boundary") > MAX_PARTS:
        return BounceReport(kind=BounceKind.UNKNOWN)
    try:
        # A mailbox of an old Mac ends its lines with CR alone.
        lines = content[:MAX_CONTENT].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        # A notification in JSON that was stored as a file has no header.
        lines = b"\n" + lines if lines.lstrip().startswith(b"{") else lines
        message = message_from_bytes(lines, policy=policy.compat32)
        return _classify(message, collect_parts(message))
    except Exception:  # noqa: BLE001 -- the email library raises many things at hostile mail, and one message must not stop the others
        return BounceReport(kind=BounceKind.UNKNOWN)


def _classify(message: Message, parts: MessageParts) -> BounceReport:
    sent_to = list(_remove_duplicates(_iter_local_parts(find_addresses(message, *RECIPIENT_FIELDS))))
    if parts.feedback is not None:
        return _make_complaint_report(parts.feedback, parts, sent_to)
    if parts.status_groups:
        notice = NoticeText.before_original(parts.text)
        found, other = failures.parse_delivery_status(
            parts.status_groups, notice, _find_senders(message, parts)
        )
        if found:
            return _make_failure_report(found, parts, sent_to)
        if other:
            return BounceReport(kind=BounceKind.NOTICE, local_parts=tuple(sent_to))
    return _classify_unstructured(message, parts, sent_to)


def _classify_unstructured(message: Message, parts: MessageParts, sent_to: list[str]) -> BounceReport:
    """Classify a message without a machine-readable part.

    A message that is a report, or that a mail system sent, is never classified as an automatic reply.
    """
    if reader := OUTLOOK_RECIPIENT.search("\n".join(parts.returned_headers)):
        fields = Message()
        fields["Feedback-Type"], fields["Original-Rcpt-To"] = "abuse", reader[1]
        return _make_complaint_report(fields, parts, sent_to)
    is_report = parts.is_report or auto_replies.is_mail_system(message)
    kind = BounceKind.NOTICE if parts.has_disposition else _find_reply_kind(message, parts)
    if kind is not None and not (is_report and kind is BounceKind.AUTO_REPLY):
        return BounceReport(kind=kind, local_parts=tuple(sent_to))
    found = _find_unstructured_failures(message, parts, is_report=is_report)
    if found and _is_delay_warning(message, parts.text, found):
        return BounceReport(kind=BounceKind.NOTICE, local_parts=tuple(sent_to))
    if found:
        return _make_failure_report(found, parts, sent_to)
    is_automatic = auto_replies.is_auto_submitted(message) or auto_replies.suppresses_auto_replies(message)
    kind = BounceKind.AUTO_REPLY if is_automatic and not is_report else BounceKind.UNKNOWN
    return BounceReport(kind=kind, local_parts=tuple(sent_to))


def _find_reply_kind(message: Message, parts: MessageParts) -> BounceKind | None:
    """Return the kind of an answer to our mail, from a person or a program.

    Returns None if the message is not recognised as an answer.
    """
    if auto_replies.is_challenge(message):
        return BounceKind.CHALLENGE
    if auto_replies.is_receipt(message):
        return BounceKind.NOTICE
    if auto_replies.has_away_subject(message):
        return BounceKind.AUTO_REPLY
    if auto_replies.is_unsubscribe_request(message, parts.text):
        return BounceKind.UNSUBSCRIBE
    return None


def _find_unstructured_failures(
    message: Message, parts: MessageParts, *, is_report: bool
) -> list[FailedRecipient]:
    """Return the failures in a text written for people.

    The result is empty unless a mail system seems to have written the text.
    """
    has_form = auto_replies.has_failure_subject(message) or auto_replies.has_failure_text(parts.text)
    if not (is_report or has_form or auto_replies.has_null_return_path(message)):
        return []
    notice = NoticeText.before_original(parts.text)
    found = find_failures(message, notice, _find_senders(message, parts), ORIGINAL_TO.findall(parts.quoted))
    # An automatic reply with an empty return path may contain addresses too, so an empty return path alone
    # proves nothing.
    is_certain = is_report or has_form or any(one.verdict is not Verdict.UNCLEAR for one in found)
    return found if is_certain else []


def _find_senders(message: Message, parts: MessageParts) -> tuple[str, ...]:
    """Return our own addresses, as far as the message shows them.

    These are the recipients of the report and the senders of the original message.
    """
    sent_to = find_addresses(message, "To", "Delivered-To")
    quoted = "\n".join(parts.returned_headers)
    return tuple(dict.fromkeys([*sent_to, *RETURN_PATH.findall(quoted), *ORIGINAL_FROM.findall(quoted)]))


def _is_delay_warning(message: Message, text: str, found: list[FailedRecipient]) -> bool:
    is_warning = re.search(
        r"warning|delay|vertrag|verz[öo]ger|retard", decode_field(message, "Subject"), re.IGNORECASE
    )
    is_temporary = all(failure.reply.code < 500 for failure in found)
    return bool(is_warning) and (is_temporary or bool(STILL_TRYING.search(text[:4000])))


def _make_failure_report(
    found: list[FailedRecipient], parts: MessageParts, sent_to: list[str]
) -> BounceReport:
    quoted = parts.quoted
    named = [
        address for failure in found for address in (failure.recipient, failure.original_recipient) if address
    ]
    return BounceReport(
        kind=found[0].kind,
        local_parts=_remove_duplicates([*sent_to, *_iter_local_parts(RETURN_PATH.findall(quoted))]),
        failures=tuple(found),
        recipients=_remove_duplicates([*named, *ORIGINAL_TO.findall(quoted)]),
        message_ids=_remove_duplicates(MESSAGE_ID.findall(quoted)),
    )


def _make_complaint_report(fields: Message, parts: MessageParts, sent_to: list[str]) -> BounceReport:
    """Return a complaint by a reader (RFC 5965).

    Return a notice if the feedback is about something else, such as failed authentication.
    """
    sort = decode_field(fields, "Feedback-Type").lower()
    if sort not in COMPLAINT_TYPES:
        kind = BounceKind.NOTICE if sort in NEUTRAL_FEEDBACK else BounceKind.UNKNOWN
        return BounceReport(kind=kind, local_parts=tuple(sent_to))
    quoted = "\n".join(parts.returned_headers)
    envelope = _iter_local_parts([parse_typed_address(decode_field(fields, "Original-Mail-From"))])
    named = [parse_typed_address(str(value)) for value in fields.get_all("Original-Rcpt-To", [])]
    by = decode_field(fields, "User-Agent") or decode_field(fields, "Reporting-MTA")
    return BounceReport(
        kind=BounceKind.COMPLAINT,
        local_parts=_remove_duplicates(
            [*sent_to, *envelope, *_iter_local_parts(RETURN_PATH.findall(quoted))]
        ),
        failures=(FailedRecipient(recipient="", reply=Reply.parse(550, f"{sort} {by}")),),
        recipients=_remove_duplicates([*named, *ORIGINAL_TO.findall(quoted)]),
        message_ids=_remove_duplicates(MESSAGE_ID.findall(quoted)),
    )


def _iter_local_parts(found: Iterable[str]) -> Iterator[str]:
    return (address.rpartition("@")[0] for address in found if address)


def _remove_duplicates(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in found if text and text.isprintable()))[:MAX_IDS]
