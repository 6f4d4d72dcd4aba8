"""Find repeated addresses in a file of any size, with a temporary table on disk."""

import sqlite3
import weakref
from collections.abc import Sequence


class FirstLines:
    """The first line of each address in a file.

    The table holds a hash of 64 bits for each address key. If two addresses had the same hash, one would be
    reported as repeated. That happens once in 40 million files of a million rows, and has no other effect.
    SQLite deletes the table when this object is garbage-collected.
    """

    def __init__(self) -> None:
        # The thread that drops the object closes the table. It may not be the thread that opened the table.
        self._table = sqlite3.connect("", check_same_thread=False)
        weakref.finalize(self, self._table.close)
        self._table.execute("PRAGMA journal_mode = off")
        self._table.execute("CREATE TABLE first_lines (hash INTEGER PRIMARY KEY, line INTEGER NOT NULL)")

    def find_earlier(self, rows: Sequence[tuple[str, int]]) -> dict[int, int]:
        """Add address keys with their lines, and return the lines whose address occurred before.

        Each of these lines is mapped to the first line with the same address.

        rows: pairs of an address key and a line number.
        """
        # Sorted rows fill the table three times as fast.
        hashes = sorted((hash(key), line) for key, line in rows)
        before = self._table.total_changes
        self._table.executemany("INSERT OR IGNORE INTO first_lines VALUES (?, ?)", hashes)
        if self._table.total_changes - before == len(hashes):
            return {}
        select = "SELECT line FROM first_lines WHERE hash = ?"
        found = ((line, self._table.execute(select, (key,)).fetchone()[0]) for key, line in hashes)
        return {line: first for line, first in found if first != line}
