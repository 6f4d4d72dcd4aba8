"""Classify a reply of a server, or the diagnostic in a report, by a table of rules.

The first rule that matches gives the verdict. Rules about the sender come before rules about the reader. Numbers that are
part of an IP address or a version are never read as status codes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from moza_mail.model.reply_rule import ReplyRule
from moza_mail.model.reply_rules_address import ADDRESS_RULES
from moza_mail.model.reply_rules_message import MESSAGE_RULES
from moza_mail.model.reply_rules_provider import PROVIDER_RULES
from moza_mail.model.reply_rules_sender import SENDER_RULES
from moza_mail.model.verdict import HARD_VERDICTS, SENDER_VERDICTS, Verdict

RULES = (*PROVIDER_RULES, *SENDER_RULES, *MESSAGE_RULES, *ADDRESS_RULES)
MAX_TEXT = 1000
UNKNOWN_RULE = RULES[-1].name
"""The name of the last rule, which matches every reply that no other rule knows."""

_STATUS = r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]|\.\d)"
CODE = re.compile(rf'(?:(?<![\d.:\[#-])|(?<=RCPT TO:))([45]\d\d)(?:[ -]|(?=[:;,"]))\s*["\']?#?(?:{_STATUS})?')
MARKED_STATUS = re.compile(rf"\(?#{_STATUS}\)?")
# Mimecast writes the status after a label: `Additional information follows : -- 5.4.1 Access denied`.
LEADING_STATUS = re.compile(rf"(?:^|(?<=: )|(?<=-- )){_STATUS}")
TYPE_PREFIX = re.compile(r"^(?:smtp|x-[\w.-]+|lmtp|dns|unix)\s*;\s*", re.IGNORECASE)
ANY_ADDRESS = re.compile(r"[\w.+=-]+@[\w-]+(?:\.[\w-]+)*")
BRACKETED_ADDRESS = re.compile(r"<([^<>\s]+@[^<>\s]+)>")
IP_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
# Postfix and qmail write this in front of any reason: `Recipient address rejected: Greylisted`.
NEUTRAL_PREFIX = re.compile(
    r"recipient address rejected: (?=\S)(?!access denied)|does not like recipient\.? remote host said:",
    re.IGNORECASE,
)
# A report quotes the session in which the refusal came, in the words of Postfix, Exim or qmail.
QUOTED_PHASES = (
    (
        "mail",
        r"in reply to mail from|after mail from|but sender was rejected|mail from:?<[^>]*> ?:? ?(?:host|response)",
    ),
    ("rcpt", r"in reply to rcpt to|after rcpt to|does not like recipient"),
    (
        "body",
        r"in reply to end of data|in reply to data|after (?:end of )?data|after pipelined end|failed after i sent",
    ),
    ("helo", r"in reply to (?:he|eh)lo|after (?:he|eh)lo"),
    ("connect", r"refused to talk to me|after initial connection|while talking to .{0,60}greeting"),
    ("auth", r"in reply to auth|after auth"),
)
# A link to a page about the refusal names nobody.
URL_HOST = re.compile(r"https?://[^/\s]+")
SENDER_CHECK = re.compile(r"sender address rejected|sender verify|verification failed for", re.IGNORECASE)
# A gateway quotes the reply of the server beyond it.
INNER_REPLIES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:returned an error|unknown recipient or mailbox unavailable|violation|returned .{3,40}?) -> ([45]\d\d.+)$",
        r"permanent failure for one or more recipients \([^:)]*:([45]\d\d .+?)\)?$",
        r"undeliverable address: (?:host \S+ said: )?([45]\d\d .+)$",
        r"(?:unknown address error|other status) (\d\d\d-'.+)$",
        r"remote server returned '?<?[^#]*#?(?:\d\.\d\.\d+ )?(?:smtp;)?([45]\d\d .+)$",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyContext:
    """The known facts about a reply besides its text.

    recipients: the reader's address, and the address to which it was forwarded if a report says so.
    senders: our addresses in the envelope and the message.
    phase: the step of the session: connect, helo, auth, mail, rcpt, data, body; empty if unknown.
    status: the `Status` field of a report (RFC 3464 2.3.4).
    is_report: True if the reply is from another server than our relay.
    """

    recipients: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    phase: str = ""
    status: str = ""
    server: str = ""
    is_report: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyParts:
    """A reply divided into its parts.

    code: the basic code.
    status: the enhanced status, empty if absent.
    words: the remaining text.
    """

    code: str
    status: str
    words: str


NO_CONTEXT = ReplyContext()


def classify_reply(text: str, context: ReplyContext = NO_CONTEXT) -> Verdict:
    """Return the verdict of a refusal such as `550 5.1.1 user unknown`, or of a diagnostic."""
    return find_rule(text, context)[0]


def find_rule(text: str, context: ReplyContext = NO_CONTEXT) -> tuple[Verdict, str]:
    """Return the verdict of a refusal and the name of the rule that gave it."""
    cut = " ".join(text[:MAX_TEXT].replace("\u2019", "'").replace("\u2018", "'").split())
    quoted = next((name for name, pattern in QUOTED_PHASES if re.search(pattern, cut, re.IGNORECASE)), "")
    context = replace(context, phase=quoted or context.phase)
    found = _find_inner(cut, context) or _find_plain(cut, context)
    verdict, rule = found
    if verdict not in NEUTRAL_VERDICTS and _names_sender(cut, context):
        return Verdict.SENDER_FAULT, f"{rule}, names the sender"
    return found


NEUTRAL_VERDICTS = SENDER_VERDICTS | {Verdict.THROTTLED, Verdict.TEMPORARY, Verdict.POLICY, Verdict.CONTENT}
"""Verdicts that never blame the reader's address. It does not matter whom the reply names."""


