"""Measure several senders on one PostgreSQL server: `python -m benchmarks.fleet`.

Each sender has two connections to a relay behind a round trip. The server syncs to disk. Then the server is stopped for some
seconds in mid-mailing, and the recipients in doubt are counted; the messages at the relay are the truth.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import crash
from tests.support import fleet
from tests.support.postgres import Cluster, cluster
from tests.support.project_folder import Folder
from tests.support.smtp_servers import Sink

LIMIT = 900
"""Seconds after which a measurement is given up."""


@contextmanager
def make_project(server: Cluster, recipients: int, relay: str) -> Iterator[Folder]:
    """Create a project with a database of its own."""
    with server.database() as url, tempfile.TemporaryDirectory(prefix="moza-mail-fleet-") as name:
        here = fleet.make_project(Path(name), url, recipients)
        here.set(relay=relay)
        yield here


def measure_rate(here: Folder, sink: Sink, senders: int, recipients: int) -> float:
    """Return the messages a second between a tenth and nine tenths of the recipients."""
    first, last = recipients // 10, recipients * 9 // 10
    times: list[float] = []
    end = time.monotonic() + LIMIT
    with fleet.run_senders(here, senders) as started:
        for goal in (first, last):
            while crash.count_messages(sink) < goal:
                if time.monotonic() > end:
                    raise SystemExit("the mailing does not finish")
                time.sleep(0.02)
            times.append(time.monotonic())
        for one in started:
            one.communicate(timeout=LIMIT)
    return (last - first) / (times[1] - times[0])


def measure_outage(here: Folder, sink: Sink, server: Cluster, seconds: float, recipients: int) -> str:
    """Stop the server in mid-mailing, and describe what became of the mailing of four senders."""
    end = time.monotonic() + LIMIT
    with fleet.run_senders(here, 4) as started:
        while crash.count_messages(sink) < recipients // 3 and time.monotonic() < end:
            time.sleep(0.02)
        server.stop("immediate")
        time.sleep(seconds)
        server.start()
        codes = [one.communicate(timeout=LIMIT) and one.returncode for one in started]
    verdict = fleet.judge(here, sink, recipients)
    return f"exit codes {codes}, in doubt {len(verdict.uncertain)}, lost {len(verdict.lost)}, twice {len(verdict.repeated)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=2000, help="recipients for each sender")
    parser.add_argument("--delay", type=int, default=20, help="round trip to the relay in ms")
    parser.add_argument("--outage", type=float, default=10, help="seconds without the database")
    given = parser.parse_args()
    with cluster(fsync=True) as server:
        base = 0.0
        for senders in (1, 2, 4, 8):
            with crash.open_relay(given.delay) as (sink, relay):
                recipients = given.each * senders
                with make_project(server, recipients, relay) as here:
                    rate = measure_rate(here, sink, senders, recipients)
            base = base or rate
            print(f"{senders} senders: {rate:.0f} messages/s, {rate / base:.2f} times one", flush=True)
        with crash.open_relay(given.delay) as (sink, relay), make_project(server, 6000, relay) as here:
            print(f"outage of {given.outage:g} s: {measure_outage(here, sink, server, given.outage, 6000)}")


if __name__ == "__main__":
    main()
