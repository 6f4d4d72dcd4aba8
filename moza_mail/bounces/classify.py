"""The pure reading of one message of the bounce mailbox: what it is, whom it may be about, and nothing believed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from email.utils import collapse_rfc2231_value

from moza_mail.bounces import auto_replies, failures
from moza_mail.bounces.header import addresses, clean, text, typed_address
from moza_mail.bounces.message import LONGEST
from moza_mail.model.bounce import BounceKind, Failure, Report
from moza_mail.model.mailing import Reply

MOST_PARTS = 60
MOST_IDS = 20
# The fields that MTAs write the envelope's recipient in when they deliver, before To, which the report's writer chose.
SENT_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
MESSAGE_ID = re.compile(
    r"^[ \t>]{0,4}Message-ID:\s{0,4}(<[^\s<>]{1,200}@[^\s<>]{1,200}>)", re.IGNORECASE | re.MULTILINE
)
RETURN_PATH = re.compile(
    r"^[ \t>]{0,4}Return-Path:\s{0,4}<([^\s<>]{1,200}@[^\s<>]{1,200})>", re.IGNORECASE | re.MULTILINE
)
RETURNED_TO = re.compile(
    r"^[ \t>]{0,4}To:[^\n]{0,300}?<?([^\s<>,;:\"]{1,200}@[^\s<>,;:\"]{1,200})>?\s{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
# Outlook.com's complaints are no reports of RFC 5965: the message itself comes back, with this field put before it.
OUTLOOK_READER = re.compile(
    r"^X-HmXmrOriginalRecipient:\s{0,4}<?([^\s<>]{1,200}@[^\s<>]{1,200})>?\s{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list"}


@dataclass(slots=True)
class Parts:
    """What the parts of a message hold, in order."""

    status: list[Message] = field(default_factory=list)
    feedback: Message | None = None
    disposition: bool = False
    said: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)


def read(content: bytes) -> Report:
    """Read a message of any form, LONGEST bytes of it at most; what cannot be read is of the kind unknown."""
    # Each line is held against every boundary around it, so that parts within parts would take ever longer.
    if content[:LONGEST].lower().count(b"boundary") > MOST_PARTS:
        return Report(kind=BounceKind.UNKNOWN)
    try:
        message = message_from_bytes(content[:LONGEST], policy=policy.compat32)
        return _report(message, _parts(message))
    except Exception:  # noqa: BLE001  # the library raises many things at hostile mail, and none of it may stop the others
        return Report(kind=BounceKind.UNKNOWN)


def _parts(message: Message) -> Parts:
    """The parts of a message, looked at once; what is inside a returned message is only its own text."""
    found = Parts()
    waiting = [message]
    for _ in range(MOST_PARTS):
        if not waiting:
            break
        part = waiting.pop(0)
        kind = part.get_content_type()
        inner = part.get_payload()
        if kind in {"message/delivery-status", "message/global-delivery-status"}:
            found.status += _blocks(part)
        elif kind == "message/feedback-report":
            found.feedback = found.feedback or next(iter(_blocks(part)), Message())
        elif kind == "message/disposition-notification":
            found.disposition = True
        elif kind in {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}:
            found.returned.append(_returned(part))
        elif isinstance(inner, list):
            waiting = [*inner, *waiting]
        elif part.get_content_maintype() == "text":
            found.said.append(_decoded(part))
    return found


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a report's machine-readable part, as the library divided them or as its text is."""
    inner = part.get_payload()
    if isinstance(inner, list) and all(isinstance(each, Message) for each in inner):
        blocks = [block for block in inner if isinstance(block, Message)]
        if any(block.keys() for block in blocks):
            return blocks
        inner = blocks[0].get_payload() if blocks else ""
    written = inner if isinstance(inner, str) else _decoded(part)
    groups = re.split(r"\r?\n[ \t]*\r?\n", written.strip())
    return [message_from_bytes(group.encode("utf-8", "replace"), policy=policy.compat32) for group in groups]


def _returned(part: Message) -> str:
    """The header of the message that a report returns."""
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return "\n".join(f"{name}: {clean(str(value))}" for name, value in inner[0].items())
    return _decoded(part)


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "replace")
    charset = str(collapse_rfc2231_value(part.get_param("charset", "utf-8")))
    try:
        return octets.decode(charset, "replace")
    except LookupError:
        return octets.decode("ascii", "replace")


