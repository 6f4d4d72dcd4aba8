"""The store: a project's subscribers, and the ledger of who was mailed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

# The parts import SQLAlchemy; a command that opens no store starts without it.
if TYPE_CHECKING:
    from moza_mail.store.approvals import Approvals
    from moza_mail.store.audit_log import AuditLog
    from moza_mail.store.bounces import Bounces
    from moza_mail.store.confirmations import Confirmations
    from moza_mail.store.data_requests import DataRequests
    from moza_mail.store.identity import Identity
    from moza_mail.store.ledger import Ledger
    from moza_mail.store.notices import Notices
    from moza_mail.store.rate_limits import RateLimits
    from moza_mail.store.retention import Retention
    from moza_mail.store.sign_ups import SignUps
    from moza_mail.store.subscriber_move import SubscriberMove
    from moza_mail.store.subscribers import Subscribers
    from moza_mail.store.suppressions import Suppressions
    from moza_mail.store.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open store. It belongs to the event loop that opened it.

    The store has parts, such as `ledger`. Each method of a part runs one transaction, which is durable when
    the method returns. Every method may raise StoreError. If the caller is cancelled or the connection to the
    server is lost, the transaction is stored completely or not at all; the next call connects again. Methods
    named `iter_...` read in pages and hold no transaction between two pages.

    Several processes may open one store. On SQLite only one of them can send at a time. On PostgreSQL several
    can, even from several machines: they share each mailing, no delivery is claimed twice, and only the
    sender that claimed a delivery can record its outcome.
    """

    identity: "Identity"
    subscribers: "Subscribers"
    sign_ups: "SignUps"
    confirmations: "Confirmations"
    suppressions: "Suppressions"
    ledger: "Ledger"
    bounces: "Bounces"
    approvals: "Approvals"
    notices: "Notices"
    rate_limits: "RateLimits"
    audit_log: "AuditLog"
    data_requests: "DataRequests"
    retention: "Retention"
    move: "SubscriberMove"
    transactions: "Transactions"

    async def close(self) -> None:
        """Finish the queued transactions and close the database. Closing twice is harmless."""
        await self.transactions.close()
