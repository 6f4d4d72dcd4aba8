"""Signed tokens: the links in a mail that only we could have made, and Message-IDs that stay the same on every attempt."""

import hashlib
import hmac
import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from moza_mail.errors import InvalidLink, ProjectError
from moza_mail.model.sign_up import Confirmation

UNSUBSCRIBE = "unsubscribe"
CONFIRM = "confirm"
PREFERENCES = "preferences"
MESSAGE_ID = "message-id"
BOUNCE = "bounce"
LEAVE_BY_MAIL = "leave-by-mail"
SHORTEST_SECRET = 16
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[!#-;=?-\[\]-~]*)?")
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
TAG = 16
# One that ends: the tag, then a number and a moment in seconds since 1970.
ENDING = re.compile(r"[A-Za-z0-9_-]{40}")
MOMENT = 6
# Base32 in small letters: a local part may have its capitals folded on the way (RFC 5321 2.4 notwithstanding).
RETURNED = re.compile(r"(bounce|unsubscribe)\+([a-z2-7]{40})")
BOUNCE_TAG = 13
NOT_WHOLE = "the link is not whole: part of it was lost on the way"
NOT_OURS = "the link was not made by us for this"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLinks:
    """Makes and reads the links of a project. `public_url` is where its web is reached, empty when there is none.

    Raises ProjectError for a secret under 16 bytes and for a `public_url` that cannot stand in a header.
    """

    secret: bytes = field(repr=False)
    public_url: str = ""

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise ProjectError(
                f"the secret is shorter than {SHORTEST_SECRET} bytes",
                hint="Set MOZA_MAIL_SECRET to 32 random letters and digits or more.",
            )
        if self.public_url and not PUBLIC_URL.fullmatch(self.public_url):
            raise ProjectError(
                "public_url is not a plain web address",
                hint='Write public_url = "https://newsletter.example.org" in moza-mail.toml.',
            )

    @property
    def supports_one_click(self) -> bool:
        """Whether the links serve RFC 8058, which wants HTTPS (section 3.1)."""
        return self.public_url.startswith("https://")

    def unsubscribe_url(self, list_slug: str, subscriber: int) -> str:
        """The address where one reader leaves one list."""
        token = self.make_token(UNSUBSCRIBE, list_slug, subscriber)
        return f"{self.public_url.rstrip('/')}/unsubscribe/{quote(list_slug, safe='')}/{token}"

    def make_token(self, purpose: str, list_slug: str, subscriber: int) -> str:
        """32 characters of base64url that say who, for one purpose and one list, to us alone.

        A 128-bit tag over all of it, then the subscriber's number hidden under a pad made from that tag, so that
        nobody can count our readers. The same arguments give the same token.
        """
        tag = _tag(self.secret, purpose, list_slug, subscriber)
        hidden = subscriber ^ self._pad(tag)
        return urlsafe_b64encode(tag + hidden.to_bytes(8)).decode("ascii")

    def read_token(self, purpose: str, list_slug: str, token: str) -> int:
        """The subscriber's number; raise InvalidLink when the token is not whole, not ours, or not for this."""
        if not TOKEN.fullmatch(token):
            raise InvalidLink(NOT_WHOLE)
        octets = urlsafe_b64decode(token)
        tag, hidden = octets[:TAG], int.from_bytes(octets[TAG:])
        subscriber = hidden ^ self._pad(tag)
        expected = _tag(self.secret, purpose, list_slug, subscriber)
        if not hmac.compare_digest(tag, expected):
            raise InvalidLink(NOT_OURS)
        return subscriber

    def confirmation_url(self, confirmation: Confirmation) -> str:
        """The address where a sign-up is confirmed, as long as its link holds."""
        token = self.make_expiring_token(
            CONFIRM, confirmation.list_slug, confirmation.id, confirmation.expires_at
        )
        return f"{self.public_url.rstrip('/')}/confirm/{quote(confirmation.list_slug, safe='')}/{token}"

    def preferences_url(self, subscriber: int) -> str:
        """The address where a reader sees and changes what is held of them."""
        return f"{self.public_url.rstrip('/')}/preferences/{self.make_token(PREFERENCES, '', subscriber)}"

    def read_unsubscribe(self, list_slug: str, token: str) -> int:
        """The subscriber of an unsubscribe link; raise InvalidLink as `read`."""
        return self.read_token(UNSUBSCRIBE, list_slug, token)

    def read_confirmation(self, list_slug: str, token: str, *, now: datetime) -> int:
        """The sign-up of a confirmation link; raise InvalidLink as `read_ending`."""
        return self.read_expiring_token(CONFIRM, list_slug, token, now)

    def read_preferences(self, token: str) -> int:
        """The subscriber of a preferences link; raise InvalidLink as `read`."""
        return self.read_token(PREFERENCES, "", token)

    def make_expiring_token(self, purpose: str, scope: str, number: int, until: datetime) -> str:
        """40 characters of base64url that say a number, for one purpose and within one scope, up to a moment, to us alone.

        A 128-bit tag over all of it, then number and moment hidden under a pad made from that tag. The same arguments give
        the same token.
        """
        seconds = int(until.timestamp())
        tag = _tag(self.secret, purpose, _until(scope, seconds), number)
        hidden = (number << 8 * MOMENT | seconds) ^ self._ending_pad(tag)
        return urlsafe_b64encode(tag + hidden.to_bytes(8 + MOMENT)).decode("ascii")

    def read_expiring_token(self, purpose: str, scope: str, token: str, now: datetime) -> int:
        """The number of such a token; raise InvalidLink when it is not whole, not ours, not for this, or expired."""
        if not ENDING.fullmatch(token):
            raise InvalidLink(NOT_WHOLE)
        octets = urlsafe_b64decode(token)
        tag, hidden = octets[:TAG], int.from_bytes(octets[TAG:])
        number, seconds = divmod(hidden ^ self._ending_pad(tag), 1 << 8 * MOMENT)
        if not hmac.compare_digest(tag, _tag(self.secret, purpose, _until(scope, seconds), number)):
            raise InvalidLink(NOT_OURS)
        if now.timestamp() >= seconds:
            raise InvalidLink("the link has expired", expired=True)
        return number

    def bounce_local_part(self, mailing: int, subscriber: int) -> str:
        """The local part of the address where reports about one message come, 47 characters (VERP)."""
        return f"bounce+{self._returned(BOUNCE, mailing, subscriber)}"

    def read_bounce_local_part(self, local: str) -> tuple[int, int]:
        """The numbers of the mailing and the subscriber that a report's local part names, in any case.

        Raises InvalidLink when it is not whole, or not ours.
        """
        return self._read_returned(BOUNCE, "bounce", local)

    def unsubscribe_local_part(self, mailing: int, subscriber: int) -> str:
        """The local part of the address to which a mail program writes for who leaves the list of a mailing (RFC 2369 3.2)."""
        return f"unsubscribe+{self._returned(LEAVE_BY_MAIL, mailing, subscriber)}"

    def read_unsubscribe_local_part(self, local: str) -> tuple[int, int]:
        """The numbers of the mailing and the subscriber of such a local part, in any case; raise InvalidLink as `read_bounce`."""
        return self._read_returned(LEAVE_BY_MAIL, "unsubscribe", local)

    def _returned(self, purpose: str, mailing: int, subscriber: int) -> str:
        """40 characters that name a message, for one purpose.

        A tag of 104 bits over both numbers, then the numbers hidden under a pad made from that tag: nobody else can make
        one, or read a reader's number in it.
        """
        tag = _tag(self.secret, purpose, str(mailing), subscriber)[:BOUNCE_TAG]
        hidden = (mailing << 64 | subscriber) ^ self._wide_pad(tag)
        return b32encode(tag + hidden.to_bytes(12)).decode("ascii").lower()

    def _read_returned(self, purpose: str, prefix: str, local: str) -> tuple[int, int]:
        found = RETURNED.fullmatch(local.lower())
        if found is None or found[1] != prefix:
            raise InvalidLink("the report came to an address that is not one of ours")
        octets = b32decode(found[2].upper())
        tag, hidden = octets[:BOUNCE_TAG], int.from_bytes(octets[BOUNCE_TAG:])
        mailing, subscriber = divmod(hidden ^ self._wide_pad(tag), 1 << 64)
        expected = _tag(self.secret, purpose, str(mailing), subscriber)[:BOUNCE_TAG]
        if not hmac.compare_digest(tag, expected):
            raise InvalidLink("the report came to an address that was not made by us")
        return mailing, subscriber

    def make_message_id(self, mailing_key: str, subscriber: int, domain: str) -> str:
        """The Message-ID, angle brackets included (RFC 5322 3.6.4), of one mailing to one reader.

        It is the same on every attempt, so that a relay's log or a repeated copy is known by it, and tells nothing
        about the reader.
        """
        tag = _tag(self.secret, MESSAGE_ID, mailing_key, subscriber)
        return f"<{_base32(tag)}@{domain}>"

    def _pad(self, tag: bytes) -> int:
        """A number of 64 bits that only the holder of the secret can make from a tag."""
        return int.from_bytes(_digest(self.secret, b"pad:", tag)[:8])

    def _ending_pad(self, tag: bytes) -> int:
        """The same for a number and a moment."""
        return int.from_bytes(_digest(self.secret, b"ending-pad:", tag)[: 8 + MOMENT])

    def _wide_pad(self, tag: bytes) -> int:
        """The same of 96 bits, for two numbers."""
        return int.from_bytes(_digest(self.secret, b"bounce-pad:", tag)[:12])


def _until(scope: str, seconds: int) -> str:
    """A scope and a moment as one text, of which no other scope and moment make the same."""
    return f"{seconds}:{scope}"


def _tag(secret: bytes, purpose: str, scope: str, subscriber: int) -> bytes:
    """128 bits of HMAC-SHA256; each text tells its length, so that none can be shifted into the next."""
    return _digest(secret, _framed(purpose, scope), b"%d" % subscriber)[:TAG]


@lru_cache(maxsize=64)
def _framed(purpose: str, scope: str) -> bytes:
    return f"{len(purpose)}:{purpose},{len(scope)}:{scope},".encode()


def _digest(secret: bytes, beginning: bytes, rest: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) of a text whose beginning many share: that and the key are hashed once for all of them."""
    begun, ended = _begun(secret, beginning)
    inner, outer = begun.copy(), ended.copy()
    inner.update(rest)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=64)
def _begun(secret: bytes, beginning: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The inner hash as far as the beginning, and the outer one as far as the key."""
    size = hashlib.sha256().block_size
    key = (secret if len(secret) <= size else hashlib.sha256(secret).digest()).ljust(size, b"\0")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key) + beginning)
    return inner, hashlib.sha256(bytes(octet ^ 0x5C for octet in key))


# Base32 in small letters (RFC 4648 6), ten bits at a time.
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
PAIRS = tuple(first + second for first in LETTERS for second in LETTERS)
SHIFTS = tuple(range(120, -10, -10))


def _base32(tag: bytes) -> str:
    """128 bits as 26 characters."""
    number = int.from_bytes(tag) << 2
    return "".join([PAIRS[number >> shift & 1023] for shift in SHIFTS])
