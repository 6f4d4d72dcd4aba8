"""Sign messages with DKIM (RFC 6376): relaxed/relaxed, rsa-sha256 and ed25519-sha256.

RFC 8301 requires rsa-sha256. RFC 8463 adds ed25519-sha256, which is optional here. A signature depends only
on the message and the key, so every attempt gives the same bytes: both algorithms are deterministic, and
`t=` is the time at which the mailing was created. Signing releases Python's interpreter lock.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from moza_mail.compose.dkim_canonical import SharedBody, canonicalize_fields
from moza_mail.compose.dkim_key import DkimKey
from moza_mail.compose.quoted_printable import Segments

# The fields that receivers act on or show. RFC 8058 4 requires both List-Unsubscribe fields. Received and Return-Path
# cannot be signed, because relays add them later.
SIGNED_FIELDS = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
    "Feedback-ID",
)
NAMES_BY_LOWER_CASE = {name.lower(): name for name in SIGNED_FIELDS}
BASE64_PER_LINE = 72
NAMES_PER_LINE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSigner:
    """Signs the messages of one mailing.

    timestamp: when the mailing was created, in seconds since 1970.
    shared_names: the names of the signed header fields that all messages share.
    shared_header: the signed header fields that all messages share, in canonical form.
    """

    keys: tuple[DkimKey, ...]
    timestamp: int
    shared_names: tuple[str, ...]
    shared_header: bytes
    shared_body: SharedBody

    @classmethod
    def prepare(
        cls, keys: tuple[DkimKey, ...], *, timestamp: int, shared_fields: bytes, body: Segments
    ) -> Self:
        """Canonicalise the header fields and the parts of the body that all messages share."""
        names, header = _select_signed(shared_fields)
        return cls(
            keys=keys,
            timestamp=timestamp,
            shared_names=names,
            shared_header=header,
            shared_body=SharedBody.prepare(body),
        )

    def make_signature_fields(self, own_fields: bytes, filled: Sequence[bytes]) -> bytes:
        """Return the DKIM-Signature fields of one message.

        own_fields: the header fields that only this message has.
        filled: the body with its placeholders filled in.
        """
        names, header = _select_signed(own_fields)
        body_hash = b64encode(self.shared_body.hash_body(filled))
        covered = self.shared_header + header
        return b"".join(
            self._make_signature(key, self.shared_names + names, covered, body_hash) for key in self.keys
        )

    def _make_signature(
        self, key: DkimKey, names: tuple[str, ...], covered: bytes, body_hash: bytes
    ) -> bytes:
        head, canonical = _start_signature(key.domain, key.selector, key.algorithm, self.timestamp, names)
        encoded = b64encode(key.sign(covered + canonical + body_hash + b"; b="))
        lines = [
            encoded[start : start + BASE64_PER_LINE] for start in range(0, len(encoded), BASE64_PER_LINE)
        ]
        return head + body_hash + b";\r\n b=" + b"\r\n ".join(lines) + b"\r\n"


def _select_signed(block: bytes) -> tuple[tuple[str, ...], bytes]:
    """Return the names and the canonical bytes of the header fields that DKIM signs."""
    selected = [
        (NAMES_BY_LOWER_CASE[name], canonical)
        for name, canonical in canonicalize_fields(block)
        if name in NAMES_BY_LOWER_CASE
    ]
    return tuple(name for name, _ in selected), b"".join(canonical for _, canonical in selected)


@lru_cache(maxsize=64)
def _start_signature(
    domain: str, selector: str, algorithm: str, timestamp: int, names: tuple[str, ...]
) -> tuple[bytes, bytes]:
    """Return the DKIM-Signature field up to the body hash, as sent and in canonical form.

    In the list of signed fields, From occurs once more than in the message. So nobody can add a second From
    without breaking the signature (RFC 6376 8.15).
    """
    listed_names = (*names, "From")
    rows = [
        listed_names[start : start + NAMES_PER_LINE] for start in range(0, len(listed_names), NAMES_PER_LINE)
    ]
    listed = ":\r\n  ".join(":".join(row) for row in rows)
    written = (
        f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain}; s={selector}; t={timestamp};\r\n"
        f" h={listed};\r\n bh="
    ).encode("ascii")
    ((_, canonical),) = canonicalize_fields(written + b"\r\n")
    return written, canonical.removesuffix(b"\r\n")
