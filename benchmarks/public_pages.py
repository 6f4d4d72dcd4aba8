"""Measure the public pages: one-click unsubscribing and sign-ups by fifty clients, while a mailing is being sent.

    python -m benchmarks.public_pages [--requests 5000] [--rounds 3] [--kills 3]

The server is `moza-mail serve` in its own process, with SQLite and synchronous=FULL. Meanwhile `moza-mail send` mails the same
list to smtp-sink from the same store. The fifty clients are one process with plain sockets, because a client library would
cost more than the server. Each client keeps its connection and waits for a response before its next request. Afterwards the
benchmark checks in the store that every request with response 200 took effect. With `--kills` the server is killed halfway.
"""

import argparse
import contextlib
import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.send import STORE, fill_store, format_median, print_figure
from moza_mail.web.public import forms
from tests.support.http_load import (
    CLIENTS,
    LoadResult,
    count_lost,
    make_post,
    make_unsubscribe_requests,
    run_load,
)
from tests.support.project_folder import ISSUE
from tests.support.public_site import Site, project, serve_site
from tests.support.smtp_servers import smtp_sink


def make_sign_ups(site: Site, numbers: range) -> list[bytes]:
    """Return sign-up requests whose forms were opened ten seconds ago, each from another network."""
    with site.client() as web:
        hidden = site.hidden(web.get("/lists/weekly").text)
    earlier = datetime.now(UTC) - timedelta(seconds=10)
    return [
        make_post(
            site,
            f"{site.url}/lists/weekly",
            urlencode(
                {
                    **hidden,
                    "form": forms.make_stamp(site.links, "weekly", earlier),
                    "email": f"nieuw{number}@example.org",
                    "name": "Zoë",
                }
            ).encode(),
            f"X-Forwarded-For: {10 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.1",
        )
        for number in numbers
    ]


@contextlib.contextmanager
def send_in_background(site: Site) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `send` to the whole list in the background, and wait until it has sent a message."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(**site.folder.command("send", ISSUE, "--yes"), **quiet) as process:
        try:
            for _ in range(600):
                time.sleep(0.1)
                with contextlib.closing(sqlite3.connect(site.folder.path / STORE)) as store:
                    if store.execute("SELECT count(*) FROM deliveries WHERE state = 'accepted'").fetchone()[
                        0
                    ]:
                        break
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def serve_filled_project(subscribers: int, relay: str) -> Iterator[Site]:
    """Serve a project with this many subscribers."""
    import asyncio

    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
        here = project(Path(name))
        asyncio.run(fill_store(f"sqlite:///{here.path / STORE}", subscribers))
        here.set(relay=relay, connections=10)
        with serve_site(here) as site:
            yield site


def print_load(what: str, target: str, rounds: Sequence[LoadResult]) -> None:
    print_figure(
        f"{what} a second, {CLIENTS} clients ({target})", format_median([one.rate for one in rounds])
    )
    print_figure("  median response time, ms", format_median([one.percentile(0.5) for one in rounds], 1))
    print_figure("  99th percentile, ms (<= 150)", format_median([one.percentile(0.99) for one in rounds], 1))
    each = [one.processor / len(one.statuses) * 1000 for one in rounds]
    print_figure("  processor time of the server per request, ms", format_median(each, 3))
    print_figure("  the slowest, ms", format_median([max(one.seconds) * 1000 for one in rounds], 1))
    other = sum(status not in {200, 303} for one in rounds for status in one.statuses.values())
    print_figure("  failed requests (0)", str(other))


def measure(requests: int, rounds: int, subscribers: int) -> None:
    """Measure unsubscribing and sign-ups, with and without a mailing in progress."""
    with smtp_sink(keep=False) as sink, serve_filled_project(subscribers, sink.relay) as site:
        first, alone, during_send, missing = 1, [], [], 0
        for _ in range(rounds):
            alone.append(run_load(site, make_unsubscribe_requests(site, range(first, first + requests))))
            missing += count_lost(site, first, alone[-1])
            first += requests
        print_load("one-click unsubscribes", "alone", alone)
        joined = [
            run_load(site, make_sign_ups(site, range(n * requests, (n + 1) * requests)))
            for n in range(rounds)
        ]
        print_load("sign-ups", ">= 200, alone", joined)
        with send_in_background(site) as process:
            for _ in range(rounds):
                during_send.append(
                    run_load(site, make_unsubscribe_requests(site, range(first, first + requests)))
                )
                missing += count_lost(site, first, during_send[-1])
                first += requests
            print_load("one-click unsubscribes during a send", ">= 500", during_send)
            n = rounds
            joined = [
                run_load(site, make_sign_ups(site, range((n + k) * requests, (n + k + 1) * requests)))
                for k in range(rounds)
            ]
            print_load("sign-ups during a send", ">= 200", joined)
            print_figure("the send was still running at the end", str(process.poll() is None))
        print_figure("responses 200 that are not in the store (0)", str(missing))


def measure_kills(requests: int, kills: int) -> None:
    """Kill the server in the middle of the load, and check that each confirmed request is in the store."""
    confirmed, missing = 0, 0
    for kill in range(kills):
        with serve_filled_project(requests, "outbox:outbox") as site:
            at = requests * (kill + 1) // (kills + 1)

            def until(answers: int, site: Site = site, at: int = at) -> bool:
                if answers == at and site.process.poll() is None:
                    site.process.kill()
                return True

            answers = run_load(site, make_unsubscribe_requests(site, range(1, requests + 1)), until)
            site.process.wait()
            confirmed += len(answers.statuses)
            missing += count_lost(site, 1, answers)
    print_figure(f"kill -9 halfway, {kills} times: responses 200", str(confirmed))
    print_figure("  of these not in the store (0)", str(missing))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=5000, help="requests of each kind in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=3)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
    if given.rounds:
        measure(given.requests, given.rounds, max(given.subscribers, 2 * given.rounds * given.requests))
    if given.kills:
        measure_kills(given.requests, given.kills)


if __name__ == "__main__":
    main()
