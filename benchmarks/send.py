"""Measure the speed, processor time and memory of a whole `moza-mail send`, compared with smtp-source.

    python -m benchmarks.send [--recipients 50000] [--rounds 5] [--far 500] [--million] [--no-postgres]

Each round has three parts. The sample issue is sent to everybody through ten connections to one smtp-sink, including the start
of Python, rendering, creating the mailing and the report; the ledger is SQLite with synchronous=FULL. Then Postfix's own
smtp-source, written in C, sends as many messages of 30 kB to the same sink. Then the same send uses PostgreSQL (fsync on).
Figures are medians of the rounds with the lowest and highest. A ratio is the median of the ratios of the rounds, because the
machine is not equally busy in each. `--million` sends one mailing to 1,000,000 recipients.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from benchmarks.transport import measure_with_delay, smtp_source
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.store import open_store
from tests.support.postgres import Cluster, cluster, find_programs
from tests.support.project_folder import ISSUE, Folder, folder
from tests.support.smtp_servers import smtp_sink

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
CHUNK = 1000
STORE = "subscribers/moza-mail.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandUsage:
    """The resources that one command used.

    seconds: the elapsed time.
    processor: the processor time in seconds.
    resident_mb: the peak memory.
    """

    seconds: float
    processor: float
    resident_mb: float


def run_command(here: Folder, *arguments: str) -> CommandUsage:
    """Run a command and measure it from outside."""
    began = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(**here.command(*arguments), **quiet)
    peak = [0]
    watch = Thread(target=watch_memory, args=(process.pid, peak))
    watch.start()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.join()
    if process.returncode:
        raise SystemExit(f"{process.args} ended with {process.returncode}: {process.stderr.read().decode()}")
    process.stderr.close()
    return CommandUsage(seconds=seconds, processor=used.ru_utime + used.ru_stime, resident_mb=peak[0] / 1024)


def run_smtp_source(program: str, port: int, count: int) -> CommandUsage:
    """Run smtp-source and measure it from outside."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = measure_seconds(lambda: smtp_source(program, port, count))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return CommandUsage(seconds=seconds, processor=processor, resident_mb=0)


