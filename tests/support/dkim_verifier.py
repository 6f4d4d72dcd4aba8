"""Verify DKIM signatures with dkimpy, from our own records instead of the DNS."""

import warnings
from base64 import b64decode
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from moza_mail.compose import DkimKey

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import dkim


class VerifyKey:
    """The part of PyNaCl that dkimpy needs, implemented with cryptography, so that PyNaCl is not needed."""

    def __init__(self, public: bytes, encoder: object) -> None:  # noqa: ARG002 -- dkimpy names it
        self._key = Ed25519PublicKey.from_public_bytes(b64decode(public))

    def verify(self, content: bytes, signature: bytes) -> None:
        self._key.verify(signature, content)


if not hasattr(dkim, "nacl"):
    dkim.nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
    )


def has_valid_signatures(content: bytes, *keys: DkimKey) -> bool:
    """Return True if a message has signatures and all of them are valid."""
    records = {f"{key.record_name}.".encode(): key.record.encode() for key in keys}
    found = content.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature: ")
    try:
        return found > 0 and all(
            dkim.DKIM(content).verify(index, dnsfunc=lambda name, **_: records.get(name))
            for index in range(found)
        )
    except dkim.DKIMException:
        return False
