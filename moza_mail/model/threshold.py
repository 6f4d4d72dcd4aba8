"""When what relays and reports say of an address means that it must not be mailed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from moza_mail.model.mailing import Reply, ReplyKind, kind
from moza_mail.model.subscriber import SuppressionReason

SOFT = frozenset({ReplyKind.FULL, ReplyKind.UNREACHABLE})
MAY_SUPPRESS = frozenset({ReplyKind.ADDRESS, ReplyKind.DISABLED}) | SOFT
NO_DOMAIN = "5.1.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How often an address must fail, counted in mailings: the words of `[bounces]` in moza-mail.toml.

    `unknown_domain_times` is for a domain that does not exist, where the DNS may err; `disabled_times` within `disabled_days`
    for a disabled mailbox; `soft_times` over `soft_days` or more for a full mailbox or a server that cannot be reached, 0 for
    never.
    """

    unknown_domain_times: int = 2
    disabled_times: int = 2
    disabled_days: int = 14
    soft_times: int = 5
    soft_days: int = 30


USUAL = Thresholds()


def suppresses(
    replies: Sequence[tuple[datetime, Reply]], thresholds: Thresholds = USUAL
) -> SuppressionReason | None:
    """Whether what was said of one address means that it must not be mailed again.

    `replies` are the last of each mailing, oldest first, the last one now. One that says that the address does not exist is
    enough. What is soft counts only without one accepted in between. Policy and reputation never suppress, nor does a
    message's size or a mistake in the protocol.
    """
    if not replies:
        return None
    at, last = replies[-1]
    found = kind(last)
    if found is ReplyKind.ADDRESS:
        same = [reply for _, reply in replies if reply.enhanced == last.enhanced]
        needed = thresholds.unknown_domain_times if last.enhanced == NO_DOMAIN else 1
        return SuppressionReason.HARD_BOUNCE if len(same) >= needed else None
    if found is ReplyKind.DISABLED:
        within = timedelta(days=thresholds.disabled_days)
        recent = [said for said in replies if kind(said[1]) is found and at - said[0] <= within]
        return SuppressionReason.HARD_BOUNCE if len(recent) >= thresholds.disabled_times else None
    if found in SOFT and thresholds.soft_times:
        since = takewhile(lambda said: said[1].code >= 400, reversed(replies))
        failed = [moment for moment, reply in since if kind(reply) in SOFT]
        long = at - failed[-1] >= timedelta(days=thresholds.soft_days)
        return SuppressionReason.SOFT_BOUNCES if len(failed) >= thresholds.soft_times and long else None
    return None
