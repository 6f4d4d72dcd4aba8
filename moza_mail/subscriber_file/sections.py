"""Find the groups of people who left within a list, below titles such as `Afgemeld:`."""

from collections.abc import Iterable, Sequence

from moza_mail.subscriber_file.dates import parse_date
from moza_mail.subscriber_file.file_state import LEAVERS
from moza_mail.subscriber_file.row_state import WEAK_WORDS, find_state, normalise
from moza_mail.subscriber_file.table import RejectedRow

Found = tuple[int, Sequence[str]] | RejectedRow


def find_title(row: Sequence[str]) -> str:
    """Return the only text in a row, apart from numbers and dates; "" for an address and for several texts."""
    texts = [
        text.strip() for text in row if text.strip() and not text.strip().isdigit() and not parse_date(text)
    ]
    return texts[0] if len(texts) == 1 and "@" not in texts[0] else ""


def is_title_of_leavers(title: str) -> bool:
    """Return True for a title that may say that the people below it left."""
    return LEAVERS.search(normalise(title)) is not None


def names_group(title: str) -> bool:
    """Return True for a title that may say who is below it: people who left, or people with a state."""
    names_state = find_state(title) is not None and normalise(title) not in WEAK_WORDS
    return names_state or is_title_of_leavers(title)


def find_sections(rows: Iterable[Found], header: Sequence[str]) -> dict[int, str]:
    """Return the title of the group that each row with an address belongs to, by line.

    A group begins below a title that names a state, and ends at the next title. Rows outside a group are left out.

    header: the headings. If there is only one heading, it may be the title of the first group.
    """
    title = find_title(header) if names_group(find_title(header)) else ""
    found: dict[int, str] = {}
    for one in rows:
        if isinstance(one, RejectedRow):
            continue
        line, row = one
        if text := find_title(row):
            title = text if names_group(text) else ""
        elif title and any("@" in cell for cell in row):
            found[line] = title
    return found
