"""Pseudonyms for addresses, for records that may not contain the address.

They are made with the project's secret.
"""

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from moza_mail.model.address import Address

DIGITS = 32
"""128 bits, in hexadecimal (RFC 2104 5 lets an HMAC be cut to half its length)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressHasher:
    """Makes pseudonyms for addresses with a secret.

    Without the secret, nobody can find the address of a pseudonym by hashing every possible address. The result is
    pseudonymous, not anonymous (GDPR, art. 4(5)): with the secret, the pseudonym of an address can be computed.
    """

    secret: bytes = field(repr=False)

    def hash_address(self, address: Address) -> str:
        """Return the pseudonym of an address: 32 hexadecimal digits.

        Upper and lower case make no difference.
        """
        return self.hash_key(address.key)

    def hash_key(self, key: str) -> str:
        """Return the pseudonym of an address by its `Address.key`."""
        return self._made("address", key)

    @property
    def fingerprint(self) -> str:
        """Return a fingerprint of the secret, which reveals nothing about it."""
        return self._made("fingerprint", "")

    def make_seal(self, previous_seal: str, text: str) -> str:
        """Return the seal of a text, chained to the seal of the text before it.

        The entries of the audit log are chained this way. A changed or deleted entry breaks the chain.
        """
        return self._made("seal", f"{previous_seal}:{text}")

    def _made(self, purpose: str, text: str) -> str:
        return hmac.digest(_key(self.secret, purpose), text.encode(), "sha256").hex()[:DIGITS]


@lru_cache(maxsize=16)
def _key(secret: bytes, purpose: str) -> bytes:
    """Derive a key for each purpose with HMAC-SHA256.

    So a value made for one purpose is useless for another.
    """
    return hmac.digest(secret, f"moza-mail pseudonym: {purpose}".encode(), "sha256")
