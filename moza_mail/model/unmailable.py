"""Characters that cannot be mailed."""

import re

# U+FFFD replaces a character that another program lost. The others are CR, DEL, the C1 controls, and the characters
# that XML 1.0 does not allow (2.2, Char), which MJML and HTML parsers refuse or drop.
UNMAILABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")


def find_unmailable(text: str) -> str:
    """Return the first character that cannot be mailed, as `U+001B`; empty if there is none."""
    found = UNMAILABLE.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""
