"""Stop sends at random moments as a person or the system does, and count uncertain recipients: `python -m benchmarks.signals`.

Each send runs in a terminal of its own. The relay answers the end of each message after one second or more, so that every stop
finds messages that wait for their reply. One mailing is stopped several times, and continued each time by the same command.
The exit code is 1 if a recipient is lost, repeated or uncertain. The same seed stops after the same delays, but other work on
the machine changes how far the mailing is by then.
"""

import argparse
import os
import pty
import random
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import crash
from tests.support.project_folder import ISSUE, Folder
from tests.support.smtp_servers import Sink, smtp_sink

# The relay replies to the end of a message after 1, 2, 3 ... seconds, and to three of ten messages after more than one second.
# Pipelining is off (-p), because smtp-sink answers pipelined commands before the delayed reply. benchmarks.crash stops sends
# with pipelining.
DELAY = ("-p", "-W", ".:1:30")
CTRL_C = b"\x03"
TIMEOUT = 60


class Terminal:
    """A `send` that runs in a pseudo-terminal. This process holds the other end of the terminal."""

    def __init__(self, here: Folder) -> None:
        self._master, slave = pty.openpty()
        command = here.command("send", ISSUE, "--yes") | {"stdin": slave}
        # setsid makes this terminal the controlling terminal, so that Ctrl-C and a hang-up reach the process.
        command["args"] = [str(shutil.which("setsid")), "--ctty", *command["args"]]
        self._process = subprocess.Popen(**command, stdout=slave, stderr=slave)
        os.close(slave)
        self._is_open = True
        threading.Thread(target=self._discard_output, daemon=True).start()
        self.pid = self._process.pid

    def _discard_output(self) -> None:
        with suppress(OSError):
            while os.read(self._master, 4096):
                pass

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def close(self) -> None:
        """Close the terminal, as closing its window does."""
        if self._is_open:
            self._is_open = False
            os.close(self._master)

    def wait(self) -> int:
        """Return the exit code."""
        return self._process.wait(timeout=TIMEOUT)


