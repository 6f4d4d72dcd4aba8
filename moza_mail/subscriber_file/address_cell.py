"""Read the addresses in a cell: plain, as a link, with a name, or several."""

import re

from moza_mail.errors import AddressError
from moza_mail.model.address import Address

NAMED = re.compile(r"(?P<name>[^<>@]*?)\s*<\s*(?P<address>[^<>\s]+)\s*>")
# Outlook separates people by semicolons, and writes `Last, First <address>`.
BETWEEN_NAMED = re.compile(r"(?<=>)\s*[,;]\s*|\s*;\s*")
UNNAMED = re.compile(r"['\"]?(?P<address>[^<>\s'\"]+@[^<>\s'\"]+)['\"]?(?P<name>)")
BETWEEN_PLAIN = re.compile(r"\s*[,;]\s*|\s+")
MAX_IN_CELL = 20


def parse_cell(cell: str, *, international: bool) -> list[tuple[Address, str]]:
    """Return the addresses in a cell, each with the name beside it, or "" without a name.

    If any part of the cell cannot be parsed, raise AddressError.
    """
    try:
        return [(Address.parse(cell, international=international), "")]
    except AddressError as error:
        pieces = _split(cell.strip())
        if not pieces:
            raise
        try:
            return [(Address.parse(address, international=international), name) for address, name in pieces]
        except AddressError:
            raise error from None


def _split(cell: str) -> list[tuple[str, str]]:
    """Split a cell into addresses and their names; empty if it is not a list of addresses."""
    if not cell.isprintable():
        return []
    if "<" in cell:
        pieces = BETWEEN_NAMED.split(cell.strip(" ,;"))
        found = [NAMED.fullmatch(piece) or UNNAMED.fullmatch(piece) for piece in pieces]
        named = [(_bare(one["address"]), one["name"].strip(" \"'")) for one in found if one]
        return named if len(named) == len(found) else []
    plain = [_bare(piece) for piece in BETWEEN_PLAIN.split(cell.strip(" ,;")) if piece]
    is_list = 0 < len(plain) <= MAX_IN_CELL and all("@" in piece for piece in plain)
    return [(piece, "") for piece in plain] if is_list else []


def _bare(address: str) -> str:
    return address[7:] if address.lower().startswith("mailto:") else address
