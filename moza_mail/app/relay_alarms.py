"""Return warnings about replies of the relay, and about an outbox used before it."""

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
    """Return a warning with a remedy for each problem that a circuit breaker recorded."""
    alarms: list[str] = []
    if breaker.quota is not None:
        alarms.append(
            _(
                "Stopped: a sending quota is used up: {reply}. No recipient was marked as refused. `send --due` continues automatically when the quota is renewed. Without `send --due`, run the same command again then.",
                reply=str(breaker.quota),
            )
        )
    if breaker.sender_fault is not None:
        alarms.append(
            _(
                "The relay {relay} refuses mail from this sender: {reply}. The recipients are not the cause, so none of them was marked as refused or suppressed. Ask the relay's operator to check the sender address, its domain, the login and the permission to relay. Then run the same command again.",
                relay=relay,
                reply=str(breaker.sender_fault),
            )
        )
    if breaker.blocking:
        alarms.append(_describe_blocking(breaker.blocking))
    if breaker.protocol_errors:
        alarms.append(
            _(
                "Alarm: {relay} reported an error in the SMTP protocol. Number of times: {count}. Last reply: {reply}. Either the relay or moza-mail has a bug. moza-mail closed the connection each time, and marked no recipient as refused. Please report this reply to the moza-mail project, with the relay's log of that time. Then run the same command again for the remaining recipients.",
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
            "Paused: {domain} refuses this mailing because of a block list, a policy or the content: {reply}. The recipients at this domain stay pending. Solve the problem with the relay's operator or the provider. Then run the same command again.",
            domain=domain,
            reply=str(reply),
        )
    return _(
        "Paused: {domains} refuse this mailing because of a block list, a policy or the content. For example, {domain} replied: {reply}. The recipients at these domains stay pending. Solve the problem with the relay's operator or the providers. Then run the same command again.",
        domains=", ".join(sorted(blocking)),
        domain=domain,
        reply=str(reply),
    )


async def find_outbox_alarms(store: Store, mailing: Mailing, relay: str) -> Sequence[str]:
    """Return a warning if a mailing began with an outbox and now continues with a relay."""
    if relay.startswith("outbox:"):
        return ()
    async for delivery in store.ledger.iter_deliveries(mailing.id, [DeliveryState.ACCEPTED]):
        if delivery.reply:
            return (_describe_outbox(mailing),) if OUTBOX_FILE.search(delivery.queue_id) else ()
    return ()


def _describe_outbox(mailing: Mailing) -> str:
    return _(
        "Alarm: the mailing of {issue} began while the relay was an outbox, which only writes messages to files. The recipients who were accepted then received no mail, and this relay does not mail them either. To mail them, give the issue another `slug`. That starts a new mailing to all recipients.",
        issue=mailing.issue_slug,
    )
