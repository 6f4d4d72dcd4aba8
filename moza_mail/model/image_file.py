"""Image files that are ready to be mailed."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An image file that is ready to be mailed.

    width, height: the displayed size in CSS pixels, 0 if unknown.
    content: empty for an image on another host, which moza-mail does not read.
    url: the address from which mail programs fetch the image; empty if it is part of the mail.
    """

    name: str
    content_type: str = ""
    content: bytes = b""
    width: int = 0
    height: int = 0
    url: str = ""

    def content_id(self, domain: str) -> str:
        """Return the Content-ID of the image in a mail (RFC 2392), derived from its content."""
        return f"{hashlib.sha256(self.content).hexdigest()[:32]}@{domain}"

    def src_in_mail(self, domain: str) -> str:
        """Return the `src` of an <img> in a mail."""
        return self.url or f"cid:{self.content_id(domain)}"
