"""Which characters can stand in a mail."""

import re

# U+FFFD is what an earlier program left of a character it lost. The rest is everything outside the Char production of
# XML 1.0 (2.2), which MJML and HTML parsers refuse or drop, plus CR and the C1 controls.
UNREADABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]")


def unreadable(text: str) -> str:
    """The first character that cannot be sent, as U+001B; empty when all can."""
    found = UNREADABLE.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""
