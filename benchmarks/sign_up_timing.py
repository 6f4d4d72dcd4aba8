"""Measure whether the time of a response to a sign-up shows who is on the list.

    python -m benchmarks.sign_up_timing [--probes 200] [--seed 1] [--no-postgres]

The server is `moza-mail serve` in its own process, on SQLite and on PostgreSQL. Addresses of five kinds sign up, one request at a
time and in random order: subscribed, unknown, unsubscribed, suppressed and erased. Each address is used once, with the form of the
sign-up page and with the form for "send the mail once more". Two kinds must not differ more than two random halves of one kind. So the
probes of each kind are split into random halves 300 times. The figures are the largest difference between two kinds, and the
difference that 99 % of the halves do not reach. Both come from the same number of comparisons.
"""

import argparse
import asyncio
import contextlib
import http.client
import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.send import print_figure
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.project import find_project
from moza_mail.store import erasure, open_store
from moza_mail.web.public import forms
from moza_mail.web.public.forms import StampKind
from tests.support import postgres
from tests.support.project_folder import Folder
from tests.support.public_site import Site, project, serve_site

KINDS = ("subscribed", "unknown", "unsubscribed", "suppressed", "erased")
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
Seconds = dict[str, list[float]]


def address_of(kind: str, number: int) -> str:
    return f"{kind}{number:05}@example.org"


def fill(here: Folder, probes: int) -> None:
    """Add people of each kind to the project."""
    for kind in KINDS:
        if kind == "unknown":
            continue
        path = people_file(here, kind)
        path.write_text("email\n" + "".join(f"{address_of(kind, number)}\n" for number in range(probes)))
        run(here, "import", str(path), "--consent", "A made-up consent", "--yes", "--list", "weekly")
    run(here, "unsubscribe", "--file", str(people_file(here, "unsubscribed")), "--list", "weekly", "--yes")
    run(here, "suppress", "--file", str(people_file(here, "suppressed")), "--evidence", "asked", "--yes")
    asyncio.run(erase(here, [Address.parse(address_of("erased", number)) for number in range(probes)]))


async def erase(here: Folder, addresses: Sequence[Address]) -> None:
    """Erase people without searching the database files, because a search takes a second per person."""
    found = find_project(here.path)
    hasher = AddressHasher(secret=found.read_secret())
    store = await open_store(found.store_url(), actor="bench", hasher=hasher)
    for address in addresses:
        await store.transactions.write(erasure.erase, address, datetime.now(UTC))
    await store.close()


def people_file(here: Folder, kind: str) -> Path:
    # A name such as `unsubscribed.csv` would mean that these people have left.
    return here.path / f"people-{KINDS.index(kind)}.csv"


def run(here: Folder, *arguments: str) -> None:
    done = here.run("subscribers", *arguments)
    assert done.code == 0, done.err


def probe(site: Site, probes: range, shuffle: random.Random, kind_of_form: StampKind) -> Seconds:
    """Return the seconds of each response by kind of address. Every response must be the same redirect."""
    with site.client() as web:
        hidden = site.hidden(web.get("/lists/weekly").text)
    host, port = site.address
    line = http.client.HTTPConnection(host, port, timeout=30)
    seconds: Seconds = {kind: [] for kind in KINDS}
    turns = [(kind, number) for kind in KINDS for number in probes]
    shuffle.shuffle(turns)
    for kind, number in turns:
        earlier = datetime.now(UTC) - timedelta(minutes=6)
        stamp = forms.make_stamp(site.links, "weekly", earlier, kind_of_form)
        body = urlencode({**hidden, "form": stamp, "email": address_of(kind, number), "name": "Zoë"})
        began = time.perf_counter()
        line.request("POST", "/lists/weekly", body, FORM_HEADERS)
        response = line.getresponse()
        response.read()
        seconds[kind].append(time.perf_counter() - began)
        assert response.status == 303, response.status
    return seconds


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def difference(
    one: Sequence[float], other: Sequence[float], figure: Callable[[Sequence[float]], float]
) -> float:
    return abs(figure(one) - figure(other))


def find_steps(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the Kolmogorov-Smirnov distance: the largest difference between two distributions, from 0 to 1."""
    marks = sorted([(value, 1 / len(one)) for value in one] + [(value, -1 / len(other)) for value in other])
    return max(abs(total) for total in itertools.accumulate(step for _, step in marks))


def compare(seconds: Mapping[str, Sequence[float]], shuffle: random.Random) -> None:
    """Print the differences between kinds, and between halves of one kind."""
    for kind, values in seconds.items():
        shown = [f"{percentile(values, share) * 1000:.2f}" for share in (0.1, 0.5, 0.9)]
        print_figure(f"  {kind}: 10 %, median, 90 %, ms", ", ".join(shown))
    pairs = list(itertools.combinations(seconds.values(), 2))
    for what, measure, places in (
        ("medians, ms", lambda one, other: 1000 * difference(one, other, statistics.median), 3),
        ("distributions (KS distance)", find_steps, 3),
    ):
        largest = max(measure(one, other) for one, other in pairs)
        halves = []
        # Each repetition compares as many halves as there are pairs of kinds, and keeps the largest difference.
        for _ in range(300):
            values = [list(one) for one in seconds.values()]
            for one in values:
                shuffle.shuffle(one)
            sides = [(one[: len(one) // 2], one[len(one) // 2 :]) for one in values]
            halves.append(max(measure(*shuffle.choice(sides)) for _ in pairs))
        print_figure(f"  largest difference between the {what} of two kinds", f"{largest:.{places}f}")
        typical, high = statistics.median(halves), percentile(halves, 0.99)
        print_figure(
            "    of two halves of one kind: median, 99 %", f"{typical:.{places}f}, {high:.{places}f}"
        )


@contextlib.contextmanager
def serve_project(store: str, probes: int) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
        here = project(Path(name))
        if store:
            here.set(store=store)
        here.set(sign_up_rate="1000000/h")
        fill(here, probes)
        with serve_site(here) as site:
            yield site


def measure(store: str, probes: int, seed: int) -> None:
    with serve_project(store, 3 * probes) as site:
        shuffle = random.Random(seed)
        # The first requests take longer, so they are not measured.
        probe(site, range(probes), shuffle, StampKind.OPENED)
        for what, first, kind in (
            ("sign-up form", probes, StampKind.OPENED),
            ("send the mail once more", 2 * probes, StampKind.RESEND),
        ):
            print(f"{what}: {probes} probes of each kind, {'PostgreSQL' if store else 'SQLite'}", flush=True)
            compare(probe(site, range(first, first + probes), shuffle, kind), shuffle)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-postgres", action="store_true", help="measure SQLite only")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, seed {given.seed}", flush=True)
    measure("", given.probes, given.seed)
    if not given.no_postgres and postgres.find_programs():
        with postgres.cluster() as server, server.database() as store:
            measure(store, given.probes, given.seed)


if __name__ == "__main__":
    main()
