"""The SQLite store: its file, a full disk, other processes, and kills at any moment."""

import asyncio
import os
import random
import re
import signal
import sqlite3
import stat
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from moza_mail.errors import SchemaTooNew, StoreError, StoreLocked
from moza_mail.model.mailing import DeliveryState
from moza_mail.store import claim, migrate, open_store, schema
from moza_mail.store.sqlite import database
from moza_mail.store.sqlite.lock import FairLock, FileLock
from tests.support.child_process import read_output, start_python
from tests.support.store_builders import (
    ACCEPTED,
    NOW,
    add_subscribers,
    count_states,
    create_mailing,
    make_list,
    make_mailing,
    newcomer,
    record_intents,
    record_outcome,
)

ROOT = Path(__file__).parents[2]
ADD_SUBTITLE = "ALTER TABLE mailings ADD COLUMN subtitle TEXT NOT NULL DEFAULT 'none'"


def looked_up(path, query):
    """Read rows of the file with SQLite itself."""
    with closing(sqlite3.connect(path)) as plain:
        return plain.execute(query).fetchall()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "subscribers" / "moza-mail.db"


def at(path: Path) -> str:
    return f"sqlite:///{path}"


def on(path: Path, scenario) -> None:
    """Run a scenario on the store of a file."""

    async def run():
        store = await open_store(at(path))
        try:
            await scenario(store)
        finally:
            await store.close()

    asyncio.run(run())


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


class TestFile:
    def test_only_the_owner_can_read_the_store_files_even_with_a_permissive_umask(self, path):
        async def scenario(store):
            await create_mailing(store, 3)
            async with store.ledger.hold_sender_lock("send"):
                files = {file.name: mode(file) for file in path.parent.iterdir()}
            names = ["", "-wal", "-shm", ".writing", ".turn", ".sending"]
            assert files == {f"moza-mail.db{name}": "0o600" for name in names}
            assert mode(path.parent) == "0o700"

        before = os.umask(0)
        try:
            on(path, scenario)
        finally:
            os.umask(before)

    def test_commits_are_synchronous_and_deleted_data_is_overwritten(self, path):
        wanted = {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "secure_delete": 1,
            "mmap_size": 0,
        }

        async def scenario(store):
            def pragmas(connection):
                return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}

            assert await store.transactions.read(pragmas) == wanted

        on(path, scenario)

    def test_a_copy_without_write_ahead_logging_gets_it_again(self, path):
        async def nothing(store):
            await store.subscribers.save_list(make_list())

        on(path, nothing)
        with closing(sqlite3.connect(path)) as plain, plain:
            plain.execute("PRAGMA journal_mode = DELETE")
        plain.close()
        on(path, nothing)
        assert looked_up(path, "PRAGMA journal_mode") == [("wal",)]

    @pytest.mark.usefixtures("small_pages")
    def test_a_reader_of_pages_holds_no_transaction_between_them(self, path):
        async def scenario(store):
            await create_mailing(store, 150)
            pages = store.subscribers.iter_list("weekly")
            await anext(pages)
            await store.subscribers.save_list(make_list(title="Written meanwhile"))
            other = sqlite3.connect(path)
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            other.close()
            assert busy == 0
            await pages.aclose()

        on(path, scenario)


