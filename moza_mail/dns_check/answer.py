"""The answer to a DNS query."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum


class AnswerStatus(StrEnum):
    """The kind of answer: records, no such record, no such name (RFC 8020), or a failure.

    A failure is any answer that cannot be used.
    """

    RECORDS = "records"
    EMPTY = "empty"
    NO_NAME = "no name"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswer:
    """The answer to a query for a name and a record type.

    records: the records as text. The strings of a TXT record are joined (RFC 7208 3.3), an MX record is
    `10 mail.example.org`, and other records are as in a zone file. Names have no final dot.
    is_authenticated: the resolver has checked the signatures (RFC 4035 3.2.3).
    error: why the query failed, empty if it succeeded.
    """

    name: str
    record_type: str
    status: AnswerStatus
    records: tuple[str, ...] = ()
    is_authenticated: bool = False
    error: str = ""

    @property
    def failed(self) -> bool:
        """True if there is no usable answer, so that nothing can be concluded."""
        return self.status is AnswerStatus.FAILED


LookUp = Callable[[str, str], Awaitable[DnsAnswer]]
"""Returns the answer for a name and a record type. Never raises."""
