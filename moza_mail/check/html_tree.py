"""Small readings of a mail's HTML that more than one family of rules needs."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from moza_mail.check.rule import CheckContext

# What is on the page and cannot be seen: zero-width characters, the filler of preheaders, and what could steer a terminal.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f-\x9f]"
)
OUTLOOK_COMMENT = re.compile(r"^\[if\s+(?!!)([^\]]*)\]>(.*)<!\[endif\]$", re.DOTALL)
MAX_QUOTE = 60


def normalize_text(text: str | None) -> str:
    """Text as a reader meets it: one space between words, nothing that cannot be seen."""
    return " ".join(INVISIBLE.sub("", text or "").split())


def element_text(element: Any) -> str:
    """The text of an element and all that is in it."""
    return normalize_text("".join(element.itertext("*")))


def own_text(element: Any) -> str:
    """The text that stands directly in an element."""
    return normalize_text(" ".join([element.text or "", *(child.tail or "" for child in element)]))


def quote(text: str) -> str:
    """A piece of the mail as it is quoted in a finding."""
    squeezed = normalize_text(text)
    return repr(squeezed if len(squeezed) <= MAX_QUOTE else f"{squeezed[: MAX_QUOTE - 1]}…")


def find_line(context: CheckContext, *needles: str) -> int:
    """The line of the issue's file on which one of these stands, 0 when none does."""
    for needle in filter(None, (needle.strip() for needle in needles)):
        at = context.text.find(needle)
        if at >= 0:
            return context.text.count("\n", 0, at) + 1
    return 0


def outlook_comments(tree: Any) -> Iterator[str]:
    """The HTML in comments that Outlook for Windows reads (`<!--[if mso]>...`)."""
    from lxml.etree import Comment

    for comment in tree.iter(Comment):
        if found := OUTLOOK_COMMENT.match((comment.text or "").strip()):
            yield found[2]


def find_links(tree: Any) -> Iterator[tuple[Any, str]]:
    """Each link and where it leads."""
    for element in tree.iter("a", "area"):
        if (target := element.get("href")) is not None:
            yield element, target.strip()


def split_url(url: str) -> SplitResult:
    """The parts of an address; an address that cannot be divided has none."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts
