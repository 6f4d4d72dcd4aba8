"""Links, return addresses and Message-IDs that only the owner of the secret can make.

A token encrypts and authenticates the numbers in it by AES-SIV (RFC 5297). Its key is derived from the
secret by HKDF (RFC 5869). Each purpose has its own key, so a token for one purpose is refused for another.
The same arguments always give the same token.
"""

import hmac
import re
from base64 import b32decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from moza_mail.errors import InvalidLink, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.derived_key import derive_key
from moza_mail.model.sign_up import Confirmation

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

UNSUBSCRIBE = "unsubscribe"
CONFIRM = "confirm"
PREFERENCES = "preferences"
BOUNCE = "bounce"
UNSUBSCRIBE_BY_MAIL = "unsubscribe-by-mail"
MESSAGE_ID = "message-id"

MIN_SECRET = 16
KEY_BYTES = 64
"""AES-256-SIV needs a key of 512 bits."""
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[!#-;=?-\[\]-~]*)?")
# 24 or 30 bytes fill base64 and base32 exactly, so each token can be written in one way only.
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
EXPIRING_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}")
# A token has at least 22 bytes: 16 for authentication and 6 for the time. No base64 text has a length of 4n + 1.
TEXT_TOKEN = re.compile(r"(?=.{30,2000}$)(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?")
# Base32 in lower case, because mail systems may change the case of a local part, though RFC 5321 2.4 forbids it.
LOCAL_PART = re.compile(r"(bounce|unsubscribe)\+([a-z2-7]{48})")
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
BASE32_PAIRS = tuple(first + second for first in BASE32 for second in BASE32)
# Sizes in bytes: of a number, of a time in seconds since 1970, and of a mailing's id.
NUMBER, TIME, MAILING = 8, 6, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLinks:
    """Makes and reads the links of a project.

    secret: at least 16 bytes, else ProjectError.
    public_url: the address of the public pages, empty if there are none. An address that cannot be put in a
    header raises ProjectError.
    """

    secret: bytes = field(repr=False)
    public_url: str = ""

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET:
            raise ProjectError(
                _("the secret is shorter than {count} bytes", count=MIN_SECRET),
                hint=_("Set MOZA_MAIL_SECRET to at least 32 random letters and digits."),
            )
        if self.public_url and not PUBLIC_URL.fullmatch(self.public_url):
            raise ProjectError(
                _("`public_url` is not a plain web address"),
                hint=_('Write public_url = "https://newsletter.example.org" in moza-mail.toml.'),
            )

    @property
    def supports_one_click(self) -> bool:
        """True if the links can be used for one-click unsubscribe.

        One-click unsubscribe requires HTTPS (RFC 8058 3.1).
        """
        return self.public_url.startswith("https://")

    def make_unsubscribe_url(self, list_slug: str, subscriber: int) -> str:
        """Return the link with which a subscriber leaves a list."""
        return self._url("unsubscribe", list_slug, self.make_token(UNSUBSCRIBE, list_slug, subscriber))

    def read_unsubscribe(self, list_slug: str, token: str) -> int:
        """Return the subscriber of an unsubscribe link; raise InvalidLink as `read_token` does."""
        return self.read_token(UNSUBSCRIBE, list_slug, token)

    def make_preferences_url(self, subscriber: int) -> str:
        """Return the link with which subscribers see and change their data."""
        return self._url("preferences", self.make_token(PREFERENCES, "", subscriber))

    def read_preferences(self, token: str) -> int:
        """Return the subscriber of a preferences link; raise InvalidLink as `read_token` does."""
        return self.read_token(PREFERENCES, "", token)

    def make_confirmation_url(self, confirmation: Confirmation) -> str:
        """Return the link that confirms a sign-up. It works until the confirmation expires."""
        slug = confirmation.list_slug
        return self._url(
            "confirm", slug, self.make_expiring_token(CONFIRM, slug, confirmation.id, confirmation.expires_at)
        )

    def read_confirmation(self, list_slug: str, token: str, *, now: datetime) -> int:
        """Return the id of the confirmation in a token.

        Raises InvalidLink as `read_expiring_token` does.
        """
        return self.read_expiring_token(CONFIRM, list_slug, token, now)

    def make_token(self, purpose: str, scope: str, number: int) -> str:
        """Return a token of 32 URL-safe characters that contains a number.

        The token is valid for one purpose and one scope, such as a list's slug.
        """
        return _encode_url_safe(self._encrypt(purpose, scope, number.to_bytes(NUMBER)))

    def read_token(self, purpose: str, scope: str, token: str) -> int:
        """Return the number in a token.

        Raises InvalidLink if the token is incomplete, forged or for another purpose or scope.
        """
        _require_whole(TOKEN, token)
        return int.from_bytes(self._decrypt(purpose, scope, urlsafe_b64decode(token)))

    def make_expiring_token(self, purpose: str, scope: str, number: int, expires_at: datetime) -> str:
        """Return a token of 40 URL-safe characters that contains a number and an expiry time.

        The token is valid for one purpose and one scope.
        """
        content = number.to_bytes(NUMBER) + int(expires_at.timestamp()).to_bytes(TIME)
        return _encode_url_safe(self._encrypt(purpose, scope, content))

    def read_expiring_token(self, purpose: str, scope: str, token: str, now: datetime) -> int:
        """Return the number in a token that can expire.

        Raises InvalidLink as `read_token` does, or if the token has expired.
        """
        _require_whole(EXPIRING_TOKEN, token)
        content = self._decrypt(purpose, scope, urlsafe_b64decode(token))
        if now.timestamp() >= int.from_bytes(content[NUMBER:]):
            raise InvalidLink(_("the link has expired"), expired=True)
        return int.from_bytes(content[:NUMBER])

    def make_text_token(self, purpose: str, scope: str, text: str, expires_at: datetime) -> str:
        """Return a text and its expiry time as URL-safe characters that show nothing of the text."""
        content = int(expires_at.timestamp()).to_bytes(TIME) + text.encode()
        return _encode_url_safe(self._encrypt(purpose, scope, content)).rstrip("=")

    def read_text_token(self, purpose: str, scope: str, token: str, now: datetime) -> str:
        """Return the text in a token of `make_text_token`.

        Raises InvalidLink as `read_expiring_token` does.
        """
        _require_whole(TEXT_TOKEN, token)
        content = self._decrypt(purpose, scope, urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if now.timestamp() >= int.from_bytes(content[:TIME]):
            raise InvalidLink(_("the link has expired"), expired=True)
        return content[TIME:].decode()

    def make_bounce_local_part(self, mailing: int, subscriber: int) -> str:
        """Return the local part of the address for bounces of one message (VERP), 55 characters."""
        return f"bounce+{self._make_address_token(BOUNCE, mailing, subscriber)}"

    def read_bounce_local_part(self, local_part: str) -> tuple[int, int]:
        """Return the mailing and the subscriber that a bounce address identifies.

        The address may be in upper or lower case.

        Raises InvalidLink if we did not make the address.
        """
        return self._read_local_part(BOUNCE, "bounce", local_part)

    def make_unsubscribe_local_part(self, mailing: int, subscriber: int) -> str:
        """Return the local part of the address for unsubscribing by mail, 60 characters.

        See RFC 2369 3.2.
        """
        return f"unsubscribe+{self._make_address_token(UNSUBSCRIBE_BY_MAIL, mailing, subscriber)}"

    def read_unsubscribe_local_part(self, local_part: str) -> tuple[int, int]:
        """Return the mailing and the subscriber of an unsubscribe address, in upper or lower case.

        Raises InvalidLink if we did not make the address.
        """
        return self._read_local_part(UNSUBSCRIBE_BY_MAIL, "unsubscribe", local_part)

    def make_message_id(self, mailing_key: str, subscriber: int, domain: str) -> str:
        """Return the Message-ID of one mailing to one subscriber, in angle brackets.

        See RFC 5322 3.6.4. Every attempt has the same Message-ID. So a line in a relay's log, or a second
        copy, can be matched to the delivery. The Message-ID is an HMAC (RFC 2104), so it cannot be decoded,
        even with the secret.
        """
        digest = hmac.digest(_message_id_key(self.secret), f"{subscriber} {mailing_key}".encode(), "sha256")
        return f"<{_to_base32(digest[:16])}@{domain}>"

    def _url(self, *path: str) -> str:
        """Return the URL of a path whose last part is a token, which needs no quoting."""
        return f"{_quote_path(self.public_url, path[:-1])}/{path[-1]}"

    def _make_address_token(self, purpose: str, mailing: int, subscriber: int) -> str:
        content = mailing.to_bytes(MAILING) + subscriber.to_bytes(NUMBER)
        return _to_base32(self._encrypt(purpose, "", content))

    def _read_local_part(self, purpose: str, prefix: str, local_part: str) -> tuple[int, int]:
        found = LOCAL_PART.fullmatch(local_part.lower())
        if found is None or found[1] != prefix:
            raise InvalidLink(_("the report was sent to an address that is not one of ours"))
        content = self._decrypt(purpose, "", b32decode(found[2].upper()))
        return int.from_bytes(content[:MAILING]), int.from_bytes(content[MAILING:])

    def _encrypt(self, purpose: str, scope: str, content: bytes) -> bytes:
        return _cipher(self.secret, purpose).encrypt(content, [_associated_data(scope)])

    def _decrypt(self, purpose: str, scope: str, encrypted: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return _cipher(self.secret, purpose).decrypt(encrypted, [_associated_data(scope)])
        except InvalidTag:
            raise InvalidLink(_("the link was not made by us for this purpose")) from None


@lru_cache(maxsize=64)
def _quote_path(public_url: str, parts: tuple[str, ...]) -> str:
    return "/".join([public_url.rstrip("/"), *(quote(part, safe="") for part in parts)])


@lru_cache(maxsize=64)
def _associated_data(scope: str) -> bytes:
    # The associated data is never empty, because OpenSSL before 3.0.10 ignores it then (CVE-2023-2975).
    return f"scope: {scope}".encode()


def _require_whole(pattern: re.Pattern[str], token: str) -> None:
    if not pattern.fullmatch(token):
        raise InvalidLink(_("the link is incomplete: a part of it was lost"))


def _encode_url_safe(content: bytes) -> str:
    return urlsafe_b64encode(content).decode("ascii")


def _to_base32(content: bytes) -> str:
    """Return base32 in lower case without padding.

    `base64.b32encode` takes three times as long.
    """
    missing = -len(content) * 8 % 10
    number = int.from_bytes(content) << missing
    pairs = [
        BASE32_PAIRS[number >> shift & 1023] for shift in range(len(content) * 8 + missing - 10, -1, -10)
    ]
    return "".join(pairs)[: -(-len(content) * 8 // 5)]


@lru_cache(maxsize=64)
def _message_id_key(secret: bytes) -> bytes:
    return derive_key(secret, MESSAGE_ID, KEY_BYTES)


@lru_cache(maxsize=64)
def _cipher(secret: bytes, purpose: str) -> "AESSIV":
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return AESSIV(derive_key(secret, purpose, KEY_BYTES))
