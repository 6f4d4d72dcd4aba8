"""Read the machine-readable part of a delivery report (RFC 3464)."""

import re
from collections.abc import Iterator
from email.message import Message
from itertools import islice

from moza_mail.bounces.header import clean_text, parse_typed_address, read_fields
from moza_mail.bounces.notice_text import NoticeText, find_clear_verdict, find_reply
from moza_mail.model.bounce import FailedRecipient
from moza_mail.model.reply import Reply
from moza_mail.model.reply_text import ReplyContext
from moza_mail.model.verdict import Verdict

MAX_RECIPIENTS = 100
MAX_REPLY = 2000
STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")


def parse_delivery_status(
    groups: list[Message], text: NoticeText, senders: tuple[str, ...] = ()
) -> tuple[list[FailedRecipient], bool]:
    """Return the failures in a delivery report, and True if the report also has other results.

    Other results are, for example, delays and deliveries.

    groups: the fields of the message/delivery-status part.
    text: the part for people, which often says more than the fields.
    senders: our own addresses.
    """
    failures, has_other = [], False
    for group in groups[:MAX_RECIPIENTS]:
        action = clean_text(str(group.get("Action", ""))).partition(" ")[0].lower()
        if action == "failed" or (
            not action and group.get("Diagnostic-Code") and group.get("Final-Recipient")
        ):
            failures.append(_parse_failure(group, text, senders))
        elif action:
            has_other = True
    return failures, has_other


def _parse_failure(group: Message, text: NoticeText, senders: tuple[str, ...]) -> FailedRecipient:
    final, original = (
        parse_typed_address(str(group.get(name, ""))) for name in ("Final-Recipient", "Original-Recipient")
    )
    found = STATUS.search(clean_text(str(group.get("Status", ""))))
    status = found[0] if found else ""
    context = ReplyContext(
        recipients=tuple(dict.fromkeys(filter(None, (final, original)))),
        senders=senders,
        status=status,
        server=parse_host(group, "Remote-MTA"),
        is_report=True,
    )
    said = list(_iter_diagnostics(group))
    verdict, words = find_clear_verdict([*said, *text.near(final), *text.near(original)], context)
    if verdict is Verdict.UNCLEAR and not said:
        verdict, words = find_clear_verdict([status, *text.paragraphs()], context)
    return FailedRecipient(
        recipient=final,
        original_recipient=original,
        reply=make_reply(words or next(iter(said), ""), status),
        verdict=verdict,
    )


def _iter_diagnostics(group: Message) -> Iterator[str]:
    """Yield the replies of the last server (RFC 3464 2.3.6).

    The type at the beginning of the field, such as `smtp;`, is left out.
    """
    for name in ("Diagnostic-Code", "X-Supplementary-Info", "X-Display-Name-Diagnostic"):
        for value in islice(read_fields(group, name), 2):
            kind, semicolon, said = clean_text(value)[:MAX_REPLY].partition(";")
            if text := (said if semicolon and " " not in kind.strip() else value).strip():
                yield clean_text(text)


def parse_host(group: Message, name: str) -> str:
    """Return the host of a field such as `dns; mx.example.org`."""
    return clean_text(str(group.get(name, ""))).partition(";")[2].strip()


def make_reply(diagnostic: str, status: str) -> Reply:
    """Parse a diagnostic as a reply.

    A diagnostic without a code gets the code 400 if its status begins with 4, and 500 otherwise.
    """
    found = find_reply(diagnostic)
    if found is None:
        return Reply.parse(400 if status.startswith("4") else 500, f"{status} {diagnostic}".strip())
    if found.enhanced or not status or status.endswith(".0.0") or status[0] != str(found.code)[0]:
        return found
    return Reply.parse(found.code, f"{status} {found.text}")
