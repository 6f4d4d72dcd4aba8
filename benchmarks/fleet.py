"""Measure several senders on one PostgreSQL server, also during failures: `python -m benchmarks.fleet`.

Each sender has two connections to a relay that is some milliseconds away. The server syncs to disk. The steps are: the rates of one
to eight senders; a server that is down for some seconds; a sender that hangs, and a sender that is killed; and a standby that
becomes the primary, after asynchronous commits and after `remote_apply`. The ledger is compared with the messages at the relay.
"""

import argparse
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import crash
from tests.support import fleet
from tests.support.postgres import Cluster, cluster
from tests.support.project_folder import ISSUE, Folder
from tests.support.smtp_servers import Sink

LIMIT = 900
"""A measurement fails after this many seconds."""
SENDERS = 4
RECIPIENTS = 6000


@contextmanager
def make_project(store: str, recipients: int, delay: int) -> Iterator[tuple[Folder, Sink]]:
    """Create a project with recipients, and a relay that receives its messages."""
    with (
        crash.open_relay(delay) as (sink, relay),
        tempfile.TemporaryDirectory(prefix="moza-mail-fleet-") as name,
    ):
        here = fleet.make_project(Path(name), store, recipients)
        here.set(relay=relay)
        yield here, sink


@contextmanager
def start_mailing(
    server: Cluster, delay: int
) -> Iterator[tuple[Folder, Sink, list["subprocess.Popen[bytes]"]]]:
    """Start the senders of a mailing, and wait until a third of it is sent."""
    with (
        server.database() as store,
        make_project(store, RECIPIENTS, delay) as (here, sink),
        fleet.run_senders(here, SENDERS) as started,
    ):
        fleet.wait_for(sink, RECIPIENTS // 3, LIMIT)
        yield here, sink, started


def measure_rate(here: Folder, sink: Sink, senders: int, recipients: int) -> float:
    """Return the messages a second between a tenth and nine tenths of the recipients."""
    first, last = recipients // 10, recipients * 9 // 10
    times: list[float] = []
    with fleet.run_senders(here, senders) as started:
        for goal in (first, last):
            fleet.wait_for(sink, goal, LIMIT)
            times.append(time.monotonic())
        fleet.finish(started, LIMIT)
    return (last - first) / (times[1] - times[0])


def describe(here: Folder, sink: Sink, ended: list[tuple[int, str]]) -> str:
    """Describe the outcome of a mailing on one line."""
    verdict = fleet.judge(here, sink, RECIPIENTS)
    return (
        f"exit codes {[code for code, _ in ended]}, in doubt {len(verdict.uncertain)} (of these arrived {len(verdict.delivered)}),"
        f" lost {len(verdict.lost)}, twice {len(verdict.repeated)}, miscounted {len(verdict.miscounted)}"
    )


def measure_rates(given: argparse.Namespace) -> Iterator[str]:
    """Measure the rates of one to eight senders."""
    base = 0.0
    with cluster(fsync=True) as server:
        for senders in (1, 2, 4, 8):
            recipients = given.each * senders
            with server.database() as store, make_project(store, recipients, given.delay) as (here, sink):
                rate = measure_rate(here, sink, senders, recipients)
            base = base or rate
            yield f"{senders} senders: {rate:.0f} messages/s, {rate / base:.2f} times one"


def measure_outage(given: argparse.Namespace) -> Iterator[str]:
    """Stop the database server during a mailing, and start it again."""
    with cluster(fsync=True) as server, start_mailing(server, given.delay) as (here, sink, started):
        server.stop("immediate")
        time.sleep(given.outage)
        server.start()
        yield f"outage of {given.outage:g} s: {describe(here, sink, fleet.finish(started, LIMIT))}"


def measure_hung(given: argparse.Namespace) -> Iterator[str]:
    """Pause one sender, between transactions and in a transaction, until the other senders have ended."""
    for in_transaction in (False, True):
        with cluster(fsync=True) as server, start_mailing(server, given.delay) as (here, sink, started):
            fleet.hang(server, here, started[0], in_transaction=in_transaction)
            ended = fleet.finish(started[1:], LIMIT)
            held = sum(claim["count"] for claim in here.run("status", "--json").json["claims"])
            started[0].send_signal(signal.SIGCONT)
            ended += fleet.finish(started[:1], LIMIT)
            where = "within a transaction" if in_transaction else "between two transactions"
            yield f"a sender hangs {where}: held {held}, {describe(here, sink, ended)}"


def measure_killed(given: argparse.Namespace) -> Iterator[str]:
    """Kill one sender, and measure the time until the others take over its recipients."""
    with cluster(fsync=True) as server, start_mailing(server, given.delay) as (here, sink, started):
        started[0].kill()
        since = time.monotonic()
        ended = fleet.finish(started[:1])
        fleet.wait_until_taken_over(server, here, started[0].pid)
        seconds = time.monotonic() - since
        ended += fleet.finish(started[1:], LIMIT)
        yield f"a sender is killed: taken over after {seconds:.1f} s, {describe(here, sink, ended)}"


def measure_failover(given: argparse.Namespace) -> Iterator[str]:
    """Promote a standby during a mailing, and send again.

    The first standby lags behind the primary. For the second standby, each commit waits.
    """
    for is_synchronous in (False, True):
        with cluster(fsync=True) as primary, fleet.standby_of(primary) as standby:
            if is_synchronous:
                fleet.commit_synchronously(primary)
            store = fleet.url_of_both(primary, standby)
            with (
                make_project(store, RECIPIENTS, given.delay) as (here, sink),
                fleet.run_senders(here, SENDERS) as started,
            ):
                fleet.wait_for(sink, RECIPIENTS // 3, LIMIT)
                if not is_synchronous:
                    fleet.cut_off(standby)
                    time.sleep(given.lag)
                fleet.fail_over(primary, standby)
                ended = fleet.finish(started, LIMIT)
                here.run("send", ISSUE, "--yes")
                kind = "remote_apply" if is_synchronous else f"asynchronous, {given.lag:g} s behind"
                yield f"failover ({kind}): {describe(here, sink, ended)}"
            primary.start()


STEPS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "rates": measure_rates,
    "outage": measure_outage,
    "hung": measure_hung,
    "killed": measure_killed,
    "failover": measure_failover,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", default=",".join(STEPS), help="names of the steps, with commas")
    parser.add_argument("--each", type=int, default=2000, help="recipients for each sender, for the rates")
    parser.add_argument("--delay", type=int, default=20, help="round trip to the relay in ms")
    parser.add_argument("--outage", type=float, default=10, help="seconds without the database")
    parser.add_argument("--lag", type=float, default=1.5, help="seconds by which the standby is behind")
    given = parser.parse_args()
    for step in given.steps.split(","):
        for line in STEPS[step](given):
            print(line, flush=True)


if __name__ == "__main__":
    main()
