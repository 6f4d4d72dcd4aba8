"""Derive a key for each purpose from the project's secret (HKDF-SHA256, RFC 5869)."""

import hmac
from functools import lru_cache

HASH_BYTES = 32
NO_SALT = bytes(HASH_BYTES)


@lru_cache(maxsize=64)
def derive_key(secret: bytes, purpose: str, length: int) -> bytes:
    """Return the key of one purpose.

    Nobody can compute the secret, or the key of another purpose, from this key.

    length: the number of bytes, at most 8160 (RFC 5869 2.3).
    """
    extracted = hmac.digest(NO_SALT, secret, "sha256")
    key, block = b"", b""
    for number in range(1, -(-length // HASH_BYTES) + 1):
        block = hmac.digest(extracted, block + f"moza-mail {purpose}".encode() + bytes([number]), "sha256")
        key += block
    return key[:length]
