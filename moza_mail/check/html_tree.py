"""Read texts, links and Outlook comments from the HTML of a mail."""

import re
from collections.abc import Iterator
from typing import Any

from moza_mail.check.rule import CheckContext

# Characters that nobody can see: zero-width characters, the filler of preheaders, and terminal control codes.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f-\x9f]"
)
OUTLOOK_COMMENT = re.compile(r"^\[if\s+(?!!)([^\]]*)\]>(.*)<!\[endif\]$", re.DOTALL)
MAX_QUOTE = 60


def normalize_text(text: str | None) -> str:
    """Return the text as it is shown: single spaces, no invisible characters."""
    return " ".join(INVISIBLE.sub("", text or "").split())


def element_text(element: Any) -> str:
    """Return the text of an element and its descendants."""
    return normalize_text("".join(element.itertext("*")))


def own_text(element: Any) -> str:
    """Return the text directly inside an element, without the text of its descendants."""
    return normalize_text(" ".join([element.text or "", *(child.tail or "" for child in element)]))


def quote(text: str) -> str:
    """Quote a piece of text from the mail for a finding, in at most 60 characters."""
    squeezed = normalize_text(text)
    return repr(squeezed if len(squeezed) <= MAX_QUOTE else f"{squeezed[: MAX_QUOTE - 1]}…")


def find_line(context: CheckContext, *texts: str) -> int:
    """Return the number of the line in the issue's file that contains one of the texts.

    If several texts are in the file, the first of the given texts counts. Returns 0 if the file contains none of them.
    """
    for text in filter(None, (text.strip() for text in texts)):
        at = context.text.find(text)
        if at >= 0:
            return context.text.count("\n", 0, at) + 1
    return 0


def outlook_comments(tree: Any) -> Iterator[str]:
    """Yield the HTML in the comments that only Outlook for Windows reads (`<!--[if mso]>...`)."""
    from lxml.etree import Comment

    for comment in tree.iter(Comment):
        if found := OUTLOOK_COMMENT.match((comment.text or "").strip()):
            yield found[2]


def find_links(tree: Any) -> Iterator[tuple[Any, str]]:
    """Yield each link element (<a> or <area>) with its target."""
    for element in tree.iter("a", "area"):
        if (target := element.get("href")) is not None:
            yield element, target.strip()
