"""Find out which column counts if several have a role that only one may have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from moza_mail.subscriber_file.column_plan import GIVEN_ROLES, Column
from moza_mail.subscriber_file.column_values import NAME_ROLES, ColumnValues, holds_addresses
from moza_mail.subscriber_file.headings import NEGATIVE, ColumnRole

POSTAL_HEADINGS = frozenset({"address", "adres", "adresse"})
"""Headings of an email address only if the values are mail addresses."""
ONCE = frozenset({ColumnRole.FIRST_NAME, ColumnRole.INFIX, ColumnRole.LAST_NAME, ColumnRole.LANG})


def settle_duplicates(
    columns: Sequence[Column], values: Sequence[ColumnValues], given: Mapping[int, str]
) -> list[Column]:
    """Return the columns with duplicate roles resolved, if it is clear which column counts.

    The other columns get another role, because a file can have such a role only once.
    """
    chosen = {GIVEN_ROLES[name]: index for index, name in given.items() if name in GIVEN_ROLES}
    emails = [
        one.index for one in columns if one.role is ColumnRole.EMAIL and values[one.index].has_addresses
    ]
    likely = [
        one.index
        for one in columns
        if not emails and one.role not in NEGATIVE and holds_addresses(one.heading, values[one.index])
    ]
    has_name = any(one.role in NAME_ROLES for one in columns)
    settled: list[Column] = []
    for column in columns:
        role = column.role
        is_postal = column.heading.lower() in POSTAL_HEADINGS and column.index not in given
        if role is ColumnRole.EMAIL and column.index not in emails and (emails or likely or is_postal):
            role = ColumnRole.OTHER
        if likely == [column.index] and ColumnRole.EMAIL not in chosen:
            role = ColumnRole.EMAIL
        if chosen.get(role, column.index) != column.index:
            role = ColumnRole.OTHER
        if role is ColumnRole.OTHER and column.heading.lower() == "contact" and not has_name:
            role = ColumnRole.NAME
        if role in ONCE and any(one.role is role for one in settled):
            role = ColumnRole.UNRELATED
        settled.append(column if role is column.role else replace(column, role=role, reader=None))
    return settled
