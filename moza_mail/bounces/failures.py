"""The failures a report tells of: by RFC 3464 in fields, or, where a server keeps to no standard, found by flufl.bounce."""

import logging
import re
from collections.abc import Iterator
from email.message import Message

from moza_mail.bounces.header import clean_text, parse_typed_address
from moza_mail.model.bounce import FailedRecipient
from moza_mail.model.mailing import Reply

MAX_RECIPIENTS = 100
MAX_REPLY = 2000
STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# A basic code and what stands behind it; `550-5.1.1` is the first line of several, `#5.1.1` and `(#5.1.1)` are qmail's and Exchange's.
BASIC_CODE = re.compile(
    r"(?<![\d.])([45]\d\d)(?:[ -]+\(?#?(?:([245]\.\d{1,3}\.\d{1,3})\)?)?|(?=:))[ :-]*(.*)", re.DOTALL
)
ENHANCED_ONLY = re.compile(r"#?\b([45]\.\d{1,3}\.\d{1,3})\b[ :-]*(.*)", re.DOTALL)
# A code is repeated at the front of each line of an answer of several lines.
REPEATED_CODE = re.compile(r"\s[245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3}\s)?")
# Behind such a line a report quotes the message that failed, in which numbers mean nothing.
START_OF_ORIGINAL = re.compile(
    r"^[^\w\n]{0,80}(?:(?:this is|below (?:this line )?is|following is) (?:a |the )?copy of (?:the|your) (?:message|original)|original message|"
    r"message headers? follow|the original message|oorspronkelijk bericht|return-path:|received: )",
    re.IGNORECASE | re.MULTILINE,
)
SEARCH_DISTANCE = 1500

# It tells each detector by logging, which without a handler would end up on the operator's screen.
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())


def parse_delivery_status(blocks: list[Message]) -> tuple[list[FailedRecipient], bool]:
    """The failures of a message/delivery-status part, and whether it told of anything else (late, delivered)."""
    failures, other = [], False
    for block in blocks[:MAX_RECIPIENTS]:
        action = clean_text(str(block.get("Action", ""))).partition(" ")[0].lower()
        final, original = (
            parse_typed_address(str(block.get(name, "")))
            for name in ("Final-Recipient", "Original-Recipient")
        )
        if action == "failed":
            failures.append(
                FailedRecipient(recipient=final, original_recipient=original, reply=_parse_reply(block))
            )
        elif action:
            other = True
    return failures, other


def _parse_reply(block: Message) -> Reply:
    """What the last server said, or, where it left no words, what the status says (RFC 3464 2.3.4 and 2.3.6)."""
    found = STATUS.search(clean_text(str(block.get("Status", ""))))
    status = found[0] if found else ""
    kind, _, said = clean_text(str(block.get("Diagnostic-Code", "")))[:MAX_REPLY].partition(";")
    told = find_reply(said or kind)
    if told is None:
        # 500 and 400 are no answers to RCPT: words without a code decide nothing.
        code = 400 if status.startswith("4") else 500
        return Reply.parse(code, f"{status} {said}".strip())
    if told.enhanced or not status or status[0] != str(told.code)[0]:
        return told
    return Reply.parse(told.code, f"{status} {told.text}" if not status.endswith(".0.0") else told.text)


def find_reply(text: str) -> Reply | None:
    """The first reply of a server in a text: a code of 4xx or 5xx, or an enhanced one; None when there is neither."""
    cut = text[:MAX_REPLY]
    basic, enhanced = BASIC_CODE.search(cut), ENHANCED_ONLY.search(cut)
    if basic and (enhanced is None or basic.start() <= enhanced.start()):
        return Reply.parse(int(basic[1]), REPEATED_CODE.sub(" ", f"{basic[2] or ''} {basic[3]}".strip()))
    if enhanced:
        # qmail writes the code behind its words: `Sorry, no mailbox here by that name. (#5.1.1)`.
        words = enhanced[2].strip("() ") or cut[: enhanced.start()].rstrip("(# ")
        return Reply.parse(400 if enhanced[1].startswith("4") else 500, f"{enhanced[1]} {words}")
    return None


def find_nonstandard_failures(message: Message, text: str) -> list[FailedRecipient]:
    """The failures of a report of no standard form: whom flufl.bounce finds, and the code that stands behind each.

    One without a code gets 500 or 400, which its words alone can make neither hard nor full.
    """
    from flufl.bounce import all_failures

    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001  # it meets what anybody sends, and its detectors raise what they please
        return []
    told = _cut_original(text)
    late = set(_decode_addresses(temporary))
    found = sorted({*_decode_addresses(permanent), *late})[:MAX_RECIPIENTS]
    return [
        FailedRecipient(recipient=one, reply=_find_reply_near(told, one, 400 if one in late else 500))
        for one in found
    ]


def _decode_addresses(found: frozenset[bytes]) -> Iterator[str]:
    for address in found:
        if read := parse_typed_address(address.decode("ascii", "replace")):
            yield read


def _cut_original(said: str) -> str:
    copy = START_OF_ORIGINAL.search(said)
    return said[: copy.start()] if copy else said


def _find_reply_near(told: str, address: str, otherwise: int) -> Reply:
    """The reply in the words behind an address, or else before it; those words under the code `otherwise` when there is none."""
    at = told.lower().find(address.lower())
    if at < 0:
        words = clean_text(told[:SEARCH_DISTANCE])
        return find_reply(words) or Reply.parse(otherwise, words)
    end = at + len(address)
    behind = clean_text(re.split(r"\n\s*\n\s*<?[^\s@]+@", told[end : end + SEARCH_DISTANCE], maxsplit=1)[0])
    return (
        find_reply(behind)
        or find_reply(clean_text(told[max(0, at - SEARCH_DISTANCE) : at]))
        or Reply.parse(otherwise, behind.strip(">: "))
    )
