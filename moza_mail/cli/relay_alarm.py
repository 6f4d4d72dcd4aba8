"""What is said when replies were about the sending itself and not about a reader, and how long a rate makes it take."""

import re
from datetime import timedelta

from moza_mail.model.mailing import Breaker, DeliveryState, Mailing
from moza_mail.model.rate import Rates
from moza_mail.store import Store

# What an outbox calls a message: the name of its file.
OUTBOX = re.compile(r"\.[0-9a-f]{16}\.eml$")
IN_FILES = (
    "Alarm: {issue} was begun when the relay was an outbox. Who was accepted then has nothing in their mailbox, and is not mailed"
    " through this relay either. If they must get it, give the issue a `slug` of its own: that is a new mailing, to everybody."
)


def sentences(breaker: Breaker, relay: str) -> list[str]:
    """What a human must look at, each with what to do; empty when there is nothing."""
    found = []
    if breaker.tripped:
        found.append(
            f"Stopped: {breaker.policy} of {breaker.attempts} attempts were refused for a reason that is about the sender, not"
            " the reader. See the replies with `moza-mail status --state refused` (or deferred), put it right with who keeps"
            " the relay, and run the same command again: it goes on with those who are left."
        )
    if breaker.out_of_step:
        found.append(
            f"Alarm: {breaker.out_of_step} times {relay} said that it and moza-mail have lost step ({breaker.said}). That is a"
            " mistake of one of the two programs and is held against no reader; each time the connection was dropped. Please"
            " send us that reply with the relay's log of the moment, and run the same command again for those who are left."
        )
    return found


async def in_files(store: Store, mailing: Mailing, relay: str) -> list[str]:
    """That who counts as mailed got nothing: their messages became files, because the relay was an outbox then and is not now."""
    if relay.startswith("outbox:"):
        return []
    async for delivery in store.deliveries(mailing.id, [DeliveryState.ACCEPTED]):
        if delivery.reply:
            return [IN_FILES.format(issue=mailing.issue_slug)] if OUTBOX.search(delivery.queue_id) else []
    return []


async def lasting(store: Store, mailing: Mailing, rates: Rates, messages: int) -> timedelta:
    """How long so many messages of a mailing, begun or not, take at these rates, each group of domains counted."""
    counts = {
        group.name: await store.waiting(mailing.list_slug, group.domains, mailing.id or None, mailing.segment)
        for group in rates.groups
    }
    return rates.takes(messages, counts)


def words(span: timedelta) -> str:
    """A span as a person says it: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    seconds = round(span.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
