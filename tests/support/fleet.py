"""Several senders of one mailing, and a standby server of their database."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import crash
from tests.support.postgres import LOOPBACK, TEMPLATE, Cluster
from tests.support.project_folder import ISSUE, Folder, folder
from tests.support.smtp_servers import Sink, free_port

LIMIT = 120
"""A test fails if a mailing does not finish in this many seconds."""


@contextlib.contextmanager
def run_senders(project: Folder, count: int, *options: str) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Start several sends of one issue, and end the sends that still run afterwards."""
    with run_commands(project, *[["send", ISSUE, "--yes", *options]] * count) as started:
        yield started


@contextlib.contextmanager
def run_commands(project: Folder, *commands: Sequence[str]) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Start commands, and end the commands that still run afterwards."""
    started = [project.start(*words) for words in commands]
    try:
        yield started
    finally:
        for one in started:
            if one.poll() is None:
                one.kill()
                one.communicate(timeout=60)


def wait_for(sink: Sink, count: int, limit: float = 60) -> None:
    """Wait until the relay has this many messages."""
    end = time.monotonic() + limit
    while crash.count_messages(sink) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def finish(started: list["subprocess.Popen[bytes]"], limit: float = LIMIT) -> list[tuple[int, str]]:
    """Return the exit code and the messages of each sender."""
    ended = [(one.communicate(timeout=limit)[1].decode(), one) for one in started]
    return [(one.returncode, text) for text, one in ended]


def judge(project: Folder, sink: Sink, readers: int) -> crash.Verdict:
    """Compare the states of the mailing with the messages at the relay."""
    crash.wait_until_quiet(sink)
    rows = project.run("status", "--state", "accepted", "--json").json["recipients"]
    audience = frozenset(f"lezer{one}@example.org" for one in range(readers))
    copies = crash.count_complete_messages(sink)
    return crash.judge(audience, copies, [row["address"] for row in rows], crash.list_uncertain(project))


def database_of(project: Folder) -> str:
    return tomllib.loads((project.path / "moza-mail.toml").read_text())["store"].rpartition("/")[2]


def hang(server: Cluster, project: Folder, one: "subprocess.Popen[bytes]", *, in_transaction: bool) -> None:
    """Pause a sender between two transactions, or in a transaction."""
    query = (
        "SELECT a.state FROM senders s JOIN pg_locks l ON l.locktype = 'advisory' AND l.objid = s.id"
        " JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database() WHERE s.process_id = %s"
    )
    wanted = [("idle in transaction" if in_transaction else "idle",)]
    end = time.monotonic() + 30
    while True:
        one.send_signal(signal.SIGSTOP)
        # The server may still be running a statement of the sender.
        time.sleep(0.05)
        if server.query(query, one.pid, database=database_of(project)) == wanted:
            return
        one.send_signal(signal.SIGCONT)
        assert time.monotonic() < end
        time.sleep(0.01)


def wait_until_taken_over(server: Cluster, project: Folder, process_id: int, limit: float = 30) -> None:
    """Wait until other senders have taken over all claims of a process."""
    query = (
        "SELECT count(*) FROM deliveries d JOIN senders s ON s.id = d.sender_id"
        " WHERE s.process_id = %s AND d.state IN ('claimed', 'intent')"
    )
    end = time.monotonic() + limit
    while server.query(query, process_id, database=database_of(project)) != [(0,)]:
        assert time.monotonic() < end
        time.sleep(0.2)


def make_due(project: Folder) -> str:
    """Set the send time of the issue to a minute ago, and return the new beginning of its file."""
    path = project.path / ISSUE
    front = f"---\nsend_at: {datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M}Z\n"
    path.write_text(path.read_text().replace("---\n", front, 1))
    return front


@contextlib.contextmanager
def standby_of(primary: Cluster) -> Iterator[Cluster]:
    """Run a standby that follows the primary."""
    home = Path(tempfile.mkdtemp(prefix="moza-standby-"))
    if primary.account:
        os.chown(home, primary.account["user"], primary.account["group"])
    copy = replace(primary, folder=home, port=free_port())
    try:
        source = f"host={LOOPBACK} port={primary.port} user=moza application_name=standby"
        copy.run("pg_basebackup", "-D", "data", "-R", "-X", "stream", "-c", "fast", "-d", source)
        with (home / "data" / "postgresql.conf").open("a") as file:
            file.write(f"port = {copy.port}\nunix_socket_directories = '{home}'\n")
        copy.start()
        try:
            yield copy
        finally:
            copy.stop("immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def url_of_both(primary: Cluster, standby: Cluster) -> str:
    """Return a URL with both servers. A client connects to the one that is the primary."""
    hosts = f"{LOOPBACK}:{primary.port},{LOOPBACK}:{standby.port}"
    return f"postgresql://moza@{hosts}/{TEMPLATE}?target_session_attrs=read-write"


def make_project(path: Path, store: str, readers: int) -> Folder:
    """Create a project folder with a store and readers. Each sender has two connections to the relay."""
    made = folder(path)
    made.set(store=store, connections=2)
    made.add_readers(readers)
    return made


def commit_synchronously(primary: Cluster) -> None:
    """Let each commit wait until a standby has applied it."""
    primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.query("ALTER SYSTEM SET synchronous_commit = remote_apply")
    primary.query("SELECT pg_reload_conf()")


def wait_until_applied(primary: Cluster, standby: Cluster) -> None:
    """Wait until the standby has applied what the primary has committed."""
    ((written,),) = primary.query("SELECT pg_current_wal_lsn()")
    end = time.monotonic() + 30
    while standby.query("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written) != [(True,)]:
        assert time.monotonic() < end
        time.sleep(0.05)


def cut_off(standby: Cluster) -> None:
    """Stop the replication to the standby, as a broken network does."""
    standby.query("ALTER SYSTEM SET primary_conninfo = ''")
    standby.query("SELECT pg_reload_conf()")


def fail_over(primary: Cluster, standby: Cluster) -> None:
    """Crash the primary, and promote the standby."""
    primary.stop("immediate")
    standby.run("pg_ctl", "promote", "-w", "-D", "data")
