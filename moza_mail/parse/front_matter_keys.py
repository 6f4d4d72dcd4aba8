"""The keys of front matter, in the forms that authors and website generators use."""

import difflib
from collections.abc import Container, Mapping
from typing import Any

KNOWN_KEYS = frozenset(
    {"title", "date", "summary", "slug", "lang", "subject", "list", "theme", "draft", "send_at"}
)
# Keys that say in another way that an issue is a draft.
DRAFT_KEYS = frozenset({"concept", "published", "status"})
WORDS = {"true": True, "yes": True, "ja": True, "false": False, "no": False, "nee": False}
DRAFT_STATES = frozenset({"draft", "concept", "entwurf", "brouillon"})
MIN_SIMILARITY = 0.75
# Dutch words that authors write in the place of a key.
DUTCH_KEYS = {
    "titel": "title", "datum": "date", "samenvatting": "summary", "onderwerp": "subject", "taal": "lang", "lijst": "list",
    "thema": "theme", "verzenden_op": "send_at", "versturen_op": "send_at", "verzend_op": "send_at", "verstuur_op": "send_at",
    "verzendtijd": "send_at", "klad": "draft",
}  # fmt: skip


def canonical_key(key: str) -> str:
    """Return a known key in lower case with `_`, so that `Send-At` is `send_at`.

    An unknown key is returned unchanged.
    """
    name = key.lower().replace("-", "_")
    return name if name in KNOWN_KEYS | DRAFT_KEYS else key


def read_flag(value: Any) -> bool | None:
    """Return True or False for a yes-or-no value, which may be a word; otherwise None."""
    return value if isinstance(value, bool) else WORDS.get(str(value).strip().lower())


def is_marked_as_draft(values: Mapping[str, Any]) -> bool:
    """Return True if a key other than `draft` says that the issue is a draft."""
    return (
        read_flag(values.get("concept", False)) is True
        or read_flag(values.get("published", True)) is False
        or str(values.get("status", "")).strip().lower() in DRAFT_STATES
    )


def find_similar_key(key: str, present: Container[str]) -> str:
    """Return the known key that was probably meant by a misspelt or Dutch key; empty if there is none.

    present: the keys of the front matter. A Dutch key next to the known key is one of a website.
    """
    name = key.lower().replace("-", "_")
    translated = DUTCH_KEYS.get(name, "")
    if translated and translated not in present:
        return translated
    found = difflib.get_close_matches(name, sorted(KNOWN_KEYS), 1, MIN_SIMILARITY)
    return found[0] if found else ""
