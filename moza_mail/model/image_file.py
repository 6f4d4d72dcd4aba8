"""Image files, and the images in an issue that refer to them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moza_mail.model.issue import CONTAINER_TYPES, Image, Issue

MAY_HOLD_IMAGES = CONTAINER_TYPES | {tuple, Image}


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


def find_images(issue: Issue) -> Iterator[Image]:
    """Yield every image of an issue in reading order."""
    waiting: list[Any] = [issue]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Image):
            yield part
        elif isinstance(part, tuple):
            waiting.extend(reversed(part))
        elif type(part) in CONTAINER_TYPES:
            inside = [getattr(part, name) for name in reversed(part.__slots__)]
            waiting.extend(each for each in inside if type(each) in MAY_HOLD_IMAGES)
