"""Measure DKIM signing: `python -m benchmarks.dkim [--recipients 20000] [--rounds 3]`.

Prints four kinds of figures: the signatures per second of `openssl speed rsa2048`; the signatures per second of our own code,
with one thread and with two; the signed messages per second; and a whole `moza-mail send`, with and without an RSA-2048
signature. Each round also runs smtp-source to the same sink. The ledger is SQLite with synchronous=FULL. Figures are medians
with the lowest and highest. A ratio is the median of the ratios of the rounds.
"""

import argparse
import asyncio
import contextlib
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks.compose import Measurement, make_sample
from benchmarks.send import (
    CommandUsage,
    fill_store,
    format_median,
    make_project,
    measure_seconds,
    print_figure,
    send,
)
from benchmarks.transport import smtp_source
from moza_mail import compose
from moza_mail.compose import KeyType, SenderIdentity, generate_key
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Recipient
from tests.support.smtp_servers import smtp_sink

SIGNATURES = 2000
MESSAGES = 500
HEADER = b"x" * 1200


def measure_rate(work: Callable[[int], object], threads: int, rounds: int) -> tuple[float, ...]:
    """Return the calls of `work` per second for each round, added over all threads."""
    with ThreadPoolExecutor(threads) as pool:
        share = [SIGNATURES // threads] * threads
        return tuple(SIGNATURES / measure_seconds(lambda: list(pool.map(work, share))) for _ in range(rounds))


def print_openssl_speed() -> None:
    """Print the RSA-2048 signatures per second of OpenSSL itself, which is the limit for one thread."""
    command = ("openssl", "speed", "-seconds", "2", "rsa2048")
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    print_figure("openssl speed rsa2048, signatures a second", output.splitlines()[-1].split()[-2])


def measure_signatures(rounds: int) -> None:
    listing = MailingList(slug="weekly", title="Weekly", sender=Address.parse("nieuws@example.org"))
    links = compose.SignedLinks(
        secret=b"a secret for measuring only", public_url="https://nieuws.example.org"
    )
    recipients = [
        Recipient(subscriber_id=n, address=Address(local=f"reader{n}", domain="example.com"))
        for n in range(SIGNATURES)
    ]
    for kind in KeyType:
        key = generate_key(kind, domain="example.org", selector="bench")[0]
        compiled = compose.compile_mailing(
            make_sample(), listing, links, identity=SenderIdentity(keys=(key,))
        )

        def sign(count: int, key=key) -> None:
            for _ in range(count):
                key.sign(HEADER)

        def whole(count: int, compiled=compiled) -> None:
            for recipient in recipients[:count]:
                compiled.compose_message(recipient)

        for threads in (1, 2):
            for what, work in (("signatures", sign), ("signed messages", whole)):
                runs = measure_rate(work, threads, rounds)
                print(
                    Measurement(label=f"{kind} {what}, threads: {threads}", unit="a second", runs=runs),
                    flush=True,
                )


def measure_processor_time(rounds: int) -> None:
    """Measure the processor time of one message: unsigned, signed, and signed with a constant signature."""
    listing = MailingList(slug="weekly", title="Weekly", sender=Address.parse("nieuws@example.org"))
    links = compose.SignedLinks(
        secret=b"a secret for measuring only", public_url="https://nieuws.example.org"
    )
    recipient = Recipient(
        subscriber_id=5, address=Address(local="reader", domain="example.com"), name="Jan de Vries"
    )
    key = generate_key(KeyType.RSA, domain="example.org", selector="bench")[0]
    empty = replace(key, sign=lambda _: bytes(256))
    for what, keys in (
        ("unsigned", ()),
        ("signed, without the signature itself", (empty,)),
        ("signed, RSA-2048", (key,)),
    ):
        compiled = compose.compile_mailing(make_sample(), listing, links, identity=SenderIdentity(keys=keys))
        runs = []
        for _ in range(rounds):
            began = time.process_time()
            for _ in range(MESSAGES):
                compiled.compose_message(recipient)
            runs.append((time.process_time() - began) / MESSAGES * 1e6)
        print(Measurement(label=what, unit="us of processor time a message", runs=tuple(runs)), flush=True)


def measure_sends(count: int, rounds: int) -> None:
    """Measure a whole send, signed and unsigned, and smtp-source."""
    source = shutil.which("smtp-source", path="/usr/bin:/usr/sbin")
    signed: list[CommandUsage] = []
    unsigned: list[CommandUsage] = []
    theirs: list[float] = []
    with contextlib.ExitStack() as held:
        filled = (
            Path(held.enter_context(tempfile.TemporaryDirectory(prefix="moza-mail-bench-"))) / "filled.db"
        )
        asyncio.run(fill_store(f"sqlite:///{filled}", count))
        sink = held.enter_context(smtp_sink(keep=False))
        for _ in range(rounds):
            with make_project(filled, relay=sink.relay, dkim_key="key.pem", dkim_selector="bench") as here:
                path = here.path / "key.pem"
                path.touch(mode=0o600)
                path.write_bytes(generate_key(KeyType.RSA, domain="example.org", selector="bench")[1])
                signed.append(send(here))
            with make_project(filled, relay=sink.relay) as here:
                unsigned.append(send(here))
            if source:
                theirs.append(measure_seconds(lambda: smtp_source(source, sink.port, count)))
    for what, runs in (("signed", signed), ("unsigned", unsigned)):
        print_figure(
            f"send of {count:,} {what}, messages a second",
            format_median([count / run.seconds for run in runs]),
        )
        print_figure(
            "  processor time a message, ms", format_median([run.processor / count * 1000 for run in runs])
        )
        print_figure("  resident memory at its highest, MB", format_median([run.resident_mb for run in runs]))
    if theirs:
        print_figure("smtp-source, messages a second", format_median([count / seconds for seconds in theirs]))
        ratios = [seconds / run.seconds for seconds, run in zip(theirs, signed, strict=True)]
        print_figure(
            "signed : smtp-source",
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print_openssl_speed()
    measure_signatures(given.rounds)
    measure_processor_time(given.rounds)
    measure_sends(given.recipients, given.rounds)


if __name__ == "__main__":
    main()
