"""Empty SQLite and PostgreSQL stores, copied from a store that is created once per test session."""

import asyncio
import atexit
import contextlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path

from hypothesis import settings

from moza_mail.store import Store, open_store
from tests.support.captured_output import read_audit_logs, record_text
from tests.support.examples import examples

KINDS = ("sqlite", "postgres")
Scenario = Callable[[Store], Awaitable[None]]


@cache
def empty_file() -> Path:
    """Return a SQLite file with all tables and no rows, to copy.

    Creating the tables takes ten times as long as copying the file.
    """
    folder = tempfile.mkdtemp(prefix="moza-mail-store-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "empty.db"

    async def make() -> None:
        await (await open_store(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path


@contextlib.contextmanager
def new_store(kind: str, request) -> Iterator[str]:
    """Create an empty store, and return its URL."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(empty_file(), f"{folder}/store.db")
            yield f"sqlite:///{folder}/store.db"
            for captured in read_audit_logs(Path(folder)):
                record_text(f"{captured.source} ({request.node.name})", captured.text)
    else:
        server = request.getfixturevalue("postgres")
        with server.database() as url:
            yield url
            rows = server.query("SELECT * FROM audit_log", database=url.rpartition("/")[2])
            record_text(f"audit log ({request.node.name})", "\n".join(map(str, rows)))


def store_examples(kind: str, count: int, **more: object) -> settings:
    """Return settings for `count` examples, a quarter of them on PostgreSQL, where a new database takes a second."""
    return examples(count if kind == "sqlite" else count // 4, **more)


async def run_with_store(url: str, scenario: Scenario) -> None:
    store = await open_store(url)
    try:
        await scenario(store)
    finally:
        await store.close()