class TestVersion:
    def test_tables_and_indexes_have_the_options_of_sqlite(self, path):
        async def scenario(store):
            def built(connection):
                found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")
                return {name: " ".join(sql.split()) for name, sql in found}

            made = await store.transactions.read(built)
            assert made["subscriptions"].endswith("WITHOUT ROWID")
            assert "AUTOINCREMENT" in made["subscribers"]
            assert made["deliveries_due"].endswith("(mailing_id, next_attempt, id) WHERE state = 'deferred'")

        on(path, scenario)

    def test_the_newest_migration_is_the_version_that_the_code_knows(self):
        assert max(migrate.MIGRATIONS, default="0001") == schema.HEAD

    def test_the_database_library_is_loaded_only_when_a_store_is_opened(self, path):
        program = (
            "import asyncio, sys\n"
            "from moza_mail.store import open_store\n"
            "assert 'sqlalchemy' not in sys.modules\n"
            "async def main(): await (await open_store(sys.argv[1])).close()\n"
            "asyncio.run(main()); print('sqlalchemy' in sys.modules)\n"
        )
        assert read_output(start_python(program, at(path))) == "True\n"

    def test_an_older_store_is_migrated_with_all_its_data(self, path, monkeypatch):
        async def fill(store):
            number = await create_mailing(store, 3)
            await store.ledger.claim(number, limit=1, now=NOW)

        async def go_on(store):
            def titles(connection):
                return list(connection.exec_driver_sql("SELECT subtitle FROM mailings"))

            assert await store.transactions.read(titles) == [("none",)]
            async with store.ledger.hold_sender_lock("send"):
                assert len(await store.ledger.claim(1, limit=9, now=NOW)) == 3

        async def go_on_once_more(store):
            assert len(await store.ledger.list_mailings()) == 1

        on(path, fill)
        monkeypatch.setattr(
            migrate, "MIGRATIONS", {"0002": lambda connection: connection.exec_driver_sql(ADD_SUBTITLE)}
        )
        monkeypatch.setattr(migrate, "HEAD", "0002")
        monkeypatch.setattr(database, "HEAD", "0002")
        on(path, go_on)
        assert looked_up(path, "SELECT version FROM schema_version") == [("0002",)]
        on(path, go_on_once_more)

    def test_a_store_of_a_newer_version_is_refused_and_not_changed(self, path):
        async def nothing(store):
            await store.subscribers.save_list(make_list())

        on(path, nothing)
        with closing(sqlite3.connect(path)) as plain, plain:
            plain.execute("UPDATE schema_version SET version = '9999'")
        plain.close()
        before = path.read_bytes()
        with pytest.raises(SchemaTooNew, match="newer moza-mail") as caught:
            on(path, nothing)
        assert "Install" in caught.value.hint
        assert path.read_bytes() == before

    def test_a_failed_migration_leaves_an_empty_file_that_the_next_migration_fills(self, path, monkeypatch):
        async def scenario(store):
            assert await store.ledger.list_mailings() == []

        path.parent.mkdir()
        with monkeypatch.context() as small:
            small.setattr(database, "PRAGMAS", (*database.PRAGMAS, "max_page_count = 6"))
            with pytest.raises(StoreError, match="disk is full"):
                on(path, scenario)
        on(path, scenario)

    def test_many_processes_may_open_a_new_store_at_once(self, path):
        program = (
            "import asyncio, sys\n"
            "from tests.support.store_builders import add_subscribers, newcomer, make_list\n"
            "from moza_mail.store import open_store\n"
            "async def main():\n"
            "    store = await open_store(sys.argv[1])\n"
            "    await store.subscribers.save_list(make_list())\n"
            "    for turn in range(20): await add_subscribers(store, newcomer(int(sys.argv[2]) * 100 + turn))\n"
            "    await store.close()\n"
            "asyncio.run(main())\n"
        )
        for process in [start_python(program, at(path), number) for number in range(4)]:
            read_output(process)

        async def scenario(store):
            assert (await store.subscribers.count_audience("weekly")).confirmed == 80

        on(path, scenario)
        assert looked_up(path, "PRAGMA integrity_check") == [("ok",)]


