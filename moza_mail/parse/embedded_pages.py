"""Turn an embedded page, video or sound of a website into a link, because mail programs show none of them."""

import re
from collections.abc import Mapping

# The address of a frame and the page that shows the same.
FRAMES = (
    (re.compile(r"(?:https?:)?//(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]{6,})(?:[?&].*)?"), r"https://www.youtube.com/watch?v=\1"),
    (re.compile(r"(?:https?:)?//player\.vimeo\.com/video/(\d+)(?:[?#].*)?"), r"https://vimeo.com/\1"),
    (re.compile(r"(https?://[^/]+)/videos/embed/([\w-]+)(?:\?.*)?"), r"\1/videos/watch/\2"),
    (re.compile(r"(https?://[^/]+/@[\w.-]+/\d+)/embed(?:\?.*)?"), r"\1"),
)  # fmt: skip
# Titles that a website writes for each of its videos say nothing about this one.
EMPTY_TITLE = re.compile(
    r"(?:youtube|vimeo|video|audio|peertube|embedded)?[ -]*(?:video|audio)?[ -]*(?:player|video|content)?[ -]*",
    re.IGNORECASE,
)


def page_of_frame(address: str) -> str:
    """Return the page for people of an address that is made for embedding, or the address itself."""
    for frame, page in FRAMES:
        if frame.fullmatch(address):
            return frame.sub(page, address)
    return f"https:{address}" if address.startswith("//") else address


def link_to_embedded(attributes: Mapping[str, str], source: str = "") -> tuple[str, str]:
    """Return the address and the text of a link to what an element embeds.

    The address is empty if the element has none. `source` is the address in a <source> inside the element.
    """
    address = attributes.get("src", "").strip() or attributes.get("data-src", "").strip() or source.strip()
    if not address or address.startswith(("data:", "about:", "javascript:")):
        return "", ""
    url = page_of_frame(address)
    title = " ".join((attributes.get("title") or attributes.get("aria-label") or "").split())
    return url, url if EMPTY_TITLE.fullmatch(title) else title
