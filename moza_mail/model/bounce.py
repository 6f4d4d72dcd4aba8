"""Bounces: reports as read from the mailbox, and the facts that the store keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from moza_mail.model.address import Address
from moza_mail.model.reply import Reply
from moza_mail.model.sign_up import Confirmation
from moza_mail.model.subscriber import Suppression, SuppressionReason
from moza_mail.model.timestamps import require_utc
from moza_mail.model.verdict import HARD_VERDICTS, Verdict


class BounceKind(StrEnum):
    """The kinds of reports, named as in the table `bounces` and in `moza-mail bounces --json`."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    FORWARDED = "forwarded"
    """A failure at a forwarding address or a list member, not at the address that we mailed."""
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto_reply"
    CHALLENGE = "challenge"
    NOTICE = "notice"
    """A report that is not a failure: delayed, delivered or read."""
    UNKNOWN = "unknown"


FAILURE_KINDS = frozenset({BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY, BounceKind.FORWARDED})
IGNORED_KINDS = frozenset({BounceKind.AUTO_REPLY, BounceKind.CHALLENGE, BounceKind.NOTICE})
"""Kinds without any effect on a reader, so they need no proof."""


class BounceProof(StrEnum):
    """The evidence that a report is about one of our messages.

    A report without such evidence may be forged.
    """

    RETURN_ADDRESS = "return_address"
    MESSAGE_ID = "message_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecipient:
    """A report's statement about one recipient.

    recipient: the address as written in the report.
    original_recipient: the address in our envelope, as the report repeats it.
    """

    recipient: str
    reply: Reply
    verdict: Verdict = Verdict.UNCLEAR
    original_recipient: str = ""

    @property
    def kind(self) -> BounceKind:
        """The kind of failure.

        It is hard for a verdict about the address itself, policy for a verdict about
        the sender or the message, and soft otherwise.
        """
        return BOUNCE_KINDS.get(self.verdict, BounceKind.SOFT)


BOUNCE_KINDS = {
    **dict.fromkeys(HARD_VERDICTS, BounceKind.HARD),
    **dict.fromkeys(
        (Verdict.POLICY, Verdict.CONTENT, Verdict.SENDER_FAULT, Verdict.QUOTA, Verdict.THROTTLED),
        BounceKind.POLICY,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceReport:
    """One message of the bounce mailbox. Its claims are verified later.

    local_parts: the local parts of addresses that may be our return addresses. The address to which the report was sent is
        first.
    recipients: the addresses that the report may be about.
    message_ids: the Message-IDs of the returned message.
    """

    kind: BounceKind
    local_parts: tuple[str, ...] = ()
    failures: tuple[FailedRecipient, ...] = ()
    recipients: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """The parts of a delivery that are needed to process a report about it."""

    delivery_id: int
    mailing_id: int
    mailing_key: str
    issue_slug: str
    list_slug: str
    subscriber_id: int
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """The facts that are kept from a report.

    digest: identifies the report, so that it counts once, however often it is read.
    sent_message: the newsletter that the report is about, if it is about one.
    confirmation: the confirmation mail that the report is about, if it is about one.
    proof: the evidence that we sent that mail. Without proof, `sent_message` and `confirmation` are None too.
    """

    digest: str
    kind: BounceKind
    created_at: datetime
    sent_message: SentMessage | None = None
    confirmation: Confirmation | None = None
    proof: BounceProof | None = None
    reply: Reply | None = None
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        require_utc(self.created_at)

    @property
    def is_settled(self) -> bool:
        """Return True if the report is proven to be about our message, or has no effect anyway."""
        if self.kind in IGNORED_KINDS:
            return True
        return self.kind is not BounceKind.UNKNOWN and (self.sent_message or self.confirmation) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceEffect:
    """The effect of a bounce. A bounce that was counted before has no further effect."""

    already_counted: bool = False
    suppression: Suppression | None = None
    is_held: bool = False
    """True if the suppression waits for a person: too many readers of one provider fail alike."""
    unsubscribed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceThresholds:
    """The number of mailings in which an address must fail before it is suppressed.

    The fields are the keys of `[bounces]` in moza-mail.toml.

    unknown_domain_times: for a domain that does not exist. One failure may be an error in the DNS.
    disabled_times: for a disabled mailbox, within `disabled_days`.
    soft_times: for a full mailbox or an unreachable server, over at least `soft_days`; 0 for never.
    """

    unknown_domain_times: int = 2
    disabled_times: int = 2
    disabled_days: int = 14
    soft_times: int = 5
    soft_days: int = 30


DEFAULT_THRESHOLDS = BounceThresholds()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressReply:
    """The last reply or report about one mailing to an address.

    verdict: None if the message was accepted.
    """

    at: datetime
    reply: Reply
    verdict: Verdict | None

    @property
    def is_soft(self) -> bool:
        """Return True for a full mailbox or an unreachable server (RFC 3463 3.5).

        Such failures suppress an address only if they last for weeks.
        """
        is_unreachable = self.reply.enhanced[1:4] == ".4."
        return self.verdict is Verdict.MAILBOX_FULL or (self.verdict is Verdict.TEMPORARY and is_unreachable)

    @property
    def may_suppress(self) -> bool:
        """Return True if the reply can be a reason to suppress, alone or with other replies."""
        return self.verdict in HARD_VERDICTS or self.is_soft


def suppresses(
    replies: Sequence[AddressReply], thresholds: BounceThresholds = DEFAULT_THRESHOLDS
) -> SuppressionReason | None:
    """Return the reason to suppress an address after these replies; None without a reason.

    One reply that the address does not exist is enough. Soft failures count only if no message was accepted between them. Other
    verdicts never suppress.

    replies: the last reply of each mailing to the address, oldest first.
    """
    if not replies:
        return None
    last = replies[-1]
    if last.verdict is Verdict.ADDRESS_UNKNOWN:
        return SuppressionReason.HARD_BOUNCE
    if last.verdict is Verdict.DOMAIN_UNKNOWN:
        same = [each for each in replies if each.verdict is last.verdict]
        return SuppressionReason.HARD_BOUNCE if len(same) >= thresholds.unknown_domain_times else None
    if last.verdict is Verdict.DISABLED:
        since = last.at - timedelta(days=thresholds.disabled_days)
        recent = [each for each in replies if each.verdict is last.verdict and each.at >= since]
        return SuppressionReason.HARD_BOUNCE if len(recent) >= thresholds.disabled_times else None
    if last.is_soft and thresholds.soft_times:
        failing = takewhile(lambda each: each.verdict is not None, reversed(replies))
        failed = [each.at for each in failing if each.is_soft]
        is_long = last.at - failed[-1] >= timedelta(days=thresholds.soft_days)
        return SuppressionReason.SOFT_BOUNCES if len(failed) >= thresholds.soft_times and is_long else None
    return None
