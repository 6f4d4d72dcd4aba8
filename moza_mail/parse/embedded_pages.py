"""Turn an embedded page, video or sound into a link.

Mail programs do not show embedded content of websites.
"""

import re
from collections.abc import Mapping

# The address of a frame, and the ordinary page with the same content.
FRAMES = (
    (re.compile(r"(?:https?:)?//(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]{6,})(?:[?&].*)?"), r"https://www.youtube.com/watch?v=\1"),
    (re.compile(r"(?:https?:)?//player\.vimeo\.com/video/(\d+)(?:[?#].*)?"), r"https://vimeo.com/\1"),
    (re.compile(r"(https?://[^/]+)/videos/embed/([\w-]+)(?:\?.*)?"), r"\1/videos/watch/\2"),
    (re.compile(r"(https?://[^/]+/@[\w.-]+/\d+)/embed(?:\?.*)?"), r"\1"),
)  # fmt: skip
# Titles that a website gives to all its videos. They say nothing about the video in question.
EMPTY_TITLE = re.compile(
    r"(?:youtube|vimeo|video|audio|peertube|embedded)?[ -]*(?:video|audio)?[ -]*(?:player|video|content)?[ -]*",
    re.IGNORECASE,
)


def page_of_frame(address: str) -> str:
    """Return the address of the ordinary page for an embedding address.

    If no ordinary page is known, return the embedding address, with `https:` if it had no scheme.
    """
    for frame, page in FRAMES:
        if frame.fullmatch(address):
            return frame.sub(page, address)
    return f"https:{address}" if address.startswith("//") else address


def link_to_embedded(attributes: Mapping[str, str], source: str = "") -> tuple[str, str]:
    """Return the address and the text of a link to the page that an element embeds.

    The address is empty if the element has none.

    source: the address in a <source> inside the element.
    """
    address = attributes.get("src", "").strip() or attributes.get("data-src", "").strip() or source.strip()
    if not address or address.startswith(("data:", "about:", "javascript:")):
        return "", ""
    url = page_of_frame(address)
    title = " ".join((attributes.get("title") or attributes.get("aria-label") or "").split())
    return url, url if EMPTY_TITLE.fullmatch(title) else title
