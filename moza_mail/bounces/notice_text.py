"""Find failures in the part of a report that is written for people."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import Message

from moza_mail.bounces.header import ADDRESS, clean_text, parse_typed_address
from moza_mail.model.bounce import FailedRecipient
from moza_mail.model.classify_reply import UNKNOWN_RULE, find_rule
from moza_mail.model.reply import Reply
from moza_mail.model.reply_text import ReplyContext
from moza_mail.model.verdict import Verdict

MAX_RECIPIENTS = 100
MAX_REPLY = 2000
SEARCH_DISTANCE = 1500
# `550-5.1.1` begins a reply of several lines. Exchange and qmail write `#5.1.1` and `(#5.1.1)`.
BASIC_CODE = re.compile(
    r"(?<![\d.])([45]\d\d)(?:[ -]+\(?#?(?:([245]\.\d{1,3}\.\d{1,3}(?![\d.]))\)?)?|(?=:))[ :-]*(.*)", re.DOTALL
)
ENHANCED_ONLY = re.compile(r"#?(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]|\.\d)[ :-]*(.*)", re.DOTALL)
# Each line of a reply of several lines repeats the code.
REPEATED_CODE = re.compile(r"\s[245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3}\s)?")
# After such a line, a report quotes the message that failed. Numbers in the quoted message are not reply
# codes.
START_OF_ORIGINAL = re.compile(
    r"^[^\w\n]{0,80}(?:(?:this is|below (?:this line )?is|following is) (?:a |the )?copy of (?:the|your) (?:message|original)|"
    r"original message|message headers? follow|the original message (?:headers|follows|body|text)|oorspronkelijk bericht|"
    r"oorspronkelijke berichtkoppen|originale nachrichtenkopf|ursprüngliche nachrichtenkopf|en-têtes de message d.origine|"
    r"return-path:|received: |(?:reporting-mta|final-recipient|original-recipient) ?:|undelivered message headers|message text follows)",
    re.IGNORECASE | re.MULTILINE,
)
NOT_READERS = re.compile(
    r"(?:mailer-?daemon|post-?master|mail-?daemon|mdaemon|abuse|no-?reply)@", re.IGNORECASE
)
# The beginning of other text, which ends the passage about an address.
END_OF_PASSAGE = re.compile(
    r"^[ \t]*(?:-{4,}|={4,}|-+ *(?:smtp command|original mail|enclosed is|below)|<html|<!doctype|(?:reporting-mta|final-recipient|original-recipient|action|status|last-attempt-date|arrival-date) ?:|"
    r"(?:received|date|from|subject|to|user-agent|mime-version|content-type) ?:|the attachment contains)",
    re.IGNORECASE | re.MULTILINE,
)
ADDRESS_LINE = re.compile(rf"^[ \t*>-]{{0,8}}<?({ADDRESS.pattern})>?(?: |:|\.\.\.|<|$)", re.MULTILINE)
LINE_WITH_CODE = re.compile(r"[45]\d\d[ -]")
BLANK_LINE = re.compile(r"\n[ \t]*\n")

# flufl.bounce logs each detector. Without a handler, Python would print these lines on the operator's screen.
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class NoticeText:
    """The text of a report, up to the quoted original message."""

    text: str

    @classmethod
    def before_original(cls, text: str) -> "NoticeText":
        """Return the text before the quoted original message."""
        copy = START_OF_ORIGINAL.search(text)
        return cls(text[: copy.start()] if copy and text[: copy.start()].strip() else text)

    def near(self, address: str, others: Sequence[str] = ()) -> list[str]:
        """Return the passages about an address, in the order of `sort_passages`.

        The passages are the texts after each mention of the address, and the text before its first mention. A passage ends
        before a line that begins with one of the addresses in `others`.
        """
        low, wanted = self.text.lower(), address.lower()
        if not wanted or wanted not in low:
            return []
        starts = [match.start() for match in re.finditer(re.escape(wanted), low)][:6]
        after = [
            self._cut(self.text[start + len(wanted) :][:SEARCH_DISTANCE], address, others)
            for start in starts
            # Sendmail writes a line for each statement: `550 <a@example.org>... Host unknown`.
            if not LINE_WITH_CODE.match(self._line_at(start))
        ]
        before = self.text[max(0, starts[0] - SEARCH_DISTANCE) : starts[0]]
        lines = [self._statement_at(start) for start in starts]
        paragraphs = [part for passage in (*after, before) for part in BLANK_LINE.split(passage)]
        return sort_passages([*lines, *paragraphs, *after])

    def paragraphs(self) -> list[str]:
        """Return the paragraphs at the beginning of the text, in the order of `sort_passages`."""
        return sort_passages(BLANK_LINE.split(self.text[:4000]))

    def _line_at(self, position: int) -> str:
        return self.text[self.text.rfind("\n", 0, position) + 1 :].partition("\n")[0][:SEARCH_DISTANCE]

    def _statement_at(self, position: int) -> str:
        """Return the line at a position, and the following lines that are indented further.

        Postfix and Exim break long statements in this way. The first line alone may lack the reason.
        """
        lines = self.text[self.text.rfind("\n", 0, position) + 1 :][:SEARCH_DISTANCE].split("\n")
        depth = _measure_indent(lines[0])
        ends = (
            at for at, line in enumerate(lines[1:], 1) if not line.strip() or _measure_indent(line) <= depth
        )
        return "\n".join(lines[: next(ends, len(lines))])

    def _cut(self, passage: str, address: str, others: Sequence[str]) -> str:
        unlike = {other.lower() for other in others} - {address.lower()}
        ends = [END_OF_PASSAGE.search(passage, 1)]
        ends += [found for found in ADDRESS_LINE.finditer(passage) if found[1].lower() in unlike][:1]
        return passage[: min((end.start() for end in ends if end), default=len(passage))]

    def addresses(self) -> list[str]:
        """Return the addresses at the beginning of a line, or else all addresses in the text.

        Addresses of mail systems are left out.
        """
        listed: list[str] = []
        end = 0
        for match in ADDRESS_LINE.finditer(self.text):
            # Addresses in the later lines of a statement are only quoted by the reply. One of them may be our
            # own.
            if match.start() >= end:
                listed.append(match[1])
                end = match.start() + len(self._statement_at(match.start(1)))
        found = listed or [match[0] for match in ADDRESS.finditer(self.text)]
        addresses = dict.fromkeys(each.strip(".'") for each in found if each.isprintable())
        return [address for address in addresses if not NOT_READERS.match(address)]


def _measure_indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def sort_passages(passages: Iterable[str]) -> list[str]:
    """Sort passages so that the most informative ones come first, and remove duplicates.

    Passages with a reply code come first, then passages with an enhanced status, then all others.
    """
    cleaned = (clean_text(passage).strip(">:- ") for passage in passages)
    return sorted(filter(None, dict.fromkeys(cleaned)), key=_rank)


def _rank(passage: str) -> int:
    if BASIC_CODE.search(passage):
        return 0
    return 1 if ENHANCED_ONLY.search(passage) else 2


def find_reply(text: str) -> Reply | None:
    """Return the first reply in a text; None if there is none.

    A reply has a 4xx or 5xx code, or an enhanced status code.
    """
    cut = text[:MAX_REPLY]
    basic, enhanced = BASIC_CODE.search(cut), ENHANCED_ONLY.search(cut)
    if basic and (enhanced is None or basic.start() <= enhanced.start()):
        return Reply.parse(int(basic[1]), REPEATED_CODE.sub(" ", f"{basic[2] or ''} {basic[3]}".strip()))
    if enhanced:
        # qmail writes the code after its words: `Sorry, no mailbox here by that name. (#5.1.1)`.
        words = enhanced[2].strip("() ") or cut[: enhanced.start()].rstrip("(# ")
        return Reply.parse(400 if enhanced[1].startswith("4") else 500, f"{enhanced[1]} {words}")
    return None


def find_failures(
    message: Message, notice: NoticeText, senders: tuple[str, ...], original_to: Sequence[str] = ()
) -> list[FailedRecipient]:
    """Return the failures in a report without a standard form.

    The verdict on each address follows from the words near the address.

    senders: our own addresses, which are not failed recipients.
    original_to: the recipients in the header of the original message, used if the report names no address.
    """
    late, failed = _detect_addresses(message)
    named = (
        parse_failed_recipients(message)
        or [*failed, *(one for one in late if one not in failed)]
        or _find_readers(notice, senders)
        or [address for address in original_to if address.isprintable()][:1]
    )[:MAX_RECIPIENTS]
    return [
        judge_passages(
            notice, address, ReplyContext(recipients=(address,), senders=senders, is_report=True), named
        )
        for address in named
    ]


def judge_passages(
    notice: NoticeText, address: str, context: ReplyContext, others: Sequence[str]
) -> FailedRecipient:
    """Return the failure of an address, judged by the words about the address.

    If these words are unclear, the whole text is judged instead.
    """
    verdict, chosen = find_clear_verdict(notice.near(address, others), context)
    if verdict is Verdict.UNCLEAR:
        verdict, chosen = find_clear_verdict(filter(None, (chosen, *notice.paragraphs())), context)
    code = 400 if verdict in {Verdict.TEMPORARY, Verdict.THROTTLED} else 500
    reply = find_reply(chosen) or Reply.parse(code, chosen)
    return FailedRecipient(recipient=address, reply=reply, verdict=verdict)


def find_clear_verdict(passages: Iterable[str], context: ReplyContext) -> tuple[Verdict, str]:
    """Return the first clear verdict, and the passage that gave it.

    If no passage has a clear verdict, return UNCLEAR and the first passage.
    """
    first = ""
    for passage in passages:
        first = first or passage
        verdict, rule = find_rule(passage, context)
        if not rule.startswith(UNKNOWN_RULE) or (verdict is not Verdict.UNCLEAR and find_reply(passage)):
            return verdict, passage
    return Verdict.UNCLEAR, first


def parse_failed_recipients(message: Message) -> list[str]:
    """Return the addresses in the field X-Failed-Recipients, which Exim and Gmail write."""
    return list(dict.fromkeys(ADDRESS.findall(clean_text(str(message.get("X-Failed-Recipients", ""))))))


def _detect_addresses(message: Message) -> tuple[list[str], list[str]]:
    """Return the delayed and the failed addresses that flufl.bounce finds.

    flufl.bounce knows the report texts of many servers.
    """
    from flufl.bounce import all_failures

    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001 -- the detectors of flufl.bounce may raise any exception for hostile mail
        return [], []
    late, failed = (
        sorted(filter(None, (parse_typed_address(one.decode("ascii", "replace")) for one in found)))
        for found in (temporary, permanent)
    )
    return late, failed


def _find_readers(notice: NoticeText, senders: tuple[str, ...]) -> list[str]:
    ours = {sender.lower() for sender in senders}
    return [address for address in notice.addresses() if address.lower() not in ours]
