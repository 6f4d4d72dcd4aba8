"""Words of replies, sorted by their role in a sentence."""

from dataclasses import dataclass
from enum import StrEnum


class WordRole(StrEnum):
    """The role of words in a reply: the thing that they name, or the statement that they make."""

    RECIPIENT = "recipient"
    """The reader, or the reader's address or mailbox."""
    GONE = "gone"
    """The recipient does not exist."""
    CLOSED = "closed"
    """The recipient's mailbox no longer receives mail."""
    FULL = "full"
    """The recipient's mailbox has no space."""
    SENDER = "sender"
    """The sender of the message, or the sender's address."""
    CUSTOMER = "customer"
    """Our account, login, contract or server."""
    SENDING = "sending"
    """Sending, relaying, authentication and the DNS records of a sender."""
    LATER = "later"
    """A temporary condition, or a fault of the server."""
    CHOICE = "choice"
    """A policy of the server, a choice of the reader, or a suspicion of spam."""
    CONTENT = "content"
    """A part of the message."""
    PHRASE = "phrase"
    """A phrase from refusals of a recipient. Each of its words alone could be about anything."""
    KNOWN = "known"
    """A common word in refusals of a recipient, which says nothing about the cause."""
    NEUTRAL = "neutral"
    """A phrase that contains a word of another role, but says nothing about the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyWords:
    """Words of one language with one role.

    words: a regular expression, in lower case and without accents.
    source, seen: where the words were found, and when.
    """

    role: WordRole
    language: str
    words: str
    source: str
    seen: str = "2026-11-30"
