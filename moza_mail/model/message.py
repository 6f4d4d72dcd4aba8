"""What is sent: Rendered (an issue dressed, slots still open), Recipient, Envelope, Message."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from moza_mail.model.address import Address

# A slot is a whole URL in a reserved domain (RFC 2606), because MJML, premailer and URL quoting all leave one alone.
SLOT = re.compile(r"https://slot\.invalid/([a-z][a-z0-9_]*)")


def slot(name: str) -> str:
    """The mark that stands in rendered HTML and text where a recipient's own value comes."""
    return f"https://slot.invalid/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file beside the bodies; `content_type` with its parameters, `text/calendar; charset=utf-8; method=PUBLISH`.

    One with a `content_id` (RFC 2392) is a picture that the HTML shows, where it says `cid:` and that.
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An issue dressed in its theme, once for all recipients: slots are still open in `html` and `text`."""

    subject: str
    preheader: str
    html: str
    text: str
    lang: str
    attachments: tuple[Attachment, ...] = ()

    def digest(self) -> str:
        """What this content is known by: SHA-256, in hexadecimal, over everything that a reader can receive of it."""
        whole = hashlib.sha256()
        parts = [self.subject, self.preheader, self.html, self.text, self.lang]
        parts += [
            field
            for attachment in self.attachments
            for field in (attachment.filename, attachment.content_type, attachment.content_id)
        ]
        for part in (
            *(part.encode() for part in parts),
            *(attachment.content for attachment in self.attachments),
        ):
            # A length before each part, so that no text can move from one part to the next unnoticed.
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who one message is for. `subscriber` is the store's number; `values` fill slots beyond those of the links."""

    subscriber: int
    address: Address
    name: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """MAIL FROM and RCPT TO of one transaction (RFC 5321 3.3)."""

    sender: Address
    recipient: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One MIME message in its final bytes: CRLF line ends, no line that starts with a dot.

    `canonical` says that who composed it vouches for that, so that nobody looks through it once more.
    """

    content: bytes
    message_id: str
    canonical: bool = False