def _report(message: Message, parts: Parts) -> Report:
    sent_to = list(_unique(_locals(addresses(message, *SENT_TO))))
    if parts.feedback is not None:
        return _complaint(parts.feedback, parts, sent_to)
    if parts.status:
        found, other = failures.of_status(parts.status)
        if found:
            return _failed(found, parts, sent_to)
        return Report(kind=BounceKind.NOTICE if other else BounceKind.UNKNOWN, returned_to=tuple(sent_to))
    return _unmarked(message, parts, sent_to)


def _unmarked(message: Message, parts: Parts, sent_to: list[str]) -> Report:
    """What has no machine-readable part: an answer, a wish to leave, a report of a form of its own, or a person's mail."""
    to = tuple(sent_to)
    if reader := OUTLOOK_READER.search("\n".join(parts.returned)):
        fields = Message()
        fields["Feedback-Type"], fields["Original-Rcpt-To"] = "abuse", reader[1]
        return _complaint(fields, parts, sent_to)
    if parts.disposition:
        return Report(kind=BounceKind.NOTICE, returned_to=to)
    if auto_replies.is_challenge(message):
        return Report(kind=BounceKind.CHALLENGE, returned_to=to)
    if auto_replies.is_away(message):
        return Report(kind=BounceKind.AUTO_REPLY, returned_to=to)
    if auto_replies.is_reporter(message) and (found := failures.odd(message, "\n".join(parts.said))):
        if all(failure.reply.code < 500 for failure in found) and _is_late(message):
            return Report(kind=BounceKind.NOTICE, returned_to=to)
        return _failed(found, parts, sent_to)
    if auto_replies.is_automatic(message) or (
        auto_replies.is_quieted(message) and not auto_replies.asks_to_leave(message)
    ):
        return Report(kind=BounceKind.AUTO_REPLY, returned_to=to)
    kind = BounceKind.UNSUBSCRIBE if auto_replies.asks_to_leave(message) else BounceKind.UNKNOWN
    return Report(kind=kind, returned_to=to)


def _is_late(message: Message) -> bool:
    return bool(re.search(r"warning|delay|vertrag", text(message, "Subject"), re.IGNORECASE))


def _failed(found: list[Failure], parts: Parts, sent_to: list[str]) -> Report:
    quoted = "\n".join([*parts.returned, *parts.said])
    named = [address for failure in found for address in (failure.recipient, failure.original) if address]
    return Report(
        kind=found[0].kind,
        returned_to=_unique([*sent_to, *_locals(RETURN_PATH.findall(quoted))]),
        failures=tuple(found),
        recipients=_unique([*named, *RETURNED_TO.findall(quoted)]),
        message_ids=_unique(MESSAGE_ID.findall(quoted)),
    )


def _complaint(fields: Message, parts: Parts, sent_to: list[str]) -> Report:
    """An abuse report (RFC 5965): of a kind that a reader gives, or one that says nothing of a reader."""
    sort = text(fields, "Feedback-Type").lower()
    if sort not in COMPLAINTS:
        kind = BounceKind.NOTICE if sort == "not-spam" else BounceKind.UNKNOWN
        return Report(kind=kind, returned_to=tuple(sent_to))
    quoted = "\n".join(parts.returned)
    envelope = _locals([typed_address(text(fields, "Original-Mail-From"))])
    named = [typed_address(str(value)) for value in fields.get_all("Original-Rcpt-To", [])]
    by = text(fields, "User-Agent") or text(fields, "Reporting-MTA")
    return Report(
        kind=BounceKind.COMPLAINT,
        returned_to=_unique([*sent_to, *envelope, *_locals(RETURN_PATH.findall(quoted))]),
        failures=(Failure(recipient="", reply=Reply.read(550, f"{sort} {by}")),),
        recipients=_unique([*named, *RETURNED_TO.findall(quoted)]),
        message_ids=_unique(MESSAGE_ID.findall(quoted)),
    )


def _locals(found: Iterable[str]) -> Iterator[str]:
    return (address.rpartition("@")[0] for address in found if address)


def _unique(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in found if text and text.isprintable()))[:MOST_IDS]
