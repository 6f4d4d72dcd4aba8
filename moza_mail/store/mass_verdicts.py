"""Recognise a mass verdict: too many readers of one provider fail with the same verdict.

Failures are counted for each mailing. An error of the provider may have caused the failures, so a person decides
whether to suppress the readers.
The counts are kept in two small tables, so that recording a failure takes the same time in a mailing of any size.
"""

from enum import StrEnum

import sqlalchemy as sa

from moza_mail.model.provider import find_provider
from moza_mail.model.verdict import Verdict
from moza_mail.store.schema import deliveries, domain, insert, mailing_providers, provider_verdicts

MAX_ALIKE = 5
MAX_SHARE = 0.05
COUNTED = ""
"""The provider in the row that marks a mailing's readers as counted. Its count is 0."""


class MassDecision(StrEnum):
    """The decision about the readers of one provider with the same verdict in one mailing.

    HELD: there are too many such readers, and a person has not decided yet.
    ACCEPTED: a person decided that these readers, and later ones like them, are suppressed.
    """

    NONE = ""
    HELD = "held"
    ACCEPTED = "accepted"


def count_failure(
    connection: sa.Connection, mailing_id: int, verdict: Verdict, recipient_domain: str
) -> tuple[MassDecision, bool]:
    """Count one more reader with this verdict, and return the decision about such readers.

    The second value is True if this reader brings the count above the limit. The caller has the lock on people.

    recipient_domain: the domain of the reader's address. The provider is found from it.
    """
    provider = find_provider(recipient_domain)
    readers = _count_readers(connection, mailing_id, provider)
    # With so few readers, the count can never exceed the limit.
    if readers <= MAX_ALIKE:
        return MassDecision.NONE, False
    key = {"mailing_id": mailing_id, "provider": provider, "verdict": verdict}
    counting = insert(connection, provider_verdicts).values(**key, failed=1, decision=MassDecision.NONE.value)
    counted = counting.on_conflict_do_update(
        index_elements=list(key), set_={"failed": provider_verdicts.c.failed + 1}
    ).returning(provider_verdicts.c.failed, provider_verdicts.c.decision)
    failed, written = connection.execute(counted).one()
    decision = MassDecision(written)
    if decision is MassDecision.NONE and failed > MAX_ALIKE and failed > MAX_SHARE * readers:
        _decide(connection, MassDecision.HELD, mailing_id, provider, verdict)
        return MassDecision.HELD, True
    return decision, False


def accept_verdicts(connection: sa.Connection, mailing_id: int, provider: str) -> None:
    """Record that a person accepted the mass verdicts of a mailing.

    Readers who fail with these verdicts later are then suppressed at once.

    provider: accept only the verdicts of this provider; empty for all.
    """
    _decide(connection, MassDecision.ACCEPTED, mailing_id, provider, None)


def _decide(
    connection: sa.Connection, decision: MassDecision, mailing_id: int, provider: str, verdict: Verdict | None
) -> None:
    """Store a decision about one verdict, or about all held verdicts if `verdict` is None."""
    conditions = [provider_verdicts.c.mailing_id == mailing_id]
    if provider:
        conditions.append(provider_verdicts.c.provider == provider)
    if verdict is not None:
        conditions.append(provider_verdicts.c.verdict == verdict)
    else:
        conditions.append(provider_verdicts.c.decision == MassDecision.HELD.value)
    connection.execute(sa.update(provider_verdicts).where(*conditions).values(decision=decision.value))


def _count_readers(connection: sa.Connection, mailing_id: int, provider: str) -> int:
    """Return how many readers of a mailing use a provider; 0 if there are only a few.

    The first call for a mailing counts all its providers in one pass over its deliveries.
    """
    found = _read_count(connection, mailing_id, provider)
    if found is None and _read_count(connection, mailing_id, COUNTED) is None:
        _count_providers(connection, mailing_id)
        found = _read_count(connection, mailing_id, provider)
    return found or 0


def _read_count(connection: sa.Connection, mailing_id: int, provider: str) -> int | None:
    query = sa.select(mailing_providers.c.readers).where(
        mailing_providers.c.mailing_id == mailing_id, mailing_providers.c.provider == provider
    )
    return connection.scalar(query)


def _count_providers(connection: sa.Connection, mailing_id: int) -> None:
    recipient_domain = domain(deliveries.c.address, connection)
    query = sa.select(recipient_domain, sa.func.count()).where(deliveries.c.mailing_id == mailing_id)
    readers: dict[str, int] = {COUNTED: 0}
    for name, count in connection.execute(query.group_by(recipient_domain)):
        provider = find_provider(name)
        # The domain of an erased recipient is empty.
        if provider:
            readers[provider] = readers.get(provider, 0) + count
    rows = [
        {"mailing_id": mailing_id, "provider": provider, "readers": count}
        for provider, count in readers.items()
        # A domain with only a few readers may identify a person.
        if count > MAX_ALIKE or provider == COUNTED
    ]
    connection.execute(sa.insert(mailing_providers), rows)
