"""Verdicts: what a refusal means for a subscriber.

The refusal is a reply of a relay or mail server, or part of a bounce report.
"""

from enum import StrEnum


class Verdict(StrEnum):
    """The meaning of a refusal, named as in the ledger, in `status` and in `--json`."""

    SENDER_FAULT = "sender_fault"
    """Our address, domain, account, rights or signature is refused."""
    QUOTA = "quota"
    """We have used up what we may send."""
    THROTTLED = "throttled"
    """We send too fast, or over too many connections."""
    TEMPORARY = "temporary"
    """A later attempt may succeed: greylisting, an unreachable or faulty server."""
    ADDRESS_UNKNOWN = "address_unknown"
    DOMAIN_UNKNOWN = "domain_unknown"
    DISABLED = "disabled"
    """The mailbox exists but is closed or suspended."""
    MAILBOX_FULL = "mailbox_full"
    TOO_LARGE = "too_large"
    CONTENT = "content"
    """The text, its headers or attachments are refused."""
    POLICY = "policy"
    """A block list or a rule of the server. The cause may be us or the reader's own choice."""
    UNCLEAR = "unclear"
    """The words have no known meaning, or more than one."""


HARD_VERDICTS = frozenset({Verdict.ADDRESS_UNKNOWN, Verdict.DOMAIN_UNKNOWN, Verdict.DISABLED})
"""Verdicts about the address itself. They can lead to its suppression."""

SENDER_VERDICTS = frozenset({Verdict.SENDER_FAULT, Verdict.QUOTA})
"""Verdicts about us. No recipient is recorded as refused for them."""
