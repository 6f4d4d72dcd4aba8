"""Measure the erasure of many people from a store with one mailing.

    python -m benchmarks.erasure [--readers 100000] [--people 1000]

Every reader has a name and an attribute, and got the mailing. One more reader has the address of an erased person in an
attribute, so that the texts of all tables must be searched. The time to search the project's files is not measured.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.store import Store, open_store
from moza_mail.subscribe import SubscriberAdmin
from tests.support.store_builders import ACCEPTED, NOW, make_list, make_mailing

BATCH = 5000
LATER = NOW + timedelta(days=1)


def make_address(number: int) -> Address:
    """Return the address of a reader. The addresses are spread over a hundred providers."""
    return Address(local=f"reader{number}", domain=f"d{number % 100}.example.org")


async def fill(store: Store, readers: int) -> None:
    """Subscribe the readers, and record a mailing that all of them got."""
    await store.subscribers.save_list(make_list())
    for first in range(0, readers, BATCH):
        people = [
            NewSubscriber(
                address=make_address(number),
                consent="x",
                name=f"Reader {number}",
                attributes={"note": f"colleague of {make_address(0)}" if number == 1 else f"note {number}"},
            )
            for number in range(first, min(readers, first + BATCH))
        ]
        await store.subscribers.add(people, list_slug="weekly", source="bench", now=NOW)
    mailing_id = (await store.ledger.create_mailing(make_mailing("2026-01-14"))).id
    while batch := await store.ledger.claim(mailing_id, limit=BATCH, now=NOW):
        await store.ledger.record_outcomes([(one.id, ACCEPTED) for one in batch], now=NOW)


async def measure(readers: int, people: int) -> None:
    """Print the seconds that an erasure takes."""
    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
        url = f"sqlite:///{Path(name) / 'store.db'}"
        store = await open_store(url, hasher=AddressHasher(secret=b"x" * 32))
        try:
            await fill(store, readers)
            erased = [make_address(number * (readers // people)) for number in range(people)]
            began = time.perf_counter()
            await SubscriberAdmin(store).erase_all(erased, clock=lambda: LATER)
            seconds = time.perf_counter() - began
        finally:
            await store.close()
    each = 1000 * seconds / people
    print(f"{people:,} of {readers:,} people erased: {seconds:.1f} s, {each:.1f} ms each", flush=True)


def main() -> None:
    """Read the options, and measure one erasure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=1000)
    given = parser.parse_args()
    asyncio.run(measure(given.readers, given.people))


if __name__ == "__main__":
    main()