class TestProblems:
    """Each problem is one sentence that names the file, never a library's exception."""

    async def nothing(self, store):
        await store.subscribers.save_list(make_list())

    def test_a_file_that_is_not_a_database_is_refused(self, path):
        path.parent.mkdir()
        path.write_text("Dear reader, this is no database at all. " * 100)
        with pytest.raises(StoreError, match=r"moza-mail\.db is not a SQLite database"):
            on(path, self.nothing)

    def test_a_database_of_another_program_is_refused(self, path):
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as plain, plain:
            plain.execute("CREATE TABLE songs (title TEXT)")
        plain.close()
        with pytest.raises(StoreError, match="another program"):
            on(path, self.nothing)
        assert looked_up(path, "SELECT name FROM sqlite_master") == [("songs",)]

    def test_a_damaged_database_is_reported(self, path):
        async def many(store):
            await create_mailing(store, 500)

        on(path, many)
        content = bytearray(path.read_bytes())
        content[8192:] = b"\xa5" * (len(content) - 8192)
        path.write_bytes(content)

        async def read(store):
            await store.subscribers.count_audience("weekly")

        with pytest.raises(StoreError, match=r"moza-mail\.db is damaged") as caught:
            on(path, read)
        assert "Do not send" in caught.value.hint

    def test_a_file_in_place_of_the_folder_is_reported(self, path):
        path.parent.write_text("a file")
        with pytest.raises(StoreError, match=r"moza-mail\.db: (File exists|Not a directory)"):
            on(path, self.nothing)

    def test_a_folder_in_place_of_the_database_is_reported(self, path):
        path.mkdir(parents=True)
        with pytest.raises(StoreError, match=r"moza-mail\.db cannot be opened or created"):
            on(path, self.nothing)

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite:///relative.db",
            "sqlite://",
            "sqlite:////",
            "mysql://h/d",
            "store.db",
            "",
            "sqlite:////a\0b",
        ],
    )
    def test_a_url_without_a_file_is_refused(self, url):
        with pytest.raises(StoreError, match="names neither a SQLite file"):
            asyncio.run(open_store(url))

    def test_a_read_only_folder_or_file_is_reported(self):
        program = (
            "import asyncio, os, sys\n"
            "from pathlib import Path\n"
            "from tests.support.store_builders import make_list\n"
            "from moza_mail.errors import StoreError\n"
            "from moza_mail.store import open_store\n"
            "async def use(path):\n"
            "    store = await open_store(f'sqlite:///{path}')\n"
            "    try: await store.subscribers.save_list(make_list())\n"
            "    finally: await store.close()\n"
            "folder = Path(sys.argv[1])\n"
            "asyncio.run(use(folder / 'fine' / 'store.db'))\n"
            "(folder / 'shut').mkdir()\n"
            "if os.geteuid() == 0:\n"
            "    for file in (*folder.rglob('*'), folder): os.chown(file, 65534, 65534)\n"
            "    os.setgid(65534); os.setuid(65534)\n"
            "os.chmod(folder / 'shut', 0o555); os.chmod(folder / 'fine' / 'store.db', 0o444)\n"
            "for path in (folder / 'shut' / 'store.db', folder / 'fine' / 'store.db'):\n"
            "    try: asyncio.run(use(path))\n"
            "    except StoreError as error: print(error)\n"
        )
        # The child process gives up the rights of root, so it could not enter the parent folders of tmp_path.
        with tempfile.TemporaryDirectory() as folder:
            shut, fine = read_output(start_python(program, folder)).splitlines()
        assert shut.endswith("shut may not be written: its permissions are 0555")
        assert fine.endswith("fine/store.db may not be written: its permissions are 0444")

    def test_a_full_disk_while_a_mailing_is_created_stores_nothing_of_it(self, path, monkeypatch):
        async def fill(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, *(newcomer(number) for number in range(3000)))

        async def prepare(store):
            with pytest.raises(StoreError, match="disk is full") as caught:
                await store.ledger.create_mailing(make_mailing())
            assert "Free some space" in caught.value.hint
            assert await store.ledger.list_mailings() == []

        async def again(store):
            mailing = await store.ledger.create_mailing(make_mailing())
            assert await count_states(store, mailing.id) == {"pending": 3000}

        on(path, fill)
        pages = path.stat().st_size // 4096
        with monkeypatch.context() as small:
            small.setattr(database, "PRAGMAS", (*database.PRAGMAS, f"max_page_count = {pages + 10}"))
            on(path, prepare)
        on(path, again)

    def test_if_a_group_commit_fails_every_caller_gets_the_error_and_no_row_changes(self, path):
        program = (
            "import asyncio, resource, sys\n"
            "from tests.support.store_builders import NOW, record_intents, create_mailing, count_states\n"
            "from moza_mail.errors import StoreError\n"
            "from moza_mail.store import open_store\n"
            "async def main():\n"
            "    store = await open_store(sys.argv[1])\n"
            "    mailing = await create_mailing(store, 300)\n"
            "    batch = await store.ledger.claim(mailing, limit=300, now=NOW)\n"
            "    await store.transactions.read(lambda c: c.exec_driver_sql('PRAGMA wal_autocheckpoint = 0'))\n"
            "    import os\n"
            "    size = os.stat(sys.argv[2] + '-wal').st_size\n"
            "    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
            "    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))\n"
            "    answers = []\n"
            "    while not any(answers):\n"
            "        answers = await asyncio.gather(*(record_intents(store, one.id) for one in batch),\n"
            "                                       return_exceptions=True)\n"
            "        before = await count_states(store, mailing)\n"
            "    assert all(type(answer) is StoreError for answer in answers), answers\n"
            "    assert before == {'pending': 300}, before\n"
            "    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))\n"
            "    await asyncio.gather(*(record_intents(store, one.id) for one in batch))\n"
            "    assert await count_states(store, mailing) == {'intent': 300}\n"
            "    await store.close()\n"
            "    print(answers[0])\n"
            "asyncio.run(main())\n"
        )
        assert "moza-mail.db" in read_output(start_python(program, at(path), path))

    def test_another_program_that_never_finishes_writing_is_reported(self, path, monkeypatch):
        monkeypatch.setattr(database, "PRAGMAS", ("busy_timeout = 10", *database.PRAGMAS[1:]))
        monkeypatch.setattr(database, "PATIENCE", 0.02)

        async def scenario(store):
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreLocked, match="does not finish"):
                await store.subscribers.save_list(make_list())
            other.execute("ROLLBACK")
            other.close()
            await store.subscribers.save_list(make_list())
            lock = FileLock(path.with_name("moza-mail.db.writing"))
            assert lock.acquire()
            with pytest.raises(StoreLocked, match="does not finish"):
                await store.subscribers.save_list(make_list())
            assert await store.ledger.list_mailings() == []
            lock.close()
            await store.subscribers.save_list(make_list())

        on(path, scenario)

    def test_an_error_does_not_contain_the_persons_data(self, path):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            with pytest.raises(StoreError, match="half a character") as caught:
                await add_subscribers(store, newcomer(1, name="Jan \ud800"))
            chain = f"{caught.value!r} {caught.value.__cause__!r}"
            assert "Jan" not in chain
            assert "Reader1" not in chain
            assert [one async for one in store.subscribers.iter_list("weekly")] == []

        on(path, scenario)


