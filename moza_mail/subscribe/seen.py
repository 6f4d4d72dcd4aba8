"""Which line of a file an address first stood on, for a million of them in the memory that a list of numbers takes."""

from array import array

FIRST_SIZE = 1 << 12


class Seen:
    """The first line of each address key. It holds a hash of 64 bits for each, not the address: 24 MB for a million.

    A table with open addressing (Knuth, The Art of Computer Programming 6.4, algorithm L), at most two thirds full. Two addresses of
    one file with the same hash would be told as one, and nothing else: once in 40 million files of a million.
    """

    def __init__(self) -> None:
        self._hashes = array("q", bytes(8 * FIRST_SIZE))
        self._lines = array("I", bytes(4 * FIRST_SIZE))
        self._count = 0

    def first(self, key: str, line: int) -> int:
        """The line on which the key stood before; 0, and this one is remembered, when it did not. Lines count from 1."""
        sought = hash(key)
        place = sought & (len(self._lines) - 1)
        if self._lines[place]:
            place = self._place(sought)
        if found := self._lines[place]:
            return found
        self._hashes[place], self._lines[place] = sought, line
        self._count += 1
        if 3 * self._count > 2 * len(self._lines):
            self._grow()
        return 0

    def _place(self, sought: int) -> int:
        """Where a hash stands, or is to stand."""
        hashes, lines, mask = self._hashes, self._lines, len(self._lines) - 1
        place = sought & mask
        while lines[place] and hashes[place] != sought:
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        hashes, lines = self._hashes, self._lines
        self._hashes = array("q", bytes(16 * len(hashes)))
        self._lines = array("I", bytes(8 * len(lines)))
        for sought, line in zip(hashes, lines, strict=True):
            if line:
                place = self._place(sought)
                self._hashes[place], self._lines[place] = sought, line
