"""Read the notifications of Amazon SES, which are JSON in a mail or in a file.

A bounce is converted to the fields of a delivery report (RFC 3464). A complaint is converted to the fields of
a feedback report (RFC 5965).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

from moza_mail.bounces.header import clean_text

MAX_RECIPIENTS = 100
MAX_HEADERS = 100
# If SES itself refused the message, the notification has no diagnostic. Then its bounce subtype is converted to one of these
# replies (Amazon SES developer guide, "Bounce types"). The subtype `General` gives no reason.
REASONS = {
    "NoEmail": "550 5.1.1 user unknown",
    "Suppressed": "550 5.1.1 the address is on the suppression list",
    "OnAccountSuppressionList": "550 5.1.1 the address is on the suppression list",
    "MailboxFull": "552 5.2.2 mailbox full",
    "MessageTooLarge": "552 5.3.4 message too large",
    "ContentRejected": "554 5.6.0 content rejected",
    "AttachmentRejected": "554 5.6.0 attachment rejected",
    "CustomTimeoutExceeded": "450 4.4.7 delivery time expired",
}
ACTIONS = {"Delivery": "delivered", "DeliveryDelay": "delayed", "Send": "relayed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SesNotification:
    """A notification in the form of a report.

    status_groups: the fields of each recipient, for a bounce or a delivery.
    feedback: the fields of a complaint; None for other notifications.
    returned_header: the header of the original message, as far as the notification has it.
    """

    status_groups: tuple[Message, ...] = ()
    feedback: Message | None = None
    returned_header: str = ""


def find_notification(text: str) -> SesNotification | None:
    """Return the notification in a text; None if there is none."""
    if "otificationType" not in text and "ventType" not in text:
        return None
    event = _find_object(text)
    wrapped = event.get("Message")
    if isinstance(wrapped, str):
        event = _find_object(wrapped)
    kind = str(event.get("notificationType") or event.get("eventType") or "")
    mail = _as_mapping(event.get("mail"))
    if not kind or not mail:
        return None
    header = "\n".join(_list_headers(mail))
    if kind == "Complaint":
        feedback = _make_feedback(_as_mapping(event.get("complaint")), mail)
        return SesNotification(feedback=feedback, returned_header=header)
    if kind == "Bounce":
        failures = tuple(_list_failures(_as_mapping(event.get("bounce"))))
        return SesNotification(status_groups=failures, returned_header=header)
    other = _make_fields(Action=ACTIONS.get(kind, "other"))
    return SesNotification(status_groups=(other,), returned_header=header)


def _find_object(text: str) -> Mapping[str, Any]:
    """Return the first JSON object in a text; an empty one if there is none.

    Line breaks that a mail server put into long lines are removed if necessary.
    """
    start = text.find("{")
    for written in (text[start:], text[start:].replace("\r", "").replace("\n", "")) if start >= 0 else ():
        try:
            return _as_mapping(json.JSONDecoder(strict=False).raw_decode(written)[0])
        except ValueError:
            continue
    return {}


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_mappings(value: Any) -> list[Mapping[str, Any]]:
    return [_as_mapping(one) for one in value[:MAX_RECIPIENTS]] if isinstance(value, list) else []


def _make_fields(**fields: str) -> Message:
    message = Message()
    for name, value in fields.items():
        if value:
            message[name.replace("_", "-")] = clean_text(value)
    return message


def _list_failures(bounce: Mapping[str, Any]) -> Iterator[Message]:
    is_temporary = bounce.get("bounceType") == "Transient"
    reason = REASONS.get(str(bounce.get("bounceSubType")), "451 temporary failure" if is_temporary else "")
    for one in _as_mappings(bounce.get("bouncedRecipients")):
        yield _make_fields(
            Final_Recipient=f"rfc822; {one.get('emailAddress') or ''}",
            Action="failed",
            Status=str(one.get("status") or ""),
            Diagnostic_Code=str(one.get("diagnosticCode") or (f"smtp; {reason}" if reason else "")),
        )


def _make_feedback(complaint: Mapping[str, Any], mail: Mapping[str, Any]) -> Message:
    fields = _make_fields(
        Feedback_Type=str(complaint.get("complaintFeedbackType") or "abuse"),
        User_Agent=str(complaint.get("userAgent") or "Amazon SES"),
        Original_Mail_From=f"<{mail.get('source') or ''}>",
    )
    for one in _as_mappings(complaint.get("complainedRecipients")):
        fields["Original-Rcpt-To"] = f"<{clean_text(str(one.get('emailAddress') or ''))}>"
    return fields


def _list_headers(mail: Mapping[str, Any]) -> Iterator[str]:
    if source := mail.get("source"):
        yield f"Return-Path: <{clean_text(str(source))}>"
    headers = _as_mappings(mail.get("headers"))[:MAX_HEADERS]
    for one in headers:
        yield f"{clean_text(str(one.get('name')))}: {clean_text(str(one.get('value')))}"
    common = _as_mapping(mail.get("commonHeaders"))
    if not headers and (message_id := common.get("messageId")):
        yield f"Message-ID: {clean_text(str(message_id))}"
    destination = mail.get("destination")
    for address in destination[:MAX_RECIPIENTS] if isinstance(destination, list) and not headers else ():
        yield f"To: {clean_text(str(address))}"
