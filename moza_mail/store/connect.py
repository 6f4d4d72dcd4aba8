"""Open a database on its own thread, and create the parts of the store that use it."""

from collections.abc import Callable

from moza_mail.model.bounce import BounceThresholds
from moza_mail.store.approvals import Approvals
from moza_mail.store.audit_log import AuditLog
from moza_mail.store.audit_writer import AuditWriter
from moza_mail.store.bounces import Bounces
from moza_mail.store.confirmations import Confirmations
from moza_mail.store.data_requests import DataRequests
from moza_mail.store.database import Database
from moza_mail.store.identity import Identity
from moza_mail.store.ledger import Ledger
from moza_mail.store.notices import Notices
from moza_mail.store.rate_limits import RateLimits
from moza_mail.store.retention import Retention
from moza_mail.store.sign_ups import SignUps
from moza_mail.store.store import Store
from moza_mail.store.subscriber_move import SubscriberMove
from moza_mail.store.subscribers import Subscribers
from moza_mail.store.suppressions import Suppressions
from moza_mail.store.transactions import Transactions


async def connect(
    open_database: Callable[[], Database], audit: AuditWriter, thresholds: BounceThresholds
) -> Store:
    """Open the database and return its store. Raise StoreError if it cannot be opened."""
    transactions = await Transactions.open(open_database, audit)
    identity = Identity(transactions)
    return Store(
        identity=identity,
        subscribers=Subscribers(transactions),
        sign_ups=SignUps(transactions),
        confirmations=Confirmations(transactions, identity),
        suppressions=Suppressions(transactions),
        ledger=Ledger(transactions, identity, thresholds),
        bounces=Bounces(transactions, thresholds),
        approvals=Approvals(transactions),
        notices=Notices(transactions),
        rate_limits=RateLimits(transactions),
        audit_log=AuditLog(transactions),
        data_requests=DataRequests(transactions),
        retention=Retention(transactions),
        move=SubscriberMove(transactions),
        transactions=transactions,
    )