class TestGroups:
    def test_waiting_outcomes_share_a_commit(self, path):
        async def scenario(store):
            number = await create_mailing(store, 500)
            batch = await store.ledger.claim(number, limit=500, now=NOW)
            commits = []
            sa.event.listen(store.transactions.database._connection.engine, "commit", commits.append)
            await asyncio.gather(*(record_intents(store, one.id) for one in batch))
            assert 1 <= len(commits) <= 3

        on(path, scenario)

    def test_a_cancelled_caller_does_not_cancel_the_others_in_its_group(self, path):
        async def scenario(store):
            number = await create_mailing(store, 3)
            batch = await store.ledger.claim(number, limit=3, now=NOW)
            waiting = [asyncio.ensure_future(record_intents(store, one.id)) for one in batch]
            await asyncio.sleep(0)
            waiting[1].cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert waiting[1].cancelled()
            assert await count_states(store, number) == {"intent": 3}

        on(path, scenario)


HOLD = (
    "import asyncio, os, subprocess, sys\n"
    "from moza_mail.store import open_store\n"
    "async def main():\n"
    "    store = await open_store(sys.argv[1])\n"
    "    async with store.ledger.hold_sender_lock('send 2026-01-14'):\n"
    "        left = subprocess.Popen(['sleep', '30'], close_fds=False)\n"
    "        forked = os.fork()\n"
    "        if not forked:\n"
    "            os.close(1)\n"
    "            os.execvp('sleep', ['sleep', '30']) if len(sys.argv) > 2 else __import__('time').sleep(30)\n"
    "        print(left.pid, forked)\n"
    "        await asyncio.sleep(30)\n"
    "asyncio.run(main())\n"
)


