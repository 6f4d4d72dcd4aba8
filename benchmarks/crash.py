"""Kill sends at random moments and count lost, repeated and uncertain recipients: `python -m benchmarks.crash`.

Each complete message in smtp-sink's folder was accepted, whatever our ledger contains. One mailing is killed several times, and
the same command continues it each time, as cron does. The exit code is 1 if a promise is broken. The same seed kills after the
same delays, but other work on the machine changes how far the mailing is by then.
"""

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from moza_mail.transport.protocol import LOOK_AHEAD
from tests.support.project_folder import ISSUE, Folder, folder
from tests.support.smtp_servers import Sink, await_port, free_port, smtp_sink

CONNECTIONS = 8
EARLY_SHARE = 0.15
"""The share of kills before the first message: while Python starts, or while the mailing is created."""
TIMEOUT = 120
EXIT_CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of one mailing: the addresses for which a promise was broken, and the uncertain ones."""

    lost: frozenset[str] = frozenset()
    """Not received by the relay, and not listed as uncertain."""
    repeated: frozenset[str] = frozenset()
    """Received by the relay more than once."""
    miscounted: frozenset[str] = frozenset()
    """Accepted in the ledger but not received by the relay, or listed in no state or in two."""
    uncertain: frozenset[str] = frozenset()
    delivered: frozenset[str] = frozenset()
    """Uncertain, but received by the relay."""

    @property
    def broken(self) -> frozenset[str]:
        return self.lost | self.repeated | self.miscounted


def judge(
    audience: frozenset[str], copies: Mapping[str, int], accepted: list[str], uncertain: list[str]
) -> Verdict:
    """Compare the ledger's state of each recipient with the copies at the relay."""
    arrived = {reader for reader, count in copies.items() if count}
    listed = [*accepted, *uncertain]
    return Verdict(
        lost=frozenset(audience - arrived - set(uncertain)),
        repeated=frozenset(reader for reader, count in copies.items() if count > 1),
        miscounted=frozenset(set(accepted) - arrived)
        | frozenset(audience ^ set(listed))
        | frozenset(reader for reader in set(listed) if listed.count(reader) > 1),
        uncertain=frozenset(uncertain),
        delivered=frozenset(arrived & set(uncertain)),
    )


@dataclass(kw_only=True)
class Trial:
    """One mailing that is killed several times, with the number of new uncertain recipients after each kill."""

    uncertain_counts: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


@contextmanager
def make_project(recipients: int, store: str = "") -> Iterator[Folder]:
    """Create a project folder with this many subscribers."""
    with tempfile.TemporaryDirectory(prefix="moza-mail-crash-") as name:
        here = folder(Path(name))
        here.set(connections=CONNECTIONS, **({"store": store} if store else {}))
        here.add_readers(recipients)
        yield here


def count_messages(sink: Sink) -> int:
    return sum(1 for _ in sink.folder.iterdir())


def count_complete_messages(sink: Sink) -> dict[str, int]:
    """Count the complete messages of each recipient. The relay did not accept a message that was cut off."""
    return {
        reader: sum(copy.rstrip().endswith(b"--") for copy in copies)
        for reader, copies in sink.received().items()
    }


def wait_until_quiet(sink: Sink) -> None:
    """Wait until the relay has read everything that a killed sender had sent."""
    before, quiet = -1, 0
    while quiet < 3:
        count = count_messages(sink)
        quiet = quiet + 1 if count == before else 0
        before = count
        time.sleep(0.1)


def list_uncertain(here: Folder) -> list[str]:
    status = here.run("status", "--json")
    return status.json["uncertain"] if status.out else []


def interrupt_send(
    here: Folder, sink: Sink, signal_number: int, chance: random.Random, left: int
) -> int | None:
    """Start a send and kill it at a random moment; return its exit code, or None if it had ended before."""
    process = here.start("send", ISSUE, "--yes")
    try:
        goal = count_messages(sink) + chance.randint(1, max(left, 1))
        until = time.monotonic() + (chance.uniform(0, 1.5) if chance.random() < EARLY_SHARE else TIMEOUT)
        while process.poll() is None and time.monotonic() < until and count_messages(sink) < goal:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.01))
        had_ended = process.poll() is not None
        process.send_signal(signal_number)
        process.communicate(timeout=TIMEOUT)
        return None if had_ended else process.returncode
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@contextmanager
def open_relay(delay_ms: int) -> Iterator[tuple[Sink, str]]:
    """Run a relay; yield it with its URL, which leads through a proxy if there is a delay."""
    with smtp_sink() as sink:
        if not delay_ms:
            yield sink, sink.relay
            return
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.delay", str(port), str(sink.port), str(delay_ms / 2000)]
        with subprocess.Popen(command) as proxy:
            try:
                await_port(port, proxy)
                yield sink, f"smtp://127.0.0.1:{port}"
            finally:
                proxy.terminate()


def run_trial(
    here: Folder, recipients: int, signal_number: int, kills: int, chance: random.Random, delay_ms: int = 0
) -> Trial:
    """Kill one mailing up to `kills` times, finish it, and compare the ledger with the relay."""
    found = Trial()
    audience = frozenset(f"lezer{one}@example.org" for one in range(recipients))
    with open_relay(delay_ms) as (sink, relay):
        here.set(relay=relay)
        for _ in range(kills):
            known = len(list_uncertain(here))
            code = interrupt_send(here, sink, signal_number, chance, recipients - count_messages(sink))
            if code is None:
                break
            found.codes.append(code)
            found.uncertain_counts.append(len(list_uncertain(here)) - known)
        finish_mailing(here)
        wait_until_quiet(sink)
        copies = count_complete_messages(sink)
    accepted = [
        row["address"] for row in here.run("status", "--state", "accepted", "--json").json["recipients"]
    ]
    found.verdict = judge(audience, copies, accepted, list_uncertain(here))
    return found


