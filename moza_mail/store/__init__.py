"""Store: the subscribers and the ledger, behind one door."""

from moza_mail.store.protocol import Audience, Person, Store

__all__ = ["Audience", "Person", "Store"]
