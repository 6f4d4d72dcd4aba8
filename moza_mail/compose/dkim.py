"""DKIM signatures (RFC 6376): relaxed/relaxed, rsa-sha256 (RFC 8301), and ed25519-sha256 (RFC 8463) beside it when asked.

A signature depends on the message and the key alone, so that every attempt gives the same bytes: both algorithms are
deterministic, and `t=` is the moment the mailing was made. Signing lets other threads of Python go on meanwhile.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from moza_mail.compose.dkim_canonical import SharedBody, canonicalize_fields
from moza_mail.compose.dkim_key import DkimKey
from moza_mail.compose.quoted_printable import Segments

# What a receiver acts on or a reader sees. RFC 8058 4 wants both of List-Unsubscribe covered; what is added by relays on the
# way (Received, Return-Path) cannot be.
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
    """What signs the messages of one mailing; `made` is the mailing's moment in seconds since 1970."""

    keys: tuple[DkimKey, ...]
    timestamp: int
    shared_names: tuple[str, ...]
    shared_header: bytes
    """The signed ones of the fields that all share, canonical, and their `names`."""
    shared_body: SharedBody

    @classmethod
    def prepare(
        cls, keys: tuple[DkimKey, ...], *, timestamp: int, shared_fields: bytes, body: Segments
    ) -> Self:
        """Work out what the messages share: the header fields `shared` and the segments of the body."""
        names, header = _select_signed(shared_fields)
        return cls(
            keys=keys,
            timestamp=timestamp,
            shared_names=names,
            shared_header=header,
            shared_body=SharedBody.prepare(body),
        )

    def make_signature_fields(self, own_fields: bytes, filled: Sequence[bytes]) -> bytes:
        """The DKIM-Signature fields of one message, by its own header fields and its filled segments."""
        names, header = _select_signed(own_fields)
        body_hash = b64encode(self.shared_body.hash_body(filled))
        covered = self.shared_header + header
        return b"".join(
            self._signature(key, self.shared_names + names, covered, body_hash) for key in self.keys
        )

    def _signature(self, key: DkimKey, names: tuple[str, ...], covered: bytes, body_hash: bytes) -> bytes:
        head, canonical = _start_signature(key.domain, key.selector, key.algorithm, self.timestamp, names)
        digested = covered + canonical + body_hash + b"; b="
        encoded = b64encode(key.sign(digested))
        lines = [
            encoded[start : start + BASE64_PER_LINE] for start in range(0, len(encoded), BASE64_PER_LINE)
        ]
        return head + body_hash + b";\r\n b=" + b"\r\n ".join(lines) + b"\r\n"


def _select_signed(block: bytes) -> tuple[tuple[str, ...], bytes]:
    """The names and the canonical bytes of those fields of a block that are signed."""
    chosen = [
        (NAMES_BY_LOWER_CASE[name], canonical)
        for name, canonical in canonicalize_fields(block)
        if name in NAMES_BY_LOWER_CASE
    ]
    return tuple(name for name, _ in chosen), b"".join(canonical for _, canonical in chosen)


@lru_cache(maxsize=64)
def _start_signature(
    domain: str, selector: str, algorithm: str, made: int, names: tuple[str, ...]
) -> tuple[bytes, bytes]:
    """The field up to the body hash, as it is written and in canonical form.

    From is named once more than it is there, so that a second one breaks the signature (RFC 6376 8.15).
    """
    every = (*names, "From")
    rows = [every[start : start + NAMES_PER_LINE] for start in range(0, len(every), NAMES_PER_LINE)]
    listed = ":\r\n  ".join(":".join(row) for row in rows)
    written = (
        f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain}; s={selector}; t={made};\r\n"
        f" h={listed};\r\n bh="
    ).encode("ascii")
    ((_, canonical),) = canonicalize_fields(written + b"\r\n")
    return written, canonical.removesuffix(b"\r\n")
