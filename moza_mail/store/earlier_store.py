"""Find and repeat the erasures and unsubscriptions that a restored backup lacks.

They are read from the SQLite file that `restore` moved aside.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address, normalise_address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.store_mark import StoreMark
from moza_mail.model.subscriber import SubscriptionState, SuppressionReason
from moza_mail.store.identity import GENERATION, STORE_ID
from moza_mail.store.schema import (
    deliveries,
    erasures,
    insert,
    sign_up_requests,
    subscribers,
    subscriptions,
    suppressions,
)
from moza_mail.store.subscriptions import unsubscribe

ADDRESSES = tuple(table.c.address for table in (subscribers, deliveries, suppressions, sign_up_requests))


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierStore:
    """The departures in the store that a backup replaces.

    erasures: rows of the table `erasures`.
    departures: the key of the address and the list of each subscription that its person ended.
    mark: the identity of the store, and its generation number.
    """

    mark: StoreMark
    erasures: tuple[Mapping[str, Any], ...]
    departures: tuple[tuple[str, str], ...]


def read_earlier_store(file: Path) -> EarlierStore | None:
    """Read the departures in a store that was moved aside; return None if the store cannot be read."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as earlier:
            properties = dict(earlier.execute("SELECT name, value FROM properties").fetchall())
            erased = earlier.execute(
                "SELECT address_hash, erased_at, suppression_reason FROM erasures"
            ).fetchall()
            departures = earlier.execute(
                "SELECT address_key, list_slug FROM subscriptions JOIN subscribers ON id = subscriber_id WHERE state = ?",
                (SubscriptionState.UNSUBSCRIBED.value,),
            ).fetchall()
    except sqlite3.Error:
        return None
    return EarlierStore(
        mark=StoreMark(store_id=properties.get(STORE_ID, ""), generation=int(properties.get(GENERATION, 0))),
        erasures=tuple(
            {
                "address_hash": address_hash,
                "erased_at": datetime.fromisoformat(erased_at),
                "suppression_reason": SuppressionReason(reason) if reason else None,
            }
            for address_hash, erased_at, reason in erased
        ),
        departures=tuple((key, slug) for key, slug in departures),
    )


def find_erased(
    connection: sa.Connection, earlier: EarlierStore, hasher: AddressHasher
) -> tuple[Address, ...]:
    """Return the addresses in this store whose people were erased from the earlier store."""
    hashes = {row["address_hash"] for row in earlier.erasures}
    if not hashes:
        return ()
    texts = {
        text for column in ADDRESSES for text in connection.scalars(sa.select(column).distinct()) if text
    }
    found = (text for text in sorted(texts) if hasher.hash_key(normalise_address(text)) in hashes)
    return tuple(Address.parse_typed(text) for text in found)


def repeat_departures(connection: sa.Connection, earlier: EarlierStore, now: datetime) -> int:
    """Unsubscribe everybody who had left in the earlier store; return the number of subscriptions that ended.

    The pseudonyms of erased people are copied too, so that no import brings them back.
    """
    for erasure in earlier.erasures:
        connection.execute(insert(connection, erasures).values(erasure).on_conflict_do_nothing())
    rows = connection.execute(
        sa.select(subscribers.c.address_key, subscriptions.c.list_slug, subscribers.c.id)
        .join(subscribers, subscribers.c.id == subscriptions.c.subscriber_id)
        .where(subscriptions.c.state != SubscriptionState.UNSUBSCRIBED)
    ).all()
    departures = set(earlier.departures)
    todo = [row for row in rows if (row.address_key, row.list_slug) in departures]
    for row in todo:
        unsubscribe(connection, row.id, row.list_slug, now, detail="repeated after a restore")
    return len(todo)
