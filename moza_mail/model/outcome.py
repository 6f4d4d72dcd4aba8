"""The outcome of one attempt to deliver, concluded from the reply of the relay."""

from dataclasses import dataclass, replace

from moza_mail.model.classify_reply import find_rule
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message import Envelope
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.reply_text import ReplyContext
from moza_mail.model.verdict import SENDER_VERDICTS, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one attempt.

    state: accepted, deferred, refused or uncertain. It is pending if the attempt failed before the body was sent and the
        recipient is not the cause; a pending delivery is tried again.
    """

    state: DeliveryState
    phase: Phase
    reply: Reply | None = None
    detail: str = ""
    verdict: Verdict | None = None
    """The meaning of a 4xx or 5xx."""


# Errors of the protocol (RFC 3463 3.6), which are never the recipient's fault. 5.5.0 is not one of them: large providers write
# it for a mailbox that does not exist.
PROTOCOL_CODES = frozenset({"5.5.1", "5.5.2", "5.5.4"})


PROTOCOL_ERROR = "out of step with the relay"


SENDER_REFUSED = "the relay refuses our sender"


# This rule is about a group for members only, or a person who rejects our mail. Others at that domain may be mailed.
READER_CHOICE_RULE = "closed_group"


# "432 Concurrent connections limit exceeded": another connection takes the message.
CONNECTIONS_RULE = "too_many_connections"


def to_outcome(reply: Reply, phase: Phase, envelope: Envelope | None = None) -> Outcome:
    """Return the outcome of a complete reply (RFC 5321 4.2.1).

    A 2xx reply to the body means accepted, 4xx deferred, and 5xx refused. A temporary verdict always means deferred, whatever
    the code. The recipient stays pending if the reply is not about the recipient but about the sender, a quota, a block list, the
    content, the number of connections, or commands and replies that are out of step.
    """
    if 200 <= reply.code < 300 and phase is Phase.BODY:
        return Outcome(state=DeliveryState.ACCEPTED, phase=phase, reply=reply)
    if not 400 <= reply.code < 600:
        state = DeliveryState.UNCERTAIN if phase is Phase.BODY else DeliveryState.PENDING
        return Outcome(state=state, phase=phase, reply=reply, detail="a reply that SMTP does not know")
    context = ReplyContext(phase=phase.value)
    if envelope is not None:
        context = replace(context, recipients=(str(envelope.recipient),), senders=envelope.senders)
    verdict, rule = find_rule(str(reply), context)
    state, detail = _choose_state(reply, phase, verdict, rule)
    return Outcome(state=state, phase=phase, reply=reply, detail=detail, verdict=verdict)


HOLDING_VERDICTS = SENDER_VERDICTS | {Verdict.POLICY, Verdict.CONTENT}


"""Verdicts about us or our message. The recipient stays pending for the rest of the run."""


def is_held(outcome: Outcome) -> bool:
    """Return True if the reply refuses us, not the recipient, and leaves the connection usable.

    The recipient stays pending.
    """
    return (
        outcome.state is DeliveryState.PENDING
        and outcome.verdict in HOLDING_VERDICTS
        and not outcome.detail
        and outcome.reply is not None
        and outcome.reply.code != 421
    )


def _choose_state(reply: Reply, phase: Phase, verdict: Verdict, rule: str) -> tuple[DeliveryState, str]:
    """Return the state and the detail of the outcome after a refusal."""
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