class TestKill:
    def test_the_sender_lock_ends_with_its_process_even_if_children_survive(self, path):
        process = start_python(HOLD, at(path), stderr=subprocess.DEVNULL)
        orphans = [int(pid) for pid in process.stdout.readline().split()]
        try:

            async def refused(store):
                with pytest.raises(
                    StoreLocked, match=rf"send 2026-01-14 \(.+process {process.pid}\), since 2"
                ):
                    async with store.ledger.hold_sender_lock("me"):
                        pass

            async def granted(store):
                async with store.ledger.hold_sender_lock("me"):
                    pass

            on(path, refused)
            process.kill()
            process.wait(timeout=60)
            assert all(Path(f"/proc/{pid}").exists() for pid in orphans)
            on(path, granted)
        finally:
            process.kill()
            for pid in orphans:
                os.kill(pid, signal.SIGKILL)
            process.stdout.close()

    @pytest.mark.parametrize("seed", range(3))
    def test_after_kill_9_every_confirmed_outcome_is_stored_and_no_delivery_is_half_done(self, path, seed):
        program = (
            "import asyncio, os, sys\n"
            "from tests.support.store_builders import ACCEPTED, NOW, record_intents, create_mailing, record_outcome\n"
            "from moza_mail.store import open_store\n"
            "async def main():\n"
            "    store = await open_store(sys.argv[1])\n"
            "    mailing = await create_mailing(store, 20000)\n"
            "    claimed = []\n"
            "    async def caller():\n"
            "        while True:\n"
            "            if not claimed: claimed.extend(await store.ledger.claim(mailing, limit=100, now=NOW)); continue\n"
            "            one = claimed.pop().id\n"
            "            await record_intents(store, one)\n"
            "            os.write(1, b'intent %d\\n' % one)\n"
            "            await record_outcome(store, one, ACCEPTED)\n"
            "            os.write(1, b'accepted %d\\n' % one)\n"
            "    async with store.ledger.hold_sender_lock('a sender'):\n"
            "        os.write(1, b'sending\\n')\n"
            "        await asyncio.gather(*(caller() for _ in range(32)))\n"
            "asyncio.run(main())\n"
        )
        process = start_python(program, at(path))
        assert process.stdout.readline() == "sending\n"
        lines = [process.stdout.readline() for _ in range(200)]
        time.sleep(random.Random(seed).random() / 10)
        process.kill()
        # The last line may be incomplete.
        lines += re.findall(r".+\n", process.stdout.read())
        process.stdout.close()
        process.wait(timeout=60)
        told = {
            word: {int(line.split()[1]) for line in lines if line.startswith(word)}
            for word in ("intent", "accepted")
        }

        async def scenario(store):
            async with store.ledger.hold_sender_lock("the next"):
                moved = await store.ledger.recover(1, now=NOW)
            standing = {one.id: one.state async for one in store.ledger.iter_deliveries(1, DeliveryState)}
            assert len(standing) == 20000
            assert {standing[one] for one in told["accepted"]} == {DeliveryState.ACCEPTED}
            doubt = {one for one, state in standing.items() if state is DeliveryState.UNCERTAIN}
            mailed = {one for one, state in standing.items() if state is DeliveryState.ACCEPTED}
            assert told["intent"] <= doubt | mailed
            assert moved[DeliveryState.UNCERTAIN] == len(doubt) <= 32
            assert set(standing.values()) <= {
                DeliveryState.PENDING,
                DeliveryState.UNCERTAIN,
                DeliveryState.ACCEPTED,
            }

        on(path, scenario)
        assert looked_up(path, "PRAGMA integrity_check") == [("ok",)]

    def test_an_import_during_a_send_loses_nothing(self, path):
        program = (
            "import asyncio, sys\n"
            "from tests.support.store_builders import add_subscribers, newcomer\n"
            "from moza_mail.store import open_store\n"
            "async def main():\n"
            "    store = await open_store(sys.argv[1])\n"
            "    for number in range(1000, 1100): await add_subscribers(store, newcomer(number))\n"
            "    await store.close()\n"
            "asyncio.run(main())\n"
        )

        async def scenario(store):
            number = await create_mailing(store, 600)
            importer = start_python(program, at(path))
            while batch := await store.ledger.claim(number, limit=5, now=NOW):
                await asyncio.gather(*(record_intents(store, one.id) for one in batch))
                await asyncio.gather(*(record_outcome(store, one.id, ACCEPTED) for one in batch))
            await asyncio.to_thread(read_output, importer)
            assert await count_states(store, number) == {"accepted": 600}
            assert (await store.subscribers.count_audience("weekly")).confirmed == 700

        on(path, scenario)


