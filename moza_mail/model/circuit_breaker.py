"""The circuit breaker stops a run when the relay or a provider refuses us.

It also says when an automatic run may try again.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import HOLDING_VERDICTS, PROTOCOL_ERROR, Outcome
from moza_mail.model.reply import Reply
from moza_mail.model.verdict import Verdict

MAX_SENDER_FAULTS = 3


MAX_BLOCKING_DOMAINS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """Counts the replies that refuse us, the sender.

    After such a refusal, further attempts may make the relay or the provider refuse more mail.

    sender_faults: the number of replies about our address, rights or authentication since the last accepted message.
    sender_fault: the last reply about our address, rights or authentication.
    quota: the last reply that says that a quota is used up.
    blocking: the recipients' domains that refused us for a block list, a policy or the content, each with its reply.
    protocol_errors: how often the relay and moza-mail were out of step, which is a bug in one of the two programs.
    last_reply: the last reply that was out of step.
    """

    sender_faults: int = 0
    sender_fault: Reply | None = None
    quota: Reply | None = None
    blocking: Mapping[str, Reply] = field(default_factory=lambda: MappingProxyType({}))
    protocol_errors: int = 0
    last_reply: Reply | None = None

    def record(self, outcome: Outcome, domain: str = "") -> "CircuitBreaker":
        """Return the circuit breaker after one more attempt.

        domain: the domain of the recipient.
        """
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
        """Return the circuit breaker after these attempts, in order.

        Each outcome is paired with the domain of its recipient.
        """
        breaker = self
        for outcome, domain in outcomes:
            breaker = breaker.record(outcome, domain)
        return breaker

    @property
    def is_tripped(self) -> bool:
        """Return True if the run must stop.

        A quota is used up, or several replies say that we are refused.
        """
        return (
            self.quota is not None
            or self.sender_faults >= MAX_SENDER_FAULTS
            or len(self.blocking) >= MAX_BLOCKING_DOMAINS
        )

    def pause_until(self, now: datetime) -> datetime | None:
        """Return when an automatic run may try again.

        Return None if no reply blames the sender: its quota, its address or its whole mail.
        """
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
    """Return when mail may be sent again after a quota was used up.

    That is the time given in the reply, else 00:00 UTC for a daily quota, else in an hour.
    """
    if found := WAIT_IN_REPLY.search(reply.text):
        unit = {"s": "seconds", "m": "minutes", "h": "hours"}[found[2][0].lower()]
        return now + timedelta(**{unit: int(found[1])})
    if DAILY.search(reply.text):
        return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return now + DEFAULT_PAUSE
