"""Image: an image file as a mail shows it, and where an issue has its images."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moza_mail.model.issue import CONTAINER_TYPES, Image, Issue

MAY_HOLD_IMAGES = CONTAINER_TYPES | {tuple, Image}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An image file, ready to be mailed.

    `width` and `height` are what it is shown at, in CSS pixels; 0 when that is not known, for an image on another's host,
    whose `content` nobody reads either. One without a `url` travels inside the mail, else mail programs fetch it there.
    """

    name: str
    content_type: str = ""
    content: bytes = b""
    width: int = 0
    height: int = 0
    url: str = ""

    def content_id(self, domain: str) -> str:
        """What the mail calls it (RFC 2392): the same for the same bytes, and another's only for other bytes."""
        return f"{hashlib.sha256(self.content).hexdigest()[:32]}@{domain}"

    def src_in_mail(self, domain: str) -> str:
        """Where an <img> finds it."""
        return self.url or f"cid:{self.content_id(domain)}"


def find_images(issue: Issue) -> Iterator[Image]:
    """Every image of an issue, in the order of its parts."""
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