class Tmux:
    """A `send` that runs in a tmux session with its own tmux server. Its exit code is not known."""

    def __init__(self, here: Folder) -> None:
        self._base = ["tmux", "-L", f"moza-mail-{os.getpid()}", "-f", os.devnull]
        command = here.command("send", ISSUE, "--yes")
        line = f"exec {shlex.join(command['args'])}"
        subprocess.run(
            [*self._base, "new-session", "-d", "-s", "send", line],
            cwd=here.path,
            env=command["env"] | {"TERM": "screen"},
            check=True,
        )
        self.pid = int(self._run("list-panes", "-t", "send", "-F", "#{pane_pid}"))

    def _run(self, *arguments: str) -> str:
        return subprocess.run([*self._base, *arguments], capture_output=True, text=True, check=False).stdout

    def close(self) -> None:
        self._run("kill-session", "-t", "send")

    def wait(self) -> None:
        until = time.monotonic() + TIMEOUT
        while is_running(self.pid):
            if time.monotonic() > until:
                raise SystemExit("the send in tmux does not end")
            time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One way to stop a send, and the exit code that it should give."""

    name: str
    start: Callable[[Folder], Terminal | Tmux]
    stop: Callable[[Terminal | Tmux], None]
    code: int | None


def kill(number: signal.Signals) -> Callable[[Terminal | Tmux], None]:
    return lambda running: os.kill(running.pid, number)


STOPS = (
    Stop(name="SIGHUP", start=Terminal, stop=kill(signal.SIGHUP), code=129),
    Stop(name="SIGTERM", start=Terminal, stop=kill(signal.SIGTERM), code=143),
    Stop(name="Ctrl-C", start=Terminal, stop=lambda running: running.type(CTRL_C), code=130),
    Stop(name="closed terminal", start=Terminal, stop=lambda running: running.close(), code=129),
    Stop(name="tmux kill-session", start=Tmux, stop=lambda running: running.close(), code=None),
)


@dataclass(kw_only=True)
class Series:
    """The results of one way to stop."""

    stop: Stop
    uncertain: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    codes: list[int | None] = field(default_factory=list)
    verdicts: list[crash.Verdict] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        return (
            not any(self.uncertain)
            and not any(one.broken or one.uncertain for one in self.verdicts)
            and set(self.codes) <= {self.stop.code}
        )

    def __str__(self) -> str:
        cells = [
            self.stop.name,
            len(self.uncertain),
            len(self.verdicts),
            *(sum(len(getattr(one, name)) for one in self.verdicts) for name in ("lost", "repeated")),
            sum(self.uncertain),
            f"{statistics.median(self.seconds):.1f} s ({min(self.seconds):.1f} to {max(self.seconds):.1f})",
            ", ".join(sorted({"not known" if one is None else str(one) for one in self.codes})),
            "kept" if self.is_kept else "BROKEN",
        ]
        return f"| {' | '.join(map(str, cells))} |"


HEAD = ["stop", "stops", "mailings", "lost", "repeated", "in doubt", "time to end", "exit code", "promise"]


def stop_send(here: Folder, sink: Sink, series: Series, chance: random.Random, left: int) -> bool:
    """Start a send and stop it at a random moment. Return False if it had already ended."""
    known = len(crash.list_uncertain(here))
    goal = crash.count_messages(sink) + chance.randint(1, max(left // 2, 1))
    running = series.stop.start(here)
    until = time.monotonic() + TIMEOUT
    while is_running(running.pid) and crash.count_messages(sink) < goal and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 0.5))
    if not is_running(running.pid):
        running.close()
        return False
    begin = time.monotonic()
    series.stop.stop(running)
    series.codes.append(running.wait())
    series.seconds.append(time.monotonic() - begin)
    running.close()
    series.uncertain.append(len(crash.list_uncertain(here)) - known)
    return True


def run_mailing(series: Series, stops: int, recipients: int, chance: random.Random) -> None:
    """Stop one mailing up to `stops` times, finish it, and compare the ledger with the relay."""
    audience = frozenset(f"lezer{one}@example.org" for one in range(recipients))
    with crash.make_project(recipients) as here, smtp_sink(*DELAY) as sink:
        here.set(relay=sink.relay)
        for _ in range(stops):
            if not stop_send(here, sink, series, chance, recipients - crash.count_messages(sink)):
                break
        crash.finish_mailing(here)
        crash.wait_until_quiet(sink)
        copies = crash.count_complete_messages(sink)
        rows = here.run("status", "--state", "accepted", "--json").json["recipients"]
        accepted = [row["address"] for row in rows]
        series.verdicts.append(crash.judge(audience, copies, accepted, crash.list_uncertain(here)))


def run_all(given: argparse.Namespace) -> Iterator[Series]:
    """Run each way to stop in turn; tmux only if it is installed."""
    for stop in STOPS:
        if stop.start is Tmux and not shutil.which("tmux"):
            print("tmux is not installed", file=sys.stderr)
            continue
        chance = random.Random(f"{given.seed} {stop.name}")
        series = Series(stop=stop)
        while (left := given.stops - len(series.uncertain)) > 0:
            run_mailing(series, min(left, given.each), given.recipients, chance)
        yield series


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipients", type=int, default=120)
    parser.add_argument("--stops", type=int, default=10, help="number of stops of each kind")
    parser.add_argument("--each", type=int, default=5, help="maximum number of stops in one mailing")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    # A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP. Every send would inherit the ignored signals.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    print(f"{given.recipients} recipients in a mailing, {crash.CONNECTIONS} connections, seed {given.seed}")
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}", flush=True)
    is_kept = True
    for series in run_all(given):
        is_kept = is_kept and series.is_kept
        print(series, flush=True)
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
