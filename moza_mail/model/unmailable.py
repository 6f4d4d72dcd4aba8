"""Characters that cannot be mailed."""

import re

# U+FFFD replaces a character that another program lost. The others are outside the Char production of XML 1.0 (2.2), which
# MJML and HTML parsers refuse or drop, plus CR and the C1 controls.
UNMAILABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]")


def find_unmailable(text: str) -> str:
    """Return the first character that cannot be mailed, as `U+001B`; empty if there is none."""
    found = UNMAILABLE.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""
