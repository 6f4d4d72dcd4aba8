"""How many messages of 30 kB a second go to the outbox, and to Postfix's smtp-sink over 1, 4 and 8 connections.

    python -m benchmarks.transport [MESSAGES]

No ledger: `intend` returns at once. The median of three runs is printed, and the client's processor time a message.
"""

import asyncio
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from moza_mail.model.address import Address
from moza_mail.model.message import Envelope, Message
from moza_mail.transport import Limits, Submission, open_transport
from tests.servers import await_port, free_port

SENDER = Address(local="weekly", domain="example.org")
BODY = (b"Beste lezer, dit is een regel van een gewone lengte in een nieuwsbrief.=20\r\n" * 400)[:29_800]
RUNS = 3


async def letters(count: int):
    """Submissions of 30 kB, each different in its head."""
    for key in range(count):
        recipient = Address(local=f"reader{key}", domain="example.com")
        yield Submission(
            key=key,
            envelope=Envelope(sender=SENDER, recipient=recipient),
            message=Message(
                content=b"To: <%b>\r\nSubject: Nummer\r\n\r\n%b\r\n" % (str(recipient).encode(), BODY),
                message_id=f"<{key}@example.org>",
                canonical=True,
            ),
        )


async def intend(_keys) -> None:
    """Nothing to note."""


async def send(relay: str, count: int, connections: int) -> None:
    transport = open_transport(relay, base=Path(), limits=Limits(connections=connections))
    done = 0
    async for outcomes in transport.send(letters(count), intend):
        assert all(outcome.state == "accepted" for _, outcome in outcomes), outcomes
        done += len(outcomes)
    await transport.close()
    assert done == count


def measure(label: str, runs: list[tuple[str, int]], count: int) -> None:
    rates, costs = [], []
    for relay, connections in runs:
        before, start = cpu(), time.perf_counter()
        asyncio.run(send(relay, count, connections))
        rates.append(count / (time.perf_counter() - start))
        costs.append((cpu() - before) / count * 1000)
    print(
        f"{label:28} {statistics.median(rates):7.0f} messages/s   {statistics.median(costs):.3f} ms CPU a message"
    )


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with tempfile.TemporaryDirectory(prefix="moza-mail-bench-", dir=".") as folder:
        measure("outbox", [(f"outbox:{folder}/{run}", 1) for run in range(RUNS)], count)
    program = shutil.which("smtp-sink", path="/usr/bin:/usr/sbin")
    if program is None:
        print("smtp-sink (Debian: postfix) is not installed")
        return
    port = free_port()
    with subprocess.Popen((program, "-u", "nobody", f"127.0.0.1:{port}", "100")) as sink:
        try:
            await_port(port, sink)
            for connections in (1, 4, 8):
                relay = f"smtp://127.0.0.1:{port}"
                measure(f"smtp-sink, {connections} connections", [(relay, connections)] * RUNS, count)
        finally:
            sink.terminate()


if __name__ == "__main__":
    main()