def _find_inner(text: str, context: ReplyContext) -> tuple[Verdict, str] | None:
    """Return the verdict and rule of a reply that a gateway quotes; None if it quotes none."""
    if SENDER_CHECK.search(text):
        return None
    for pattern in INNER_REPLIES:
        if inner := pattern.search(text):
            verdict, rule = _find_inner(inner[1], context) or _find_plain(inner[1], context)
            if verdict is not Verdict.UNCLEAR:
                return verdict, f"quoted: {rule}"
    return None


def _find_plain(text: str, context: ReplyContext) -> tuple[Verdict, str]:
    parts = _split(text)
    status = parts.status or ("" if context.status.endswith(".0.0") else context.status)
    is_temporary = _is_temporary(parts, status)
    words = _mask_addresses(parts.words, context)
    code = parts.code or "550"
    if is_temporary and not code.startswith("4"):
        code = "450"
    subject = ReplyParts(code=code, status=status, words=ANY_ADDRESS.sub("ADDR", words))
    rule = next(_matching_rules(subject, f"{text} {context.server}", context))
    if is_temporary and not rule.is_kept_by_4xx:
        return TEMPORARY_VERDICTS.get(rule.verdict, rule.verdict), f"{rule.name}, 4xx"
    if rule.verdict in HARD_VERDICTS and _names_only_others(
        _mask_addresses(_cut_frame(text), context), context
    ):
        return Verdict.UNCLEAR, f"{rule.name}, names another address"
    return rule.verdict, rule.name


TEMPORARY_VERDICTS = {
    **dict.fromkeys(HARD_VERDICTS, Verdict.TEMPORARY),
    Verdict.CONTENT: Verdict.TEMPORARY,
    Verdict.POLICY: Verdict.THROTTLED,
}
"""Verdicts and their replacement in a 4xx reply: a later attempt may succeed."""


def _is_temporary(parts: ReplyParts, status: str) -> bool:
    """Return True for a 4xx, or a 5xx with an enhanced status that begins with 4.

    In Exchange's `550 4.4.7`, the enhanced status decides.
    """
    return (
        parts.code.startswith("4")
        or (not parts.code and status.startswith("4"))
        or (parts.code.startswith("5") and parts.status.startswith("4"))
    )


def _matching_rules(subject: ReplyParts, whole: str, context: ReplyContext) -> Iterator[ReplyRule]:
    is_temporary = subject.code.startswith("4")
    for rule in RULES:
        if (
            (rule.is_permanent and is_temporary)
            or (rule.in_report is not None and rule.in_report is not context.is_report)
            or (rule.phases and context.phase not in rule.phases)
        ):
            continue
        if (
            (not rule.status or _compile(rule.status).fullmatch(subject.status))
            and (not rule.code or _compile(rule.code).match(subject.code))
            and (not rule.words or _compile(rule.words).search(subject.words))
            and (not rule.server or _compile(rule.server).search(whole))
        ):
            yield rule


# Compiled at the first refusal: the table takes 100 ms, which a command that sends nothing need not wait for.
@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _split(text: str) -> ReplyParts:
    text = TYPE_PREFIX.sub("", text)
    found = CODE.search(text)
    code, status = (found[1], found[2] or "") if found else ("", "")
    if not status and (marked := MARKED_STATUS.search(text) or LEADING_STATUS.search(text)):
        status = marked[1]
    if code:
        # A reply of several lines repeats its codes.
        repeated = re.escape(status) if status else "(?!)"
        text = re.sub(rf"(?<![\d.]){code}[ -]#?(?:{repeated})?[ :-]?", " ", text)
    return ReplyParts(code=code, status=status, words=" ".join(text.split()))


def _mask_addresses(words: str, context: ReplyContext) -> str:
    """Replace the reader's addresses by `RCPT` and IP addresses by `IP`.

    So a rule cannot match words inside an address.
    """
    for recipient in filter(None, context.recipients):
        words = re.sub(rf"(?<![\w.+=-]){re.escape(recipient)}(?![\w-])", "RCPT", words, flags=re.IGNORECASE)
    return NEUTRAL_PREFIX.sub("", IP_ADDRESS.sub("IP", words))


def _names_sender(text: str, context: ReplyContext) -> bool:
    """Return True if the reply names our domain or an address at it.

    Text inside the reader's own address does not count.
    """
    words = URL_HOST.sub("", _mask_addresses(text, context).lower())
    return any(
        re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", words)
        for sender in context.senders
        if (name := sender.rpartition("@")[2].lower())
    )


def _cut_frame(text: str) -> str:
    """Return the reply without an introduction such as `<reader@example.org>: host mx.example.org said:`."""
    found = CODE.search(text)
    return text[found.start() :] if found else text


def _names_only_others(words: str, context: ReplyContext) -> bool:
    """Return True if the reply names another address in angle brackets, and not the reader's.

    Then the failure is at an address to which the reader forwards.
    """
    return bool(context.recipients) and "RCPT" not in words and bool(BRACKETED_ADDRESS.search(words))
