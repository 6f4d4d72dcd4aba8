"""The ledger's nouns and its decisions: Mailing, Delivery, Reply, Outcome; what a reply means, when to try again.

A delivery's states and what leads where:

    pending -> claimed -> intent -> accepted | deferred | refused | uncertain
    claimed -> pending (given back)   claimed, pending, deferred -> skipped   deferred -> claimed
    uncertain -> claimed only when a human says so
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.classify_reply import ReplyContext, classify_reply, find_rule
from moza_mail.model.message import Envelope, Rendered
from moza_mail.model.segment import Segment
from moza_mail.model.timestamps import require_utc
from moza_mail.model.verdict import SENDER_VERDICTS, Verdict


class DeliveryState(StrEnum):
    """Where one recipient's row stands; the words are those of the ledger and of `status --json`."""

    PENDING = "pending"
    CLAIMED = "claimed"
    INTENT = "intent"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    SKIPPED = "skipped"
    UNCERTAIN = "uncertain"


class Phase(StrEnum):
    """Which command of a transaction a reply or a failure belongs to (RFC 5321 3.3)."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


class SkipReason(StrEnum):
    """Why someone of the frozen audience is not mailed; `confirmed` is of one who needs no confirmation any more."""

    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    MISSING_VALUE = "missing_value"
    CONFIRMED = "confirmed"
    TOO_LATE = "too_late"


def describe_missing(names: Iterable[str]) -> str:
    """How the ledger words what somebody lacks who is skipped as `missing_value`."""
    return f"no value for {', '.join(names)}"


ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")
CODE = re.compile(r"[2-5]\d\d")
# Postfix, Exim, Sendmail and Exchange each write the queue id in their own words after the 250.
QUEUE_ID = re.compile(
    r"(?:queued as|id=|Queued mail for delivery \[?|accepted for delivery[: ]*)\s*([\w.<>@-]+)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the relay said: a basic code (RFC 5321 4.2), an enhanced one (RFC 3463) when given, and its text.

    `text` is cut to 500 characters and holds no control character, whatever the server sent.
    """

    code: int
    enhanced: str = ""
    text: str = ""

    @classmethod
    def parse(cls, code: int, text: str) -> "Reply":
        """Make a reply of a code and the text behind it."""
        clean = text[:2000]
        if not clean.isprintable():
            clean = "".join(sign if sign.isprintable() else " " for sign in clean)
        clean = " ".join(clean.split())[:500]
        found = ENHANCED.match(clean)
        return cls(
            code=code,
            enhanced=found.group().strip() if found else "",
            text=clean[found.end() :] if found else clean,
        )

    @classmethod
    def from_text(cls, written: str) -> "Reply | None":
        """The reply that `str` wrote; None for a text that is none."""
        code, _, text = written.partition(" ")
        return cls.parse(int(code), text) if CODE.fullmatch(code) else None

    @property
    def queue_id(self) -> str:
        """The relay's own name for the message, empty when the reply does not tell."""
        found = QUEUE_ID.search(self.text) if self.code == 250 else None
        return found.group(1).strip("<>.")[:120] if found else ""

    def without_text(self) -> "Reply":
        """The reply without the server's own words, in which an address may stand, and still of the same kind."""
        verdict = classify_reply(str(self))
        words = (replace(self, text=text) for text in NEUTRAL_WORDS)
        return next(
            (reply for reply in words if classify_reply(str(reply)) is verdict), replace(self, text="")
        )

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