def finish_mailing(here: Folder) -> None:
    """Run `send` until no recipient is left, as cron does."""
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until:
        here.run("send", ISSUE, "--yes")
        if not here.states().keys() & {"pending", "claimed", "intent", "deferred"}:
            return
    raise SystemExit("the mailing does not finish")


@dataclass(frozen=True, kw_only=True)
class TrialSeries:
    """All trials of one store and one signal."""

    store: str
    signal_number: int
    trials: list[Trial]

    @property
    def uncertain_counts(self) -> list[int]:
        return [doubt for one in self.trials for doubt in one.uncertain_counts]

    @property
    def max_uncertain(self) -> int:
        """The number of recipients that one kill may make uncertain. It is 0 for an orderly stop."""
        return LOOK_AHEAD + CONNECTIONS if self.signal_number == signal.SIGKILL else 0

    @property
    def is_kept(self) -> bool:
        codes = {code for one in self.trials for code in one.codes}
        # While Python starts, it has no signal handler yet, so the signal itself ends the process.
        return (
            not any(one.verdict.broken for one in self.trials)
            and max(self.uncertain_counts, default=0) <= self.max_uncertain
            and codes <= {EXIT_CODES[signal.Signals(self.signal_number)], 0, -self.signal_number}
        )

    def __str__(self) -> str:
        verdicts = [one.verdict for one in self.trials]
        uncertain = sum(len(one.uncertain) for one in verdicts)
        delivered = sum(len(one.delivered) for one in verdicts)
        counts = [
            sum(len(getattr(one, name)) for one in verdicts) for name in ("lost", "repeated", "miscounted")
        ]
        median = statistics.median(self.uncertain_counts) if self.uncertain_counts else 0
        cells = [
            self.store,
            signal.Signals(self.signal_number).name,
            len(self.uncertain_counts),
            len(self.trials),
            *counts,
            uncertain,
            f"{delivered}/{uncertain - delivered}",
            f"{median:g} ({min(self.uncertain_counts, default=0)} to {max(self.uncertain_counts, default=0)})",
            self.max_uncertain,
            "kept" if self.is_kept else "BROKEN",
        ]
        return f"| {' | '.join(map(str, cells))} |"


HEAD = [
    "store", "signal", "kills", "mailings", "lost", "repeated", "miscounted", "uncertain", "of these arrived/not",
    "uncertain by one kill, median (range)", "allowed", "promise",
]  # fmt: skip


def run_all(given: argparse.Namespace) -> Iterator[TrialSeries]:
    """Run the trials of each store and signal in turn."""
    numbers = [signal.Signals[f"SIG{name}"] for name in given.signals.split(",")]
    for store in given.stores.split(","):
        for number in numbers:
            kills = given.kills if number == signal.SIGKILL else given.stops
            yield run_trials(
                store,
                number,
                kills,
                recipients=given.recipients,
                per_mailing=given.each,
                seed=given.seed,
                delay_ms=given.delay,
            )


def run_trials(
    store: str,
    signal_number: int,
    kills: int,
    *,
    recipients: int,
    per_mailing: int,
    seed: int,
    delay_ms: int = 0,
) -> TrialSeries:
    """Run mailings until there were `kills` kills, with at most `per_mailing` kills in each mailing."""
    chance = random.Random(f"{seed} {store} {signal_number}")
    trials: list[Trial] = []
    with open_databases(store) as new:
        while (left := kills - sum(len(one.uncertain_counts) for one in trials)) > 0:
            with new() as url, make_project(recipients, url) as here:
                if delay_ms:
                    here.set(connections=2)
                trials.append(
                    run_trial(here, recipients, signal_number, min(left, per_mailing), chance, delay_ms)
                )
    return TrialSeries(store=store, signal_number=signal_number, trials=trials)


@contextmanager
def open_databases(store: str) -> Iterator:
    """Yield a context manager that creates an empty database and returns its URL, empty for SQLite in the project folder."""
    if store == "sqlite":
        yield _no_database
        return
    from tests.support.postgres import cluster

    with cluster(fsync=True) as server:
        yield server.database


@contextmanager
def _no_database() -> Iterator[str]:
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipients", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=50, help="number of kill -9 for each store")
    parser.add_argument("--stops", type=int, default=10, help="number of each other signal for each store")
    parser.add_argument("--each", type=int, default=5, help="maximum number of kills in one mailing")
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument("--signals", default="KILL,TERM,INT")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--delay", type=int, default=0, help="round trip to the relay in ms; with one, two connections"
    )
    given = parser.parse_args()
    connections = 2 if given.delay else CONNECTIONS
    print(
        f"{given.recipients} recipients in a mailing, {connections} connections, round trip {given.delay} ms, seed {given.seed}"
    )
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}", flush=True)
    is_kept = True
    for row in run_all(given):
        is_kept = is_kept and row.is_kept
        print(row, flush=True)
        for one in row.trials:
            if one.verdict.broken:
                print(f"  {one.verdict}", flush=True)
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
