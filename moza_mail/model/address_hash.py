"""Pseudonyms: what stands for an address where the address itself may not stand, made with the project's secret."""

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from moza_mail.model.address import Address

DIGITS = 32
"""128 bits, in hexadecimal (RFC 2104 5 lets an HMAC be cut to half its length)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressHasher:
    """Makes them. Without the secret nobody can tell whose one is, also not by trying every address there may be.

    The law calls it pseudonymous, not anonymous (AVG art. 4(5)): whoever holds secret and address can find it again.
    """

    secret: bytes = field(repr=False)

    def hash_address(self, address: Address) -> str:
        """The pseudonym of an address, in whatever case it is written: 32 hexadecimal digits."""
        return self.hash_key(address.key)

    def hash_key(self, key: str) -> str:
        """The same of an Address.key."""
        return self._made("address", key)

    @property
    def fingerprint(self) -> str:
        """What tells this secret from another, and nothing of it."""
        return self._made("fingerprint", "")

    def make_seal(self, previous_seal: str, text: str) -> str:
        """What a text behind one with the seal `before` is sealed with: no line of a chain can be changed or taken out."""
        return self._made("seal", f"{previous_seal}:{text}")

    def _made(self, purpose: str, text: str) -> str:
        return hmac.digest(_key(self.secret, purpose), text.encode(), "sha256").hex()[:DIGITS]


@lru_cache(maxsize=16)
def _key(secret: bytes, purpose: str) -> bytes:
    """HMAC-SHA256 makes a key of its own for each purpose, so that nothing made for one is good for another."""
    return hmac.digest(secret, f"moza-mail pseudonym: {purpose}".encode(), "sha256")
