"""Domain: what the DNS says about who may mail in a sender's name, and what receivers make of it.

`Dns` asks; everything else judges answers and touches nothing: `examine(ask, sender)`.
"""

from typing import TYPE_CHECKING, Any

from moza_mail.dns_check.answer import Answer, Ask, Found
from moza_mail.dns_check.dkim import Key
from moza_mail.dns_check.run import Sender, examine

if TYPE_CHECKING:
    from moza_mail.dns_check.resolver import Dns

__all__ = ["Answer", "Ask", "Dns", "Found", "Key", "Sender", "examine"]


def __getattr__(name: str) -> Any:
    """Bring in the library that asks on first use."""
    if name == "Dns":
        from moza_mail.dns_check.resolver import Dns

        return Dns
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
