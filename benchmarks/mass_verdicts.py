"""Measure the time to recognise a mass verdict, in mailings of growing size.

    python -m benchmarks.mass_verdicts [--readers 10000 100000]

All readers are at one provider, and the relay refuses every fifth reader as unknown. The time per refusal must not grow with
the mailing. Each figure is the time to record the outcomes in the ledger, with and without refusals.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from moza_mail.model.address import Address
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.store import Store, open_store
from tests.support.store_builders import ACCEPTED, NOW, make_list, make_mailing

BATCH = 500
REFUSED = to_outcome(Reply.parse(550, "5.1.1 user unknown"), Phase.RCPT)


async def mail(store: Store, slug: str, readers: int, every_fifth: Outcome) -> float:
    """Create a mailing and record its outcomes; return the seconds."""
    mailing_id = (await store.ledger.create_mailing(make_mailing(slug))).id
    seconds = 0.0
    for _ in range(0, readers, BATCH):
        batch = await store.ledger.claim(mailing_id, limit=BATCH, now=NOW)
        outcomes = [
            (one.id, every_fifth if number % 5 == 0 else ACCEPTED) for number, one in enumerate(batch)
        ]
        began = time.perf_counter()
        await store.ledger.record_outcomes(outcomes, now=NOW)
        seconds += time.perf_counter() - began
    held = sum((await store.suppressions.count_held(mailing_id)).values())
    assert held in {0, readers // 5}, held
    return seconds


async def measure(readers: int) -> None:
    """Print the time that refusals add in a mailing of this size."""
    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
        store = await open_store(f"sqlite:///{Path(name) / 'store.db'}")
        try:
            await store.subscribers.save_list(make_list())
            for first in range(0, readers, 5000):
                people = [
                    NewSubscriber(address=Address(local=f"reader{number}", domain="example.org"), consent="x")
                    for number in range(first, min(readers, first + 5000))
                ]
                await store.subscribers.add(people, list_slug="weekly", source="bench", now=NOW)
            without = await mail(store, "2026-01-14", readers, ACCEPTED)
            refusing = await mail(store, "2026-01-21", readers, REFUSED)
        finally:
            await store.close()
    refused = readers // 5
    each = 1e6 * (refusing - without) / refused
    print(
        f"{readers:,} readers, {refused:,} refused and held: {refusing:.1f} s"
        f" ({without:.1f} s if all are accepted), {each:.0f} us a refusal",
        flush=True,
    )


def main() -> None:
    """Read the options, and measure a mailing of each size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", type=int, nargs="+", default=[10_000, 100_000])
    for readers in parser.parse_args().readers:
        asyncio.run(measure(readers))


if __name__ == "__main__":
    main()
