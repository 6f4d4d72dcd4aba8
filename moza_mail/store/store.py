"""The store: a project's subscribers, and the ledger of who was mailed."""

from functools import cached_property
from typing import TYPE_CHECKING

# The parts are imported at their first use, because each command needs only a few of them.
if TYPE_CHECKING:
    from moza_mail.model.bounce import BounceThresholds
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


class Store:
    """An open store. It belongs to the event loop that opened it.

    The store has parts, such as `ledger`. Each method of a part runs one transaction, which is durable when
    the method returns. Every method may raise StoreError. If the caller is cancelled or the connection to the
    server is lost, the transaction is stored completely or not at all; the next call connects again. Methods
    named `iter_...` read in pages and hold no transaction between two pages.

    Several processes may open one store. On SQLite only one of them can send at a time. On PostgreSQL several
    can, even from several machines: they share each mailing, no delivery is claimed twice, and only the
    sender that claimed a delivery can record its outcome.

    transactions: the transactions of the open database.
    thresholds: how often an address must fail before it is suppressed.
    """

    def __init__(self, transactions: "Transactions", thresholds: "BounceThresholds") -> None:
        self.transactions = transactions
        self._thresholds = thresholds

    @cached_property
    def identity(self) -> "Identity":
        """The identity of this store. It distinguishes the store from its copies and other stores."""
        from moza_mail.store.identity import Identity

        return Identity(self.transactions)

    @cached_property
    def subscribers(self) -> "Subscribers":
        """The lists, and the people who are or were on them."""
        from moza_mail.store.subscribers import Subscribers

        return Subscribers(self.transactions)

    @cached_property
    def sign_ups(self) -> "SignUps":
        """Requests to join a list, from forms and confirmation links."""
        from moza_mail.store.sign_ups import SignUps

        return SignUps(self.transactions)

    @cached_property
    def confirmations(self) -> "Confirmations":
        """The mails that ask people to confirm their sign-up."""
        from moza_mail.store.confirmations import Confirmations

        return Confirmations(self.transactions, self.identity)

    @cached_property
    def suppressions(self) -> "Suppressions":
        """The addresses that are never mailed."""
        from moza_mail.store.suppressions import Suppressions

        return Suppressions(self.transactions)

    @cached_property
    def ledger(self) -> "Ledger":
        """The mailings, and the deliveries to each recipient."""
        from moza_mail.store.ledger import Ledger

        return Ledger(self.transactions, self.identity, self._thresholds)

    @cached_property
    def bounces(self) -> "Bounces":
        """The reports of mail servers about earlier messages."""
        from moza_mail.store.bounces import Bounces

        return Bounces(self.transactions, self._thresholds)

    @cached_property
    def approvals(self) -> "Approvals":
        """The approvals of issues, each with the account that gave it."""
        from moza_mail.store.approvals import Approvals

        return Approvals(self.transactions)

    @cached_property
    def notices(self) -> "Notices":
        """The problems that were reported to the operator already."""
        from moza_mail.store.notices import Notices

        return Notices(self.transactions)

    @cached_property
    def rate_limits(self) -> "RateLimits":
        """The token buckets that limit the rate of sending."""
        from moza_mail.store.rate_limits import RateLimits

        return RateLimits(self.transactions)

    @cached_property
    def audit_log(self) -> "AuditLog":
        """The record of what was done, and by whom."""
        from moza_mail.store.audit_log import AuditLog

        return AuditLog(self.transactions)

    @cached_property
    def data_requests(self) -> "DataRequests":
        """The answers to people who ask for their data or its erasure."""
        from moza_mail.store.data_requests import DataRequests

        return DataRequests(self.transactions)

    @cached_property
    def retention(self) -> "Retention":
        """The deletion of data that is older than its retention period."""
        from moza_mail.store.retention import Retention

        return Retention(self.transactions)

    @cached_property
    def move(self) -> "SubscriberMove":
        """The file with which all subscriber data moves to another database or machine."""
        from moza_mail.store.subscriber_move import SubscriberMove

        return SubscriberMove(self.transactions)

    async def close(self) -> None:
        """Finish the queued transactions and close the database. Closing twice is harmless."""
        await self.transactions.close()
