"""The ledger's nouns and its decisions: Mailing, Delivery, Reply, Outcome; what a reply means, when to try again.

A delivery's states and what leads where:

    pending -> claimed -> intent -> accepted | deferred | refused | uncertain
    claimed -> pending (given back)   claimed, pending, deferred -> skipped   deferred -> claimed
    uncertain -> claimed only when a human says so
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from types import MappingProxyType

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.classify_reply import ReplyContext, classify_reply
from moza_mail.model.message import Envelope, Rendered
from moza_mail.model.segment import Segment
from moza_mail.model.timestamps import require_utc
from moza_mail.model.verdict import Verdict


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
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


RejectedUpdates = Mapping[int, StoreError]
"""Updates that do not fit the state of their delivery, by delivery id; empty if all were stored."""


# What says that we and the relay have lost step, or that we speak wrongly (RFC 3463 3.6), which is never the recipient's
# fault. 5.5.0 is not among it: large providers write that for a mailbox that does not exist.
PROTOCOL_CODES = frozenset({"5.5.1", "5.5.2", "5.5.4"})
PROTOCOL_ERROR = "out of step with the relay"
SENDER_REFUSED = "the relay refuses our sender"


def to_outcome(reply: Reply, phase: Phase, envelope: Envelope | None = None) -> Outcome:
    """Conclude from a complete reply: 2xx to the body is accepted, 4xx deferred, 5xx refused (RFC 5321 4.2.1).

    A 5xx that is not the recipient's fault leaves them pending: one to MAIL, of whom the relay has heard nothing yet, and
    one that says we and the relay lost step.
    """
    if 200 <= reply.code < 300 and phase is Phase.BODY:
        return Outcome(state=DeliveryState.ACCEPTED, phase=phase, reply=reply)
    if not 400 <= reply.code < 600:
        state = DeliveryState.UNCERTAIN if phase is Phase.BODY else DeliveryState.PENDING
        return Outcome(state=state, phase=phase, reply=reply, detail="a reply that SMTP does not know")
    state, detail = DeliveryState.REFUSED, ""
    if reply.code == 503 or (reply.code >= 500 and reply.enhanced in PROTOCOL_CODES):
        state, detail = DeliveryState.PENDING, PROTOCOL_ERROR
    elif reply.code < 500:
        state = DeliveryState.DEFERRED
    elif phase is Phase.MAIL:
        state, detail = DeliveryState.PENDING, SENDER_REFUSED
    context = ReplyContext(phase=phase.value)
    if envelope is not None:
        context = replace(context, recipients=(str(envelope.recipient),), senders=(str(envelope.sender),))
    return Outcome(
        state=state, phase=phase, reply=reply, detail=detail, verdict=classify_reply(str(reply), context)
    )


# A share says little of a handful, so it counts from so many attempts; a row of refusals is told apart at once.
ENOUGH_TO_JUDGE = 100
HIGHEST_SHARE = 0.02
LONGEST_ROW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """Watches for a relay or provider that refuses us, not our readers: then each further attempt makes it worse."""

    attempts: int = 0
    policy: int = 0
    in_a_row: int = 0
    protocol_errors: int = 0
    """How often the relay said that we and it have lost step, which is a mistake of a program and of no reader."""
    last_reply: Reply | None = None
    """The last of those replies."""

    def record(self, outcome: Outcome) -> "CircuitBreaker":
        """The watch with one more attempt seen; what was not tried does not count."""
        if outcome.detail == PROTOCOL_ERROR:
            return replace(self, protocol_errors=self.protocol_errors + 1, last_reply=outcome.reply)
        if outcome.state is DeliveryState.PENDING:
            return self
        refused = outcome.verdict in {Verdict.POLICY, Verdict.CONTENT, Verdict.SENDER_FAULT}
        return replace(
            self,
            attempts=self.attempts + 1,
            policy=self.policy + refused,
            in_a_row=self.in_a_row + 1 if refused else 0,
        )

    def record_all(self, outcomes: Sequence[Outcome]) -> "CircuitBreaker":
        """The watch with these seen, in order."""
        if all(outcome.state is DeliveryState.ACCEPTED for outcome in outcomes):
            return replace(self, attempts=self.attempts + len(outcomes), in_a_row=0) if outcomes else self
        return reduce(CircuitBreaker.record, outcomes, self)

    @property
    def is_tripped(self) -> bool:
        """Whether the mailing must stop: 20 policy refusals in a row, or more than 2 % of the attempts."""
        share = self.attempts >= ENOUGH_TO_JUDGE and self.policy > HIGHEST_SHARE * self.attempts
        return share or self.in_a_row >= LONGEST_ROW


# 5, 15 and 30 minutes, 1, 2, 4 and 8 hours: a newsletter is stale long before an MTA's usual five days.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480))
LONGEST_RETRY = timedelta(hours=48)


def compute_next_attempt(
    *, attempts: int, created_at: datetime, now: datetime, delivery_id: int = 0
) -> datetime | None:
    """When a deferred delivery is tried again after `attempts` tries; None when 48 hours have passed.

    The delay is up to a fifth shorter or longer, by the delivery's number, so that what was put off together does not
    come back together.
    """
    spread = 0.8 + 0.4 * (delivery_id * 2_654_435_761 % 2**32) / 2**32 if delivery_id else 1.0
    moment = now + RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1] * spread
    return moment if moment - created_at <= LONGEST_RETRY else None
