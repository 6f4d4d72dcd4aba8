"""Classify a reply of a server, or the diagnostic in a report, by a table of rules.

The first rule that matches gives the verdict. Rules about the sender come before rules about the reader. If the verdict blames
the reader's address, the rules in `reply_rules_doubt.py` search the reply for words about anything other than a recipient.
One such word replaces the verdict. Numbers that are part of an IP address or a version are never read as status codes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from moza_mail.model.reply_rule import ReplyRule
from moza_mail.model.reply_rules_address import ADDRESS_RULES
from moza_mail.model.reply_rules_doubt import DOMAIN_DOUBT_RULES, DOUBT_RULES, EVIDENCE_RULES
from moza_mail.model.reply_rules_message import MESSAGE_RULES
from moza_mail.model.reply_rules_provider import PROVIDER_RULES
from moza_mail.model.reply_rules_sender import SENDER_RULES
from moza_mail.model.reply_text import (
    ANY_ADDRESS,
    BRACKETED_ADDRESS,
    ReplyContext,
    ReplyParts,
    cut_introduction,
    find_unknown_words,
    mask_addresses,
    mask_names,
    remove_accents,
    split_reply,
)
from moza_mail.model.verdict import HARD_VERDICTS, SENDER_VERDICTS, Verdict

RULES = (*PROVIDER_RULES, *SENDER_RULES, *MESSAGE_RULES, *ADDRESS_RULES)
MAX_TEXT = 1000
UNKNOWN_RULE = RULES[-1].name
"""The name of the last rule, which matches every reply that no other rule knows."""

# Phrases by which Postfix, Exim and qmail say in which phase of the session a server refused.
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
# The host of a link to a page about the refusal does not count as a name of the sender.
URL_HOST = re.compile(r"https?://[^/\s]+")
# If the status says that the recipient does not exist, one unknown word does not cast doubt on it.
ADDRESS_STATUS = re.compile(r"5\.1\.(?:[1236]|10)")
UNKNOWN_WORDS_BESIDE_STATUS = 1
SENDER_CHECK = re.compile(r"sender address rejected|sender verify|verification failed for", re.IGNORECASE)
# The forms in which a gateway quotes the reply of the next server.
QUOTED_REPLIES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:returned an error|unknown recipient or mailbox unavailable|violation|returned .{3,40}?) -> ([45]\d\d.+)$",
        r"permanent failure for one or more recipients \([^:)]*:([45]\d\d .+?)\)?$",
        r"undeliverable address: (?:host \S+ said: )?([45]\d\d .+)$",
        r"(?:unknown address error|other status) (\d\d\d-'.+)$",
        r"remote server returned '?<?[^#]*#?(?:\d\.\d\.\d+ )?(?:smtp;)?([45]\d\d .+)$",
    )
)


NO_CONTEXT = ReplyContext()


def classify_reply(text: str, context: ReplyContext = NO_CONTEXT) -> Verdict:
    """Return the verdict of a refusal such as `550 5.1.1 user unknown`, or of a diagnostic."""
    return find_rule(text, context)[0]


def find_rule(text: str, context: ReplyContext = NO_CONTEXT) -> tuple[Verdict, str]:
    """Return the verdict of a refusal and the name of the rule that gave it."""
    cut = " ".join(text[:MAX_TEXT].replace("\u2019", "'").replace("\u2018", "'").split())
    quoted = next((name for name, pattern in QUOTED_PHASES if re.search(pattern, cut, re.IGNORECASE)), "")
    context = replace(context, phase=quoted or context.phase)
    found = _classify_quoted_reply(cut, context) or _apply_rules(cut, context)
    verdict, rule = found
    if verdict not in NEUTRAL_VERDICTS and _names_sender(cut, context):
        return Verdict.SENDER_FAULT, f"{rule}, names the sender"
    return (_find_doubt(cut, verdict, context) if verdict in HARD_VERDICTS else None) or found


NEUTRAL_VERDICTS = SENDER_VERDICTS | {Verdict.THROTTLED, Verdict.TEMPORARY, Verdict.POLICY, Verdict.CONTENT}
"""Verdicts that never blame the reader's address. They stay as they are if the reply names the sender."""


