"""Domain: what the DNS says about who may mail in a sender's name, and what receivers make of it.

`Dns` asks; everything else judges answers and touches nothing: `examine(ask, sender)`.
"""

from typing import TYPE_CHECKING, Any

from moza_mail.dns_check.answer import AnswerStatus, DnsAnswer, LookUp
from moza_mail.dns_check.dkim import ExpectedKey
from moza_mail.dns_check.run import SenderDomain, check_domain

if TYPE_CHECKING:
    from moza_mail.dns_check.resolver import DnsResolver

__all__ = [
    "AnswerStatus",
    "DnsAnswer",
    "DnsResolver",
    "ExpectedKey",
    "LookUp",
    "SenderDomain",
    "check_domain",
]


def __getattr__(name: str) -> Any:
    """Bring in the library that asks on first use."""
    if name == "DnsResolver":
        from moza_mail.dns_check.resolver import DnsResolver

        return DnsResolver
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
