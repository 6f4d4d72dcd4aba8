"""Read and bind many rows in parts."""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

PAGE = 1000
"""Rows read in one transaction, and values bound in one statement (SQLite allows 32,766, PostgreSQL 65,535)."""
T = TypeVar("T")


def split_into_pages(values: Iterable[T]) -> Iterable[list[T]]:
    """Split the values into lists of at most `PAGE` values."""
    left = iter(values)
    while part := list(islice(left, PAGE)):
        yield part
