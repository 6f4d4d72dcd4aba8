"""Rules that replace a verdict that blames the reader's address.

These rules are tried only after another rule has blamed the address. The first match replaces the verdict. One word about
anything other than the recipient is enough to match. A wrong suppression loses a reader, but a missed suppression only causes
another bounce.
"""

from moza_mail.model.reply_rule import ReplyRule
from moza_mail.model.reply_word import WordRole
from moza_mail.model.reply_words import join_words
from moza_mail.model.verdict import Verdict

_OR = r"(?:or|of|oder|ou|o|oppure|lub|albo|eller|vagy)"
_FULL = join_words(WordRole.FULL)
_SOURCE = "the words of this role in `reply_words.py`"

DOUBT_RULES = (
    ReplyRule(
        name="doubt_refused_client",
        verdict=Verdict.POLICY,
        phases=frozenset({"connect"}),
        source="RFC 5321 4.2: no recipient is named before RCPT",
        seen="2008",
    ),
    ReplyRule(
        name="doubt_before_recipient",
        verdict=Verdict.SENDER_FAULT,
        phases=frozenset({"helo", "auth", "mail"}),
        source="RFC 5321 4.2: no recipient is named before RCPT",
        seen="2008",
    ),
    ReplyRule(
        name="doubt_alternatives",
        verdict=Verdict.UNCLEAR,
        words=rf"\b(?:may|might) (?:not|be)\b|\w\?(?: |$)|\b{_OR}\b.*{_FULL}|{_FULL}.*\b{_OR}\b",
        source=_SOURCE,
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_sender",
        verdict=Verdict.SENDER_FAULT,
        words=join_words(WordRole.SENDER),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_customer",
        verdict=Verdict.SENDER_FAULT,
        words=join_words(WordRole.CUSTOMER),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_content",
        verdict=Verdict.CONTENT,
        words=join_words(WordRole.CONTENT),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    # In a report, these words are about the routing of the reader's server, not about our right to relay.
    ReplyRule(
        name="doubt_sending_in_report",
        verdict=Verdict.UNCLEAR,
        in_report=True,
        words=join_words(WordRole.SENDING),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_sending",
        verdict=Verdict.SENDER_FAULT,
        words=join_words(WordRole.SENDING),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_full",
        verdict=Verdict.MAILBOX_FULL,
        words=join_words(WordRole.FULL),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_later",
        verdict=Verdict.TEMPORARY,
        words=join_words(WordRole.LATER),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    # With 5.4.1, Microsoft writes these words for a recipient that does not exist.
    ReplyRule(
        name="doubt_access_denied",
        verdict=Verdict.UNCLEAR,
        status=r"(?!5\.4\.1).*",
        words=r"(?<!recipient address rejected: )access denied",
        source="OfficeDocs-Exchange 5.4.1; Postfix access maps deny for any reason",
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_after_body",
        verdict=Verdict.UNCLEAR,
        status=r"(?!5\.1\.[1236]|5\.1\.10|5\.2\.1|5\.4\.\d+|5\.5\.0).*",
        phases=frozenset({"body"}),
        words=r"^(?!.*(?:\b(?:rcpt|addr|recipient)\b|mail action aborted, mailbox not found)).*",
        source="After the body, an address that does not exist may be one in the message",
        seen="2026-11-30",
    ),
    # The verdict is not POLICY, which would stop the mail for the reader's whole domain.
    ReplyRule(
        name="doubt_choice",
        verdict=Verdict.UNCLEAR,
        words=join_words(WordRole.CHOICE),
        source=_SOURCE,
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_named_domain",
        verdict=Verdict.UNCLEAR,
        words=r"^(?!.*\b(?:rcpt|rdomain)\b).*(?:\bdomain[^a-z]{0,4}\bsite\b|\bhost[^a-z]{0,4}\bsite\b[^a-z]{0,4}(?:not|unknown|does|is|was|could))",
        source="A host or domain that is not the reader's may be ours",
        seen="2026-11-30",
    ),
)

DOMAIN_DOUBT_RULES = (
    *DOUBT_RULES,
    ReplyRule(
        name="doubt_other_domain",
        verdict=Verdict.UNCLEAR,
        words=(
            r"^(?!.*\b(?:rcpt|rdomain)\b).*(?:(?<!server: )(?<!name=)\bsite\b[^a-z]{0,4}(?:host|domain|does|is|could|not|was)|"
            r"(?:domain|record for|found for)[^a-z]{0,4}\bsite\b)"
        ),
        source="A host or domain that is not the reader's may be ours",
        seen="2026-11-30",
    ),
    ReplyRule(
        name="doubt_unnamed_domain",
        verdict=Verdict.UNCLEAR,
        status=r"(?!5\.1\.2|5\.1\.10|5\.4\.\d+).*",
        in_report=False,
        words=r"^(?!.*\b(?:rcpt|rdomain|recipient|null ?mx|name service error|relevant mx|unroute?able)\b).*",
        source="Our relay names the reader when it means the reader's domain",
        seen="2026-11-30",
    ),
)
"""Rules that replace the verdict that the reader's domain is unknown."""


def _require_words(name: str, words: str) -> ReplyRule:
    """Return a rule that doubts every reply without any of the required words.

    words: the required words, as a regular expression. They are not required if the enhanced status is clear enough.
    """
    return ReplyRule(
        name=name,
        verdict=Verdict.UNCLEAR,
        status=r"(?!5\.1\.[1236]|5\.1\.10|5\.2\.1|5\.4\.\d+).*",
        words=rf"^(?!.*(?:{words})).*",
        source="A verdict about the address needs a word for the recipient",
        seen="2026-11-30",
    )


EVIDENCE_RULES = {
    Verdict.ADDRESS_UNKNOWN: _require_words(
        "doubt_no_recipient", rf"{join_words(WordRole.RECIPIENT)}|\b(?:rdomain|here|one)\b"
    ),
    Verdict.DISABLED: _require_words("doubt_no_mailbox", rf"{join_words(WordRole.RECIPIENT)}|\brdomain\b"),
    Verdict.DOMAIN_UNKNOWN: _require_words(
        "doubt_no_domain", rf"{join_words(WordRole.RECIPIENT)}|\b(?:rdomain|host|domain|mx|site)\b"
    ),
}
"""For each verdict that blames the address, the rule that matches if no word of the reply is about the recipient."""
