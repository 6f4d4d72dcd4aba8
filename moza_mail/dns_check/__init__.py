"""Check the DNS records of a sender's domain as receivers do.

The checks cover SPF, DKIM, DMARC, MX, DNSSEC, IPv6 and DANE. Only `DnsResolver` sends queries.
All other code, such as `check_domain(look_up, sender)`, judges the answers.
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
    """Import the resolver, and with it dnspython, on first use."""
    if name == "DnsResolver":
        from moza_mail.dns_check.resolver import DnsResolver

        return DnsResolver
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
