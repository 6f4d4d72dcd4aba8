"""A PostgreSQL primary that dies in mid-mailing, and its standby that is promoted."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import crash
from tests.end_to_end.test_fleet import finish, senders, wait_for
from tests.support.postgres import LOOPBACK, TEMPLATE, Cluster, cluster
from tests.support.project_folder import Folder, folder
from tests.support.smtp_servers import free_port

READERS = 1500


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


def make_project(primary: Cluster, path: Path, standby: Cluster) -> Folder:
    made = folder(path)
    hosts = f"{LOOPBACK}:{primary.port},{LOOPBACK}:{standby.port}"
    made.set(
        store=f"postgresql://moza@{hosts}/{TEMPLATE}?target_session_attrs=read-write",
        connections=2,
    )
    made.add_readers(READERS)
    return made


def judge(project: Folder, sink: crash.Sink) -> crash.Verdict:
    crash.wait_until_quiet(sink)
    rows = project.run("status", "--state", "accepted", "--json").json["recipients"]
    audience = frozenset(f"lezer{one}@example.org" for one in range(READERS))
    copies = crash.count_complete_messages(sink)
    return crash.judge(audience, copies, [row["address"] for row in rows], crash.list_uncertain(project))


def fail_over(primary: Cluster, standby: Cluster) -> None:
    primary.stop("immediate")
    standby.run("pg_ctl", "promote", "-w", "-D", "data")


@pytest.fixture
def primary():
    with cluster() as made:
        yield made
        with contextlib.suppress(AssertionError):
            made.start()


def test_after_a_failover_without_loss_nobody_is_mailed_twice(primary, tmp_path):
    with standby_of(primary) as standby, crash.open_relay(20) as (sink, relay):
        primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.query("ALTER SYSTEM SET synchronous_commit = remote_apply")
        primary.query("SELECT pg_reload_conf()")
        project = make_project(primary, tmp_path, standby)
        project.set(relay=relay)
        with senders(project, 2) as started:
            wait_for(sink, 300)
            fail_over(primary, standby)
            ended = finish(started)
        assert not any("Warning" in text for _, text in ended)
        if any(code for code, _ in ended):
            project.run("send", "issues/2026-01-14.md", "--yes")
        verdict = judge(project, sink)
    assert not verdict.broken, (verdict, ended)
    assert len(verdict.uncertain) <= 2 * 16


def test_after_a_failover_with_loss_the_recipients_around_it_are_uncertain(primary, tmp_path):
    with standby_of(primary) as standby, crash.open_relay(20) as (sink, relay):
        project = make_project(primary, tmp_path, standby)
        project.set(relay=relay)
        with senders(project, 2) as started:
            wait_for(sink, 300)
            # The standby receives nothing more, as on a network that is slow.
            standby.query("ALTER SYSTEM SET primary_conninfo = ''")
            standby.query("SELECT pg_reload_conf()")
            time.sleep(1.5)
            fail_over(primary, standby)
            ended = finish(started)
        assert sum("does not commit synchronously" in text for _, text in ended) == 1
        assert [code for code, _ in ended] == [3, 3], ended
        assert all("may lack what was recorded before" in text for _, text in ended)
        again = project.run("send", "issues/2026-01-14.md", "--yes")
        verdict = judge(project, sink)
    assert again.code == 3
    assert not verdict.repeated, (len(verdict.repeated), ended)
    assert not verdict.broken
    assert verdict.delivered
