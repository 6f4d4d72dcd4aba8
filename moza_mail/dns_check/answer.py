"""An answer of the DNS, as the judging of it needs it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum


class AnswerStatus(StrEnum):
    """What an answer is: records, a name without records of that kind, no such name (RFC 8020), or none could be had."""

    RECORDS = "records"
    EMPTY = "empty"
    NO_NAME = "no name"
    FAILED = "unasked"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswer:
    """What the DNS says of a name and a kind of record.

    `records` are their texts: of TXT its strings joined (RFC 7208 3.3), of MX `10 mail.example.org`, of the rest as a zone
    file has them, each name without its last dot. `secure` says that the resolver has checked its signatures (RFC 4035 3.2.3), `why` of
    one that is unasked what stood in the way.
    """

    name: str
    record_type: str
    status: AnswerStatus
    records: tuple[str, ...] = ()
    is_authenticated: bool = False
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether nothing follows from it."""
        return self.status is AnswerStatus.FAILED


LookUp = Callable[[str, str], Awaitable[DnsAnswer]]
"""Gives the answer to a name and a kind of record; never raises."""
