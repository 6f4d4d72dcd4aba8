"""Measure messages of 30 kB a second to the outbox and to Postfix's smtp-sink, compared with Postfix's own smtp-source.

    python -m benchmarks.transport [MESSAGES]

There is no ledger, so recording intents returns at once. Prints the median of five runs with the lowest and highest, and the
processor time per message. In each round smtp-source, written in C, sends as many messages to the same sink. A second
comparison is with aiosmtplib's `sendmail`, over one connection through a proxy with a round trip of 10 ms.
"""

import asyncio
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiosmtplib

from moza_mail.model.address import Address
from moza_mail.model.message import Envelope, Message
from moza_mail.transport import Limits, Submission, open_transport
from tests.support.smtp_servers import LOOPBACK, await_port, free_port

SENDER = Address(local="weekly", domain="example.org")
BODY = (b"Beste lezer, dit is een regel van een gewone lengte in een nieuwsbrief.=20\r\n" * 400)[:29_800]
RUNS = 5


async def make_submissions(count: int):
    """Yield submissions of 30 kB, each with another recipient."""
    for key in range(count):
        recipient = Address(local=f"reader{key}", domain="example.com")
        yield Submission(
            key=key,
            envelope=Envelope(sender=SENDER, recipient=recipient),
            message=Message(
                content=b"To: <%b>\r\nSubject: Nummer\r\n\r\n%b\r\n" % (str(recipient).encode(), BODY),
                message_id=f"<{key}@example.org>",
                is_smtp_ready=True,
            ),
        )


async def accept_intents(_keys) -> None:
    """Record nothing: there is no ledger."""


async def send(relay: str, count: int, connections: int) -> None:
    transport = open_transport(relay, base=Path(), limits=Limits(connections=connections))
    done = 0
    async for outcomes in transport.send(make_submissions(count), accept_intents):
        assert all(outcome.state == "accepted" for _, outcome in outcomes), outcomes
        done += len(outcomes)
    await transport.close()
    assert done == count


def measure(work: Callable[[], None], count: int) -> tuple[float, float]:
    """Return the messages a second, and the processor time per message in milliseconds."""
    before, start = processor_seconds(), time.perf_counter()
    work()
    return count / (time.perf_counter() - start), (processor_seconds() - before) / count * 1000


def print_rates(
    label: str, runs: list[tuple[float, float]], compared: list[tuple[float, float]] | None = None
) -> None:
    rate, cost = (statistics.median(each) for each in zip(*runs, strict=True))
    lowest, highest = (of(found for found, _ in runs) for of in (min, max))
    spread = f"({lowest:.0f} to {highest:.0f})"
    line = f"{label:34} {rate:7.0f} messages/s {spread:18} {cost:.3f} ms CPU a message"
    if compared:
        other = statistics.median(found for found, _ in compared)
        ratio = statistics.median(
            ours / theirs for (ours, _), (theirs, _) in zip(runs, compared, strict=True)
        )
        line += f"   compared with {other:7.0f}: {ratio:.2f} times"
    print(line)


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def smtp_source(program: str, port: int, count: int) -> None:
    subprocess.run(
        (program, "-s", "10", "-l", "30000", "-m", str(count), "-d", f"{LOOPBACK}:{port}"), check=True
    )


async def send_with_aiosmtplib(port: int, count: int) -> None:
    """Send the same messages with aiosmtplib alone, over one connection."""
    smtp = aiosmtplib.SMTP(hostname=LOOPBACK, port=port, start_tls=False)
    await smtp.connect()
    async for letter in make_submissions(count):
        await smtp.sendmail(str(SENDER), [str(letter.envelope.recipient)], letter.message.content)
    await smtp.quit()


def compare_with_smtp_source(port: int, count: int) -> None:
    source = shutil.which("smtp-source", path="/usr/bin:/usr/sbin")
    for connections in (1, 8, 10):
        ours, theirs = [], []
        for _ in range(RUNS):
            if source:
                theirs.append(measure(lambda: smtp_source(source, port, count), count))
            relay = f"smtp://{LOOPBACK}:{port}"
            ours.append(measure(lambda relay=relay, n=connections: asyncio.run(send(relay, count, n)), count))
        print_rates(f"smtp-sink, {connections} connections", ours, theirs)


def measure_with_delay(port: int, count: int) -> None:
    far = free_port()
    command = (sys.executable, "-m", "benchmarks.delay", str(far), str(port), "0.005")
    with subprocess.Popen(command) as proxy:
        try:
            await_port(far, proxy)
            theirs = [
                measure(lambda: asyncio.run(send_with_aiosmtplib(far, count)), count) for _ in range(RUNS)
            ]
            relay = f"smtp://{LOOPBACK}:{far}"
            ours = [measure(lambda: asyncio.run(send(relay, count, 1)), count) for _ in range(RUNS)]
        finally:
            proxy.terminate()
    print_rates("10 ms away, 1 connection", ours, theirs)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-", dir=".") as folder:
        runs = [
            measure(lambda to=f"outbox:{folder}/{run}": asyncio.run(send(to, count, 1)), count)
            for run in range(RUNS)
        ]
        print_rates("outbox", runs)
    program = shutil.which("smtp-sink", path="/usr/bin:/usr/sbin")
    if program is None:
        print("smtp-sink (Debian: postfix) is not installed")
        return
    port = free_port()
    with subprocess.Popen((program, "-u", "nobody", f"{LOOPBACK}:{port}", "100")) as sink:
        try:
            await_port(port, sink)
            compare_with_smtp_source(port, count)
            measure_with_delay(port, min(count, 500))
        finally:
            sink.terminate()


if __name__ == "__main__":
    main()
