"""Restart the relay during sign-ups and count who got a mail, and when: `python -m benchmarks.relay_restarts`.

    python -m benchmarks.relay_restarts [--restarts 10] [--seed 1]

People sign up at `moza-mail serve` in its own process, which mails their confirmations to smtp-sink. The relay is ended at random
moments, also between the end of a message and its reply, and started again after some seconds. Each newcomer must have one mail
within 60 seconds of the relay's last start, or be listed as uncertain, and nobody may have two. Otherwise the exit code is 1.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.send import print_figure
from tests.support.public_site import Site, project, serve_site
from tests.support.smtp_servers import Sink, free_port, smtp_sink

LIMIT = 60.0


@dataclass(kw_only=True)
class Newcomers:
    """People who signed up, and the number of mails that the relay has for each.

    uncertain: the addresses that `confirmations --uncertain` lists.
    seconds: the time between the relay's last start and the last mail.
    """

    addresses: list[str] = field(default_factory=list)
    mails: Counter[str] = field(default_factory=Counter)
    uncertain: frozenset[str] = frozenset()
    seconds: float = 0.0

    @property
    def lost(self) -> list[str]:
        return [one for one in self.addresses if not self.mails[one] and one not in self.uncertain]

    @property
    def repeated(self) -> list[str]:
        return [one for one, count in self.mails.items() if count > 1]


def sign_up(site: Site, newcomers: Newcomers, count: int) -> None:
    with site.client() as web:
        for _ in range(count):
            address = f"nieuw{len(newcomers.addresses):04}@example.org"
            assert web.post("/lists/weekly", data=site.form(email=address)).status_code == 303
            newcomers.addresses.append(address)


@contextmanager
def running_relay(port: int, newcomers: Newcomers) -> Iterator[Sink]:
    """Run a relay that replies to each message after a second, and count its mails when it ends."""
    with smtp_sink("-w", "1", port=port) as sink:
        yield sink
        newcomers.mails.update({reader: len(mails) for reader, mails in sink.received().items()})


def list_uncertain(site: Site) -> frozenset[str]:
    return frozenset(row["address"] for row in site.folder.run("confirmations", "--uncertain", "--json").json)


def restart_relay(folder: Path, restarts: int, chance: random.Random) -> Newcomers:
    """Serve a project while its relay is restarted, and return the newcomers with their mails."""
    here, port, newcomers = project(folder), free_port(), Newcomers()
    here.set(relay=f"smtp://127.0.0.1:{port}", sign_up_rate="100000/h")
    with serve_site(here) as site:
        for _ in range(restarts):
            with running_relay(port, newcomers):
                sign_up(site, newcomers, chance.randint(1, 4))
                time.sleep(chance.uniform(0.0, 4.0))
            sign_up(site, newcomers, chance.randint(1, 3))
            time.sleep(chance.uniform(0.0, 3.0))
        with running_relay(port, newcomers) as sink:
            began, before = time.monotonic(), newcomers.mails.copy()
            while time.monotonic() < began + LIMIT:
                newcomers.mails = before + Counter(
                    {reader: len(mails) for reader, mails in sink.received().items()}
                )
                newcomers.uncertain = list_uncertain(site)
                if not newcomers.lost:
                    break
                time.sleep(0.2)
            newcomers.seconds = time.monotonic() - began
            # A wrongly repeated mail would arrive in this time.
            time.sleep(3)
            newcomers.mails = before
    return newcomers


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
        found = restart_relay(Path(name), given.restarts, random.Random(given.seed))
    print_figure(f"newcomers during {given.restarts} restarts of the relay", str(len(found.addresses)))
    print_figure("  with one mail", str(sum(found.mails[one] == 1 for one in found.addresses)))
    print_figure("  listed as uncertain, with a mail or without", str(len(found.uncertain)))
    print_figure("  with no mail and not listed (0)", str(len(found.lost)))
    print_figure("  with two mails (0)", str(len(found.repeated)))
    print_figure("  seconds from the relay's last return to the last mail (<= 60)", f"{found.seconds:.1f}")
    return 1 if found.lost or found.repeated else 0


if __name__ == "__main__":
    sys.exit(main())