class TestClaimQueries:
    def test_the_next_deliveries_are_found_by_the_index_without_sorting(self, path):
        def plan(connection):
            query = claim._select_in_state(DeliveryState.PENDING, "sqlite")
            values = query.params(of_mailing=1, after=0, claimed="[1, 2]", most=250)
            said = values.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            return [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}")]

        async def scenario(store):
            await create_mailing(store, 3)
            steps = await store.transactions.read(plan)
            assert any("deliveries_state" in step for step in steps)
            assert [step for step in steps if "TEMP B-TREE" in step] == []

        on(path, scenario)

    def test_a_claim_writes_nothing_and_ends_with_the_sender_lock(self, path):
        def read_rows(connection):
            return connection.exec_driver_sql("SELECT state, sender_id, changed_at FROM deliveries").all()

        async def scenario(store):
            number = await create_mailing(store, 3)
            async with store.ledger.hold_sender_lock("send"):
                batch = await store.ledger.claim(number, limit=9, now=NOW)
                assert await store.transactions.read(read_rows) == [("pending", None, None)] * 3
                assert await store.ledger.claim(number, limit=9, now=NOW) == []
            async with store.ledger.hold_sender_lock("send again"):
                with pytest.raises(StoreError, match="is pending and cannot become intent"):
                    await record_intents(store, batch[0].id)
                assert await store.ledger.claim(number, limit=9, now=NOW) == batch
                await record_intents(store, batch[0].id)
            async with store.ledger.hold_sender_lock("a third time"):
                assert (await store.ledger.recover(number, now=NOW))[DeliveryState.UNCERTAIN] == 1
                assert await store.ledger.claim(number, limit=9, now=NOW) == batch[1:]

        on(path, scenario)


class TestWriteLock:
    def test_a_process_that_writes_constantly_does_not_block_another(self, tmp_path):
        program = (
            "import sys, threading, time\n"
            "from pathlib import Path\n"
            "from moza_mail.store.sqlite.lock import FairLock\n"
            "*files, told = map(Path, sys.argv[1:])\n"
            "lock, done = FairLock(*files), threading.Event()\n"
            "threading.Thread(target=lambda: (sys.stdin.read(), done.set())).start()\n"
            "with told.open('ab', buffering=0) as turns:\n"
            "    while not done.is_set():\n"
            "        assert lock.acquire(seconds=10)\n"
            "        turns.write(b'.')\n"
            "        time.sleep(0.001)\n"
            "        lock.release()\n"
            "        if turns.tell() == 1: print('begun')\n"
        )
        files, told, waited = (tmp_path / "writing", tmp_path / "turn"), tmp_path / "turns", 0
        lock, busy = FairLock(*files), start_python(program, *files, told, stdin=subprocess.PIPE)
        assert busy.stdout.readline() == "begun\n"
        for _ in range(20):
            time.sleep(0.003)
            before = told.stat().st_size
            assert lock.acquire(seconds=10)
            waited += told.stat().st_size - before
            lock.release()
        read_output(busy)
        # We mostly wait for one turn of the other process. Without a fair lock, we waited for hundreds of turns.
        assert waited < 200
        for _ in range(2):
            lock.close()

    def test_a_writer_that_times_out_gives_up_its_place_in_the_queue(self, tmp_path):
        held = FileLock(tmp_path / "writing")
        assert held.acquire()
        lock = FairLock(tmp_path / "writing", tmp_path / "turn")
        assert not lock.acquire(seconds=0.01)
        held.release()
        assert lock.acquire(seconds=0.01)
        lock.close()
        held.close()
