"""Pseudonyms for addresses, for records that may not contain the address.

They are made with the project's secret.
"""

import hmac
from dataclasses import dataclass, field

from moza_mail.model.address import Address
from moza_mail.model.derived_key import derive_key

DIGITS = 32
"""128 bits, in hexadecimal (RFC 2104 5 lets an HMAC be cut to half its length)."""
KEY_BYTES = 32


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
        """Return a fingerprint of the secret. The fingerprint does not reveal the secret."""
        return self._made("fingerprint", "")

    def make_seal(self, text: str) -> str:
        """Return the seal of an audit entry's text. Only the owner of the secret can make it."""
        return self._made("seal", text)

    def make_head_seal(self, text: str) -> str:
        """Return the seal of the audit log's head, which says how many entries there are."""
        return self._made("head", text)

    def _made(self, purpose: str, text: str) -> str:
        return hmac.digest(
            derive_key(self.secret, f"pseudonym: {purpose}", KEY_BYTES), text.encode(), "sha256"
        ).hex()[:DIGITS]