NEUTRAL_WORDS = ("", "user unknown", "host not found", "mailbox full", "account disabled", "blocked")
"""Words without an address that keep a reply's verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What we conclude of one attempt.

    `state` is accepted, deferred, refused or uncertain, or pending when nothing of the body left and the relay is
    not to blame the recipient for it: then the delivery is simply tried again.
    """

    state: DeliveryState
    phase: Phase
    reply: Reply | None = None
    detail: str = ""
    verdict: Verdict | None = None
    """The meaning of a 4xx or 5xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """One issue to one list, or a segment of it, once, with its content frozen; `digest` is what a later edit is known by."""

    id: int
    key: str
    issue_slug: str
    issue_title: str
    list_slug: str
    digest: str
    rendered: Rendered
    created_at: datetime
    segment: Segment | None = None

    def __post_init__(self) -> None:
        require_utc(self.created_at)

    @property
    def audience_name(self) -> str:
        """To whom it goes, as a person says it: the list, and the segment of it."""
        return f"{self.list_slug} (segment {self.segment.slug})" if self.segment else self.list_slug


@dataclass(frozen=True, slots=True, kw_only=True)
class SentIssue:
    """An issue that readers of a list have: a mailing of which a relay has taken at least one message.

    `text` is the text part as it was frozen, its slots open; `at` the moment the mailing was made. `whole` says that it went
    to the list and not to a segment of it.
    """

    issue_slug: str
    issue_title: str
    text: str
    created_at: datetime
    is_whole_list: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedMailing:
    """That a mailing has begun, and whether anything of it is left: `waiting` says that someone is still to be tried.

    `next_attempt` is when the earliest of those put off is due.
    """

    mailing_id: int
    issue_slug: str
    list_slug: str
    created_at: datetime
    has_unsent: bool
    paused_until: datetime | None = None
    next_attempt: datetime | None = None

    def is_unfinished(self, now: datetime) -> bool:
        """Whether there is something to do for it now, without a human's decision."""
        return self.has_unsent or (self.next_attempt is not None and self.next_attempt <= now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One recipient's row of the ledger; `values` are the attributes that the mailing's fields ask for, as they were then."""

    id: int
    mailing_id: int
    subscriber_id: int
    address: Address
    name: str
    state: DeliveryState
    attempts: int = 0
    next_attempt: datetime | None = None
    skip_reason: SkipReason | None = None
    reply: str = ""
    detail: str = ""
    phase: Phase | None = None
    queue_id: str = ""
    verdict: Verdict | None = None
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCount:
    """How many deliveries in a state have a verdict, and the reply of one of them."""

    state: DeliveryState
    verdict: Verdict
    count: int
    example: str


RejectedUpdates = Mapping[int, StoreError]
"""Updates that do not fit the state of their delivery, by delivery id; empty if all were stored."""


# What says that we and the relay have lost step, or that we speak wrongly (RFC 3463 3.6), which is never the recipient's
# fault. 5.5.0 is not among it: large providers write that for a mailbox that does not exist.
PROTOCOL_CODES = frozenset({"5.5.1", "5.5.2", "5.5.4"})
PROTOCOL_ERROR = "out of step with the relay"
SENDER_REFUSED = "the relay refuses our sender"
# A group that takes mail of members only, or a person who refuses ours: others at that domain may be mailed.
READER_CHOICE_RULE = "closed_group"
# "432 Concurrent connections limit exceeded": another connection takes the message.
CONNECTIONS_RULE = "too_many_connections"


def to_outcome(reply: Reply, phase: Phase, envelope: Envelope | None = None) -> Outcome:
    """Conclude from a complete reply: 2xx to the body is accepted, 4xx deferred, 5xx refused (RFC 5321 4.2.1).

    The recipient stays pending if the reply is about us: the sender, a quota, a block list, the content, the number of
    connections, or a conversation out of step. A temporary verdict defers the recipient, whatever the code.
    """
    if 200 <= reply.code < 300 and phase is Phase.BODY:
        return Outcome(state=DeliveryState.ACCEPTED, phase=phase, reply=reply)
    if not 400 <= reply.code < 600:
        state = DeliveryState.UNCERTAIN if phase is Phase.BODY else DeliveryState.PENDING
        return Outcome(state=state, phase=phase, reply=reply, detail="a reply that SMTP does not know")
    context = ReplyContext(phase=phase.value)
    if envelope is not None:
        context = replace(context, recipients=(str(envelope.recipient),), senders=(str(envelope.sender),))
    verdict, rule = find_rule(str(reply), context)
    state, detail = _choose_state(reply, phase, verdict, rule)
    return Outcome(state=state, phase=phase, reply=reply, detail=detail, verdict=verdict)


HOLDING_VERDICTS = SENDER_VERDICTS | {Verdict.POLICY, Verdict.CONTENT}
"""Verdicts about us or our message: the recipient stays pending, and is not tried again in the same run."""


def is_held(outcome: Outcome) -> bool:
    """True if the recipient stays pending for a reply about us, over a connection that can still be used."""
    return (
        outcome.state is DeliveryState.PENDING
        and outcome.verdict in HOLDING_VERDICTS
        and not outcome.detail
        and outcome.reply is not None
        and outcome.reply.code != 421
    )


def _choose_state(reply: Reply, phase: Phase, verdict: Verdict, rule: str) -> tuple[DeliveryState, str]:
    """Return the state after a refusal, and its detail."""
    if reply.code == 503 or (reply.code >= 500 and reply.enhanced in PROTOCOL_CODES):
        return DeliveryState.PENDING, PROTOCOL_ERROR
    if verdict in HOLDING_VERDICTS and not rule.startswith(READER_CHOICE_RULE):
        is_sender = phase is Phase.MAIL and reply.code >= 500 and verdict is Verdict.SENDER_FAULT
        return DeliveryState.PENDING, SENDER_REFUSED if is_sender else ""
    if rule.startswith(CONNECTIONS_RULE):
        return DeliveryState.PENDING, ""
    if reply.code < 500 or verdict in {Verdict.TEMPORARY, Verdict.THROTTLED}:
        return DeliveryState.DEFERRED, ""
    if phase is Phase.MAIL:
        return DeliveryState.PENDING, SENDER_REFUSED
    return DeliveryState.REFUSED, ""


MAX_SENDER_FAULTS = 3
MAX_BLOCKING_DOMAINS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """Counts the replies that are about us. Each further attempt would make it worse.

    sender_faults: replies about our address, rights or authentication since the last accepted message.
    sender_fault, quota: the last reply of each kind.
    blocking: the recipients' domains that refused us for a block list, a policy or the content, each with its reply.
    protocol_errors: how often the relay and moza-mail were out of step, which is a bug of one of the two programs.
    last_reply: the last of these replies.
    """

    sender_faults: int = 0
    sender_fault: Reply | None = None
    quota: Reply | None = None
    blocking: Mapping[str, Reply] = field(default_factory=lambda: MappingProxyType({}))
    protocol_errors: int = 0
    last_reply: Reply | None = None

    def record(self, outcome: Outcome, domain: str = "") -> "CircuitBreaker":
        """Return the circuit breaker after one more attempt, to a recipient at `domain`."""
        if outcome.detail == PROTOCOL_ERROR:
            return replace(self, protocol_errors=self.protocol_errors + 1, last_reply=outcome.reply)
        if outcome.state is DeliveryState.ACCEPTED:
            return replace(self, sender_faults=0) if self.sender_faults else self
        if outcome.state is not DeliveryState.PENDING or outcome.reply is None:
            return self
        if outcome.verdict is Verdict.QUOTA:
            return replace(self, quota=outcome.reply)
        if outcome.verdict is Verdict.SENDER_FAULT:
            return replace(self, sender_faults=self.sender_faults + 1, sender_fault=outcome.reply)
        if outcome.verdict in HOLDING_VERDICTS:
            return replace(self, blocking=MappingProxyType({**self.blocking, domain: outcome.reply}))
        return self

    def record_all(self, outcomes: Iterable[tuple[Outcome, str]]) -> "CircuitBreaker":
        """Return the circuit breaker after these attempts, in order, each with its recipient's domain."""
        breaker = self
        for outcome, domain in outcomes:
            breaker = breaker.record(outcome, domain)
        return breaker

    @property
    def is_tripped(self) -> bool:
        """True if the run must stop: a quota is used up, or several replies say that we are refused."""
        return (
            self.quota is not None
            or self.sender_faults >= MAX_SENDER_FAULTS
            or len(self.blocking) >= MAX_BLOCKING_DOMAINS
        )

    def pause_until(self, now: datetime) -> datetime | None:
        """Return when an automatic run may try again; None if nothing was about us."""
        if self.quota is not None:
            return end_of_quota(self.quota, now)
        if self.blocking or self.sender_fault is not None:
            return now + DEFAULT_PAUSE
        return None


DEFAULT_PAUSE = timedelta(hours=1)
WAIT_IN_REPLY = re.compile(
    r"(?:in|after|for|wait) (?:another )?(\d{1,4}) ?(s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?)?)\b",
    re.IGNORECASE,
)
DAILY = re.compile(r"\bdaily\b|per day|24.?hours?|a day|\btoday\b", re.IGNORECASE)


def end_of_quota(reply: Reply, now: datetime) -> datetime:
    """Return when a quota is new: at the time in the reply, else at 00:00 UTC if it is a daily one, else in an hour."""
    if found := WAIT_IN_REPLY.search(reply.text):
        unit = {"s": "seconds", "m": "minutes", "h": "hours"}[found[2][0].lower()]
        return now + timedelta(**{unit: int(found[1])})
    if DAILY.search(reply.text):
        return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return now + DEFAULT_PAUSE


# 5, 15 and 30 minutes, 1, 2, 4 and 8 hours: a newsletter is stale long before an MTA's usual five days.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480))
LONGEST_RETRY = timedelta(hours=48)


def compute_next_attempt(
    *, attempts: int, first_attempt_at: datetime, now: datetime, delivery_id: int = 0
) -> datetime | None:
    """Return when to retry a deferred delivery after `attempts` attempts; None if 48 hours passed since the first one.

    The delay is up to a fifth shorter or longer, by the delivery's id, so that deliveries deferred together are not
    retried together.
    """
    spread = 0.8 + 0.4 * (delivery_id * 2_654_435_761 % 2**32) / 2**32 if delivery_id else 1.0
    moment = now + RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1] * spread
    return moment if moment - first_attempt_at <= LONGEST_RETRY else None
