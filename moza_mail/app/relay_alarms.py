"""Warn if the relay refuses the sender, or if the project used an outbox before it used this relay."""

import re
from collections.abc import Mapping, Sequence

from moza_mail.i18n import gettext as _
from moza_mail.model.circuit_breaker import CircuitBreaker
from moza_mail.model.mailing import DeliveryState, Mailing
from moza_mail.model.reply import Reply
from moza_mail.store import Store

# The queue id that an outbox gives a message: the name of its file.
OUTBOX_FILE = re.compile(r"\.[0-9a-f]{16}\.eml$")


def describe_breaker(breaker: CircuitBreaker, relay: str) -> list[str]:
    """Return warnings about the problems that paused or disturbed a run, each with its remedy."""
    alarms: list[str] = []
    if breaker.quota is not None:
        alarms.append(
            _(
                "Stopped: a sending quota is used up: {reply}. Nobody was refused. `send --due` continues automatically; or run the same command again when the quota is new.",
                reply=str(breaker.quota),
            )
        )
    if breaker.sender_fault is not None:
        alarms.append(
            _(
                "The relay {relay} refuses us, not the recipients: {reply}. Nobody was refused or suppressed for it. Check the sender address, its domain, the login and the right to relay with the relay's operator, then run the same command again.",
                relay=relay,
                reply=str(breaker.sender_fault),
            )
        )
    if breaker.blocking:
        alarms.append(_describe_blocking(breaker.blocking))
    if breaker.protocol_errors:
        alarms.append(
            _(
                "Alarm: {count} times {relay} replied that it and moza-mail are out of step ({reply}). One of the two programs has a bug. No recipient was refused for it, and each time the connection was closed. Please send us that reply with the relay's log of that moment, and run the same command again for the recipients who are left.",
                count=breaker.protocol_errors,
                relay=relay,
                reply=str(breaker.last_reply),
            )
        )
    return alarms


def _describe_blocking(blocking: Mapping[str, Reply]) -> str:
    domain, reply = next(iter(blocking.items()))
    if len(blocking) == 1:
        return _(
            "Paused: {domain} refuses this mailing for a block list, a policy or its content: {reply}. Its recipients stay pending. Solve it with the relay's operator or the provider, then run the same command again.",
            domain=domain,
            reply=str(reply),
        )
    return _(
        "Paused: {domains} refuse this mailing for a block list, a policy or its content, for example {domain}: {reply}. Their recipients stay pending. Solve it with the relay's operator or the provider, then run the same command again.",
        domains=", ".join(sorted(blocking)),
        domain=domain,
        reply=str(reply),
    )


async def find_outbox_alarms(store: Store, mailing: Mailing, relay: str) -> Sequence[str]:
    """Return a warning if the mailing began in an outbox, but the relay is a real one now."""
    if relay.startswith("outbox:"):
        return ()
    async for delivery in store.ledger.iter_deliveries(mailing.id, [DeliveryState.ACCEPTED]):
        if delivery.reply:
            return (_describe_outbox(mailing),) if OUTBOX_FILE.search(delivery.queue_id) else ()
    return ()


def _describe_outbox(mailing: Mailing) -> str:
    return _(
        "Alarm: {issue} was begun when the relay was an outbox. Recipients accepted then received nothing, and are not mailed through this relay either. If they must receive it, give the issue a `slug` of its own: that is a new mailing, to everybody.",
        issue=mailing.issue_slug,
    )
