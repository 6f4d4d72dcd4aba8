"""A reply of the relay, and the phase of the transaction to which it belongs."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from moza_mail.model.classify_reply import classify_reply


class Phase(StrEnum):
    """The step of an SMTP transaction to which a reply or failure belongs (RFC 5321 3.3)."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")


CODE = re.compile(r"[2-5]\d\d")


# The forms in which Postfix, Exim, Sendmail and Exchange write the queue id after the 250.
QUEUE_ID = re.compile(
    r"(?:queued as|id=|Queued mail for delivery \[?|accepted for delivery[: ]*)\s*([\w.<>@-]+)", re.IGNORECASE
)


def decode_octets(octets: bytes) -> str:
    """Decode text from a server as UTF-8, or as Latin-1 if it is not valid UTF-8.

    Latin-1 can decode any octets.
    """
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply of a server.

    code: the basic code (RFC 5321 4.2).
    enhanced: the enhanced code (RFC 3463), empty if there is none.
    text: at most 500 characters, without control characters.
    """

    code: int
    enhanced: str = ""
    text: str = ""

    @classmethod
    def parse(cls, code: int, text: str) -> "Reply":
        """Return the reply with this code. `text` may begin with an enhanced code."""
        clean = text[:2000]
        if not clean.isprintable():
            clean = "".join(char if char.isprintable() else " " for char in clean)
        clean = " ".join(clean.split())[:500]
        found = ENHANCED.match(clean)
        return cls(
            code=code,
            enhanced=found.group().strip() if found else "",
            text=clean[found.end() :] if found else clean,
        )

    @classmethod
    def from_text(cls, written: str) -> "Reply | None":
        """Parse a reply from the text that `str(reply)` returned; return None for any other text."""
        code, _, text = written.partition(" ")
        return cls.parse(int(code), text) if CODE.fullmatch(code) else None

    @property
    def queue_id(self) -> str:
        """The queue id that the relay gave the message, empty if the reply has none."""
        found = QUEUE_ID.search(self.text) if self.code == 250 else None
        return found.group(1).strip("<>.")[:120] if found else ""

    def without_text(self) -> "Reply":
        """Return the reply with a standard text, because its own text may contain an address.

        The standard text has the same verdict.
        """
        verdict = classify_reply(str(self))
        words = (replace(self, text=text) for text in NEUTRAL_WORDS)
        return next(
            (reply for reply in words if classify_reply(str(reply)) is verdict), replace(self, text="")
        )

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


NEUTRAL_WORDS = (
    "",
    "user unknown",
    "recipient domain not found",
    "mailbox full",
    "account disabled",
    "blocked",
)
"""Standard texts. One of them can replace a reply's text without changing its verdict."""
