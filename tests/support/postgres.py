"""A temporary PostgreSQL server: its files are in a temporary folder, its port on loopback."""

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from moza_mail.store import open_store
from tests.support.real_parts import require

LOOPBACK = "127.0.0.1"
TEMPLATE = "template_moza"
PASSWORD_ROLE = "guarded"
"""A role that logs in with the password `secret`. Other roles need no password."""


def find_programs() -> Path | None:
    """Return the folder with Debian's programs of the newest version, None if PostgreSQL is missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass(kw_only=True)
class Cluster:
    """A running server with the superuser `moza`."""

    programs: Path
    folder: Path
    port: int
    account: dict[str, object]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str, role: str = "moza") -> str:
        return f"postgresql://{role}@{LOOPBACK}:{self.port}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self.account,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        self.run("pg_ctl", "start", "-w", "-s", "-D", "data", "-l", str(self.folder / "log"))

    def stop(self, how: str = "fast") -> None:
        """Stop the server; `immediate` simulates a crash."""
        self.run("pg_ctl", "stop", "-w", "-s", "-D", "data", "-m", how)

    def query(self, statement: str, *values: object, database: str = "postgres") -> list[tuple]:
        """Run one statement on a new connection, and return its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Create an empty store, and return its URL."""
        name = f"moza_{next(self.numbers)}"
        self.query(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield self.url(name)
        finally:
            self.query(f"DROP DATABASE {name} WITH (FORCE)")


def _account() -> dict[str, object]:
    """Return the account for the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise AssertionError("there is no account to run PostgreSQL under")


@contextlib.contextmanager
def cluster(*, fsync: bool = False) -> Iterator[Cluster]:
    """Run a server. Without fsync it is faster, but loses data at a power failure."""
    bin_folder = find_programs()
    require("postgres", bin_folder is not None, "PostgreSQL is not installed (Debian: postgresql)")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="moza-postgres-"))
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = probe.getsockname()[1]
        server = Cluster(programs=bin_folder, folder=folder, port=port, account=account)
        server.run(
            "initdb", "-D", "data", "-U", "moza", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )
        data = folder / "data"
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {port}\nlisten_addresses = '{LOOPBACK}'\nunix_socket_directories = '{folder}'\n"
                f"fsync = {'on' if fsync else 'off'}\nmax_connections = 40\nautovacuum_naptime = 10s\n"
            )
        rules = data / "pg_hba.conf"
        rules.write_text(f"host all {PASSWORD_ROLE} {LOOPBACK}/32 scram-sha-256\n" + rules.read_text())
        server.start()
        try:
            server.query(f"CREATE ROLE {PASSWORD_ROLE} LOGIN PASSWORD 'secret'")
            server.query(f"CREATE DATABASE {TEMPLATE}")
            asyncio.run(_make_tables(server.url(TEMPLATE)))
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _make_tables(url: str) -> None:
    await (await open_store(url)).close()
