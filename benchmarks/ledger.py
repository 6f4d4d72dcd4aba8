"""Measure the ledger with a million subscribers: creating a mailing, claiming, intents and outcomes. Prints one JSON object.

python -m benchmarks.ledger [--subscribers 1000000] [--messages 50000] [--callers 64] [--store postgresql://user@host/empty]
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState, Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered
from moza_mail.model.outcome import to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.store import Store, open_store

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
COMMITS = {"made": 0}


def count_commits(store: Store) -> None:
    """Count the transactions that write, by wrapping the function through which all of them go."""
    writing = store.transactions.database.writing

    def counted():
        COMMITS["made"] += 1
        return writing()

    store.transactions.database.writing = counted


async def add_subscribers(store: Store, people: int) -> float:
    sender = Address(local="weekly", domain="example.org")
    await store.subscribers.save_list(MailingList(slug="weekly", title="Weekly", sender=sender))
    began = time.perf_counter()
    for first in range(0, people, 1000):
        chunk = [
            NewSubscriber(
                address=Address(local=f"reader{number}", domain="example.org"), name=f"Reader {number}"
            )
            for number in range(first, min(first + 1000, people))
        ]
        await store.subscribers.add(chunk, list_slug="weekly", source="benchmark", now=NOW)
    return time.perf_counter() - began


async def send(store: Store, mailing: int, messages: int, callers: int) -> float:
    async with store.ledger.hold_sender_lock("benchmark"):
        return await process_deliveries(store, mailing, messages, callers)


async def process_deliveries(store: Store, mailing: int, messages: int, callers: int) -> float:
    outcome = to_outcome(Reply.parse(250, "2.0.0 Ok: queued as 4XyZ12abcd"), Phase.BODY)
    left = messages
    claimed = []

    async def caller() -> None:
        nonlocal left
        while left > 0:
            if not claimed:
                claimed.extend(await store.ledger.claim(mailing, limit=1000, now=NOW))
                continue
            left -= 1
            delivery = claimed.pop()
            await store.ledger.record_intents([delivery.id], now=NOW)
            await store.ledger.record_outcomes([(delivery.id, outcome)], now=NOW)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return time.perf_counter() - began


async def measure_awaitable(awaitable):
    began = time.perf_counter()
    value = await awaitable
    return value, round(time.perf_counter() - began, 4)


async def measure(url: str, people: int, messages: int, callers: int) -> dict:
    figures = {
        "store": url.partition(":")[0],
        "subscribers": people,
        "messages": messages,
        "callers": callers,
    }
    store = await open_store(url)
    if await store.ledger.list_mailings():
        raise SystemExit("the store is not empty; name an empty one")
    count_commits(store)
    figures["import_s"] = round(await add_subscribers(store, people), 2)
    mailing = Mailing(
        id=0,
        key="benchmark",
        issue_slug="2026-01-14",
        issue_title="An issue",
        list_slug="weekly",
        digest="",
        rendered=Rendered(subject="An issue", preheader="", html="<p>", text="", lang="nl"),
        created_at=NOW,
    )
    _, figures["audience_s"] = await measure_awaitable(store.subscribers.count_audience("weekly"))
    mailing, figures["prepare_s"] = await measure_awaitable(store.ledger.create_mailing(mailing))
    batch, figures["claim_100_s"] = await measure_awaitable(
        store.ledger.claim(mailing.id, limit=100, now=NOW)
    )
    await store.ledger.release([delivery.id for delivery in batch])
    _, figures["counts_s"] = await measure_awaitable(store.ledger.count_by_state(mailing.id))
    COMMITS["made"] = 0
    cpu = time.process_time()
    seconds = await send(store, mailing.id, messages, callers)
    figures |= {
        "messages_per_s": round(messages / seconds),
        "rows_per_s": round(2 * messages / seconds),
        "commits_per_s": round(COMMITS["made"] / seconds),
        "rows_per_commit": round(2 * messages / COMMITS["made"], 1),
        "cpu_ms_per_message": round(1000 * (time.process_time() - cpu) / messages, 3),
    }
    accepted = (await store.ledger.count_by_state(mailing.id))[DeliveryState.ACCEPTED]
    if accepted < messages:
        raise SystemExit(f"only {accepted} of {messages} are accepted")
    _, figures["recover_s"] = await measure_awaitable(store.ledger.recover(mailing.id, now=NOW))
    await store.close()
    figures["resident_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return figures


async def measure_file(folder: str, *sizes: int) -> dict:
    figures = await measure(f"sqlite:///{folder}/ledger.db", *sizes)
    return figures | {"file_mb": round((Path(folder) / "ledger.db").stat().st_size / 1e6)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the ledger; print the figures as one JSON object.")
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--folder", default=".", help="where to create the file, on the disk to be measured")
    parser.add_argument(
        "--store", default="", help="the URL of an empty PostgreSQL database, instead of a file"
    )
    given = parser.parse_args()
    sizes = (given.subscribers, given.messages, given.callers)
    if given.store:
        found = asyncio.run(measure(given.store, *sizes))
    else:
        with tempfile.TemporaryDirectory(dir=given.folder) as place:
            found = asyncio.run(measure_file(str(Path(place).resolve()), *sizes))
    print(json.dumps(found, indent=2))
