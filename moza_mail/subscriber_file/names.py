"""Build a person's name from the columns for its parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from moza_mail.subscriber_file.column_plan import ColumnPlan
from moza_mail.subscriber_file.headings import ColumnRole


@dataclass(frozen=True, slots=True, kw_only=True)
class NameColumns:
    """The indexes of the columns for a person's name; None for a column that the file lacks."""

    whole: int | None
    first: int | None
    infix: int | None
    last: int | None

    @classmethod
    def find(cls, plan: ColumnPlan) -> "NameColumns":
        """Return the name columns of a file."""
        return cls(
            whole=plan.index_of(ColumnRole.NAME),
            first=plan.index_of(ColumnRole.FIRST_NAME),
            infix=plan.index_of(ColumnRole.INFIX),
            last=plan.index_of(ColumnRole.LAST_NAME),
        )

    def join(self, values: Sequence[str]) -> str:
        """Return the name in a row.

        The column `name` (or `Nom`) usually holds the whole name. It may hold only the first name if there is
        a column for the last name, or only the last name if there is a column for the first name. The other
        name columns are then added, unless the column `name` contains their values already.
        """
        whole = values[self.whole] if self.whole is not None else ""
        if self.first is None and self.last is None:
            return whole
        first, infix, last = (
            values[index] if index is not None else "" for index in (self.first, self.infix, self.last)
        )
        if not whole:
            return _join(first, infix, last)
        if all(_contains(whole, part) for part in (first, last)):
            return whole
        if self.first is not None and self.last is not None:
            return whole
        if self.first is None:
            return _join(whole, infix, last)
        return _join(first, infix, whole) if self._is_last_name(whole) else whole

    @staticmethod
    def _is_last_name(name: str) -> bool:
        """Return True for `Müller` and `de Vries`, False for a full name such as `Zoë de Vries`."""
        return " " not in name or name[0].islower()


def _contains(whole: str, part: str) -> bool:
    words = f" {whole.replace(',', ' ')} ".casefold()
    return not part or f" {part.casefold()} " in words


def _join(*parts: str) -> str:
    return " ".join(filter(None, parts))
