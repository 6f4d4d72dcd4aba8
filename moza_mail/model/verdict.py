"""Verdicts: what a refusal by a relay or mail server, or a report of one, means for the reader."""

from enum import StrEnum


class Verdict(StrEnum):
    """The meaning of a refusal. The words are those of the ledger, `status` and `--json`."""

    SENDER_FAULT = "sender_fault"
    """Our address, domain, account, rights or signature is refused."""
    QUOTA = "quota"
    """We have used up what we may send."""
    THROTTLED = "throttled"
    """We send too fast, or over too many connections."""
    TEMPORARY = "temporary"
    """A later attempt may succeed: greylisting, an unreachable server, a fault of theirs."""
    ADDRESS_UNKNOWN = "address_unknown"
    DOMAIN_UNKNOWN = "domain_unknown"
    DISABLED = "disabled"
    """The mailbox exists and is closed or suspended."""
    MAILBOX_FULL = "mailbox_full"
    TOO_LARGE = "too_large"
    CONTENT = "content"
    """The text, its headers or attachments are refused."""
    POLICY = "policy"
    """A block list or a rule of the server; it may be about us or the reader's own choice."""
    UNCLEAR = "unclear"
    """The words allow more than one meaning, or none."""


HARD_VERDICTS = frozenset({Verdict.ADDRESS_UNKNOWN, Verdict.DOMAIN_UNKNOWN, Verdict.DISABLED})
"""Verdicts about the address itself, for which it may be suppressed."""

SENDER_VERDICTS = frozenset({Verdict.SENDER_FAULT, Verdict.QUOTA})
"""Verdicts about us, for which no reader is refused."""