def _find_doubt(text: str, verdict: Verdict, context: ReplyContext) -> tuple[Verdict, str] | None:
    """Look for a reason to doubt a verdict that blames the reader's address.

    Return the new verdict and the name of the rule that gave it; None if there is no doubt. An introduction such as
    `host mx.example.org said:` is not searched, unless the text has no words after it.
    """
    parts = split_reply(text)
    status = parts.status or context.status
    words = mask_names(cut_introduction(text), context)
    if not re.search(r"[^\W\d]{2}", words):
        words = mask_names(text, context)
    subject = ReplyParts(code=parts.code or "550", status=status, words=words)
    rules = DOMAIN_DOUBT_RULES if verdict is Verdict.DOMAIN_UNKNOWN else DOUBT_RULES
    if rule := next(_matching_rules((*rules, EVIDENCE_RULES[verdict]), subject, text, context), None):
        return rule.verdict, rule.name
    allowed = UNKNOWN_WORDS_BESIDE_STATUS if ADDRESS_STATUS.fullmatch(status) else 0
    if len(unknown := find_unknown_words(subject.words, context)) > allowed:
        return Verdict.UNCLEAR, f"doubt_unknown_words {' '.join(unknown[:3])}"
    return None


def _classify_quoted_reply(text: str, context: ReplyContext) -> tuple[Verdict, str] | None:
    """Return the verdict and rule of a reply that a gateway quotes; None if it quotes none."""
    if SENDER_CHECK.search(text):
        return None
    for pattern in QUOTED_REPLIES:
        if inner := pattern.search(text):
            verdict, rule = _classify_quoted_reply(inner[1], context) or _apply_rules(inner[1], context)
            if verdict is not Verdict.UNCLEAR:
                return verdict, f"quoted: {rule}"
    return None


def _apply_rules(text: str, context: ReplyContext) -> tuple[Verdict, str]:
    parts = split_reply(text)
    status = parts.status or ("" if context.status.endswith(".0.0") else context.status)
    is_temporary = _is_temporary(parts, status)
    words = mask_addresses(parts.words, context)
    code = parts.code or "550"
    if is_temporary and not code.startswith("4"):
        code = "450"
    subject = ReplyParts(code=code, status=status, words=remove_accents(ANY_ADDRESS.sub("ADDR", words)))
    rule = next(_matching_rules(RULES, subject, f"{text} {context.server}", context))
    if is_temporary and not rule.is_kept_by_4xx:
        return TEMPORARY_VERDICTS.get(rule.verdict, rule.verdict), f"{rule.name}, 4xx"
    if rule.verdict in HARD_VERDICTS and _names_only_others(
        mask_addresses(cut_introduction(text), context), context
    ):
        return Verdict.UNCLEAR, f"{rule.name}, names another address"
    return rule.verdict, rule.name


TEMPORARY_VERDICTS = {
    **dict.fromkeys(HARD_VERDICTS, Verdict.TEMPORARY),
    Verdict.CONTENT: Verdict.TEMPORARY,
    Verdict.POLICY: Verdict.THROTTLED,
}
"""The replacement of each verdict for a 4xx reply, because a later attempt may succeed."""


def _is_temporary(parts: ReplyParts, status: str) -> bool:
    """Return True for a 4xx code, and for an enhanced status 4.x.x with a 5xx code or without a code.

    For example, Exchange writes `550 4.4.7`. If the codes differ like this, the enhanced status decides.
    """
    return (
        parts.code.startswith("4")
        or (not parts.code and status.startswith("4"))
        or (parts.code.startswith("5") and parts.status.startswith("4"))
    )


def _matching_rules(
    rules: Iterable[ReplyRule], subject: ReplyParts, whole: str, context: ReplyContext
) -> Iterator[ReplyRule]:
    is_temporary = subject.code.startswith("4")
    for rule in rules:
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


# Each pattern is compiled when it is first used. All patterns take 100 ms, which would delay commands that send nothing.
@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(remove_accents(pattern), re.IGNORECASE)


def _names_sender(text: str, context: ReplyContext) -> bool:
    """Return True if the reply names our domain or an address at it.

    Text inside the reader's own address does not count.
    """
    words = URL_HOST.sub("", mask_addresses(text, context).lower())
    return any(
        re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", words)
        for sender in context.senders
        if (name := sender.rpartition("@")[2].lower())
    )


def _names_only_others(words: str, context: ReplyContext) -> bool:
    """Return True if the reply names another address in angle brackets, and does not name the reader's.

    In that case, the other address failed: the reader forwards mail to it.
    """
    return bool(context.recipients) and "RCPT" not in words and bool(BRACKETED_ADDRESS.search(words))