def watch_memory(number: int, peak: list[int]) -> None:
    """Record the peak resident memory of a process after `exec` in kB, until the process ends."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while found := [
            row for row in Path(f"/proc/{number}/status").read_text().split("\n") if row.startswith("VmHWM")
        ]:
            peak[0] = int(found[0].split()[1])
            time.sleep(0.2)


async def fill_store(url: str, subscribers: int) -> None:
    """Add invented subscribers to the list."""
    store = await open_store(url)
    sender = Address(local="weekly", domain="example.org")
    await store.subscribers.save_list(MailingList(slug="weekly", title="MOZa Weekly", sender=sender))
    for first in range(0, subscribers, CHUNK):
        chunk = [
            NewSubscriber(
                address=Address(local=f"lezer{number}", domain="example.com"),
                name=f"Lezer {number}",
                consent="form",
            )
            for number in range(first, min(first + CHUNK, subscribers))
        ]
        await store.subscribers.add(chunk, list_slug="weekly", source="benchmark", now=NOW)
    await store.close()


@contextlib.contextmanager
def make_project(subscribers: Path | None = None, **settings: object) -> Iterator[Folder]:
    """Create a project folder with a copy of a filled store."""
    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
        here = folder(Path(name))
        if subscribers is not None:
            shutil.copy(subscribers, here.path / STORE)
        here.set(connections=10, **settings)
        yield here


def send(here: Folder) -> CommandUsage:
    return run_command(here, "send", ISSUE, "--yes")


def format_median(values: Sequence[float], places: int = 2) -> str:
    middle, low, high = (f"{of(values):,.{places}f}" for of in (statistics.median, min, max))
    return f"{middle} ({low} to {high})"


def measure_seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def print_figure(label: str, value: str) -> None:
    print(f"{label:64} {value}", flush=True)


def compare_with_smtp_source(count: int, rounds: int, *, postgres: bool) -> None:
    """Print the figures of a send, of smtp-source and of a send with PostgreSQL."""
    source = shutil.which("smtp-source", path="/usr/bin:/usr/sbin")
    ours: list[CommandUsage] = []
    theirs: list[CommandUsage] = []
    shared: list[CommandUsage] = []
    with contextlib.ExitStack() as held:
        place = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="moza-mail-bench-")))
        filled = place / "filled.db"
        asyncio.run(fill_store(f"sqlite:///{filled}", count))
        server = held.enter_context(cluster(fsync=True)) if postgres and find_programs() else None
        if server:
            held.enter_context(fill_template_database(server, count))
        sink = held.enter_context(smtp_sink(keep=False))
        for number in range(rounds):
            with make_project(filled, relay=sink.relay) as here:
                ours.append(send(here))
            if source:
                theirs.append(run_smtp_source(source, sink.port, count))
            if server:
                shared.append(send_with_postgres(server, sink.relay, number))
    print_figures(count, ours, theirs, shared)


def print_figures(
    count: int, ours: Sequence[CommandUsage], theirs: Sequence[CommandUsage], shared: Sequence[CommandUsage]
) -> None:
    rates = [count / one.seconds for one in ours]
    print_figure(f"whole send of {count}, messages a second", format_median(rates))
    print_figure(
        "  processor time a message, ms", format_median([one.processor / count * 1000 for one in ours], 3)
    )
    print_figure("  resident memory at most, MB", format_median([one.resident_mb for one in ours]))
    if theirs:
        print_figure(
            "smtp-source -s 10 -l 30000 -d to the same sink, messages a second",
            format_median([count / one.seconds for one in theirs]),
        )
        print_figure(
            "  processor time a message, ms",
            format_median([one.processor / count * 1000 for one in theirs], 3),
        )
        pairs = list(zip(ours, theirs, strict=True))
        print_figure("  ratio (>= 0.85)", format_median([b.seconds / a.seconds for a, b in pairs]))
        print_figure(
            "  processor time : smtp-source's (<= 2.8)",
            format_median([a.processor / b.processor for a, b in pairs]),
        )
    if shared:
        print_figure(
            "the same send with PostgreSQL, messages a second",
            format_median([count / one.seconds for one in shared]),
        )
        print_figure(
            "  ratio to SQLite (>= 0.75)",
            format_median([a.seconds / b.seconds for a, b in zip(ours, shared, strict=True)]),
        )
        print_figure(
            "  processor time a message, ms",
            format_median([one.processor / count * 1000 for one in shared], 3),
        )


@contextlib.contextmanager
def fill_template_database(server: Cluster, count: int) -> Iterator[None]:
    """Create the database `filled`, which each round copies."""
    server.query("CREATE DATABASE filled")
    asyncio.run(fill_store(server.url("filled"), count))
    server.query("VACUUM ANALYZE", database="filled")
    yield


def send_with_postgres(server: Cluster, relay: str, number: int) -> CommandUsage:
    """Run one send with its ledger in a copy of the filled database."""
    name = f"round_{number}"
    server.query(f"CREATE DATABASE {name} TEMPLATE filled")
    with make_project(relay=relay, store=server.url(name)) as here:
        whole = send(here)
    server.query(f"DROP DATABASE {name} WITH (FORCE)")
    return whole


def measure_large_mailing(count: int) -> None:
    """Measure a very large mailing: how long it takes to create, and the memory of the send."""
    with smtp_sink(keep=False) as sink, make_project(relay=sink.relay) as here:
        print_figure(
            f"import of {count} into the store, s",
            f"{measure_seconds(lambda: asyncio.run(fill_store(f'sqlite:///{here.path / STORE}', count))):,.1f}",
        )
        prepare = run_command(here, "send", ISSUE, "--yes", "--limit", "1")
        print_figure(
            "create the mailing, with start, one message and report, s (<= 30)", f"{prepare.seconds:,.1f}"
        )
        whole = send(here)
        print_figure(f"send of {count}, messages a second", f"{count / whole.seconds:,.0f}")
        print_figure("  processor time a message, ms", f"{whole.processor / count * 1000:.3f}")
        print_figure(
            "  resident memory at most, MB (<= 150)", f"{max(prepare.resident_mb, whole.resident_mb):,.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipients", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--far", type=int, default=500, help="messages through the proxy with a 10 ms round trip"
    )
    parser.add_argument(
        "--million", type=int, nargs="?", const=1_000_000, default=0, help="send one mailing to this many"
    )
    parser.add_argument("--no-postgres", action="store_true")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
    if given.rounds:
        compare_with_smtp_source(given.recipients, given.rounds, postgres=not given.no_postgres)
    if given.far:
        with smtp_sink(keep=False) as sink:
            measure_with_delay(sink.port, given.far)
    if given.million:
        measure_large_mailing(given.million)
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
