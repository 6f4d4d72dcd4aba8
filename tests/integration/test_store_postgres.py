"""The PostgreSQL store: errors of the server, several senders, and kills at any moment."""

import asyncio
import contextlib
import re
import signal
import socket
import subprocess
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from moza_mail import sending
from moza_mail.errors import IssueChanged, SchemaTooNew, StoreError, StoreLocked, StoreUnavailable
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.subscriber import AddResult
from moza_mail.store import back_up_store, inspect_backup, open_store, schema
from moza_mail.store.postgres import advisory, commit, errors
from moza_mail.store.postgres import database as postgres_database
from moza_mail.store.postgres.url import name_database, read_url
from moza_mail.store.senders import SenderLock
from tests.support.builders import issue as make_issue
from tests.support.child_process import ChildProcess, read_output, start_python
from tests.support.postgres import PASSWORD_ROLE
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
    suppression,
)

NOTHING = {DeliveryState.PENDING: 0, DeliveryState.UNCERTAIN: 0}


@pytest.fixture
def url(postgres):
    with postgres.database() as made:
        yield made


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


@contextlib.asynccontextmanager
async def open_and_close(url: str):
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


async def nothing(url: str) -> None:
    async with open_and_close(url) as store:
        await store.subscribers.save_list(make_list())


def open_refused(url: str) -> StoreError:
    """Open the store, and return the error."""
    with pytest.raises(StoreError) as caught:
        asyncio.run(nothing(url))
    assert caught.value.__cause__ is None
    return caught.value


def cut(postgres, url: str) -> None:
    """End every session in the database, and wait until they are gone."""
    name = name_of(url)
    postgres.query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", name)


async def recovered(store, mailing: int, total: int) -> dict[DeliveryState, int]:
    """Recover the mailing after the server has noticed that a sender is dead, and return the counts."""
    end = time.monotonic() + 20
    while sum((moved := await store.ledger.recover(mailing, now=NOW)).values()) < total:
        assert time.monotonic() < end, moved
    return moved


SENDER = (
    "import asyncio, sys\n"
    "from tests.support.store_builders import ACCEPTED, NOW, record_intents, record_outcome\n"
    "from moza_mail.store import open_store\n"
    "async def main():\n"
    "    store = await open_store(sys.argv[1])\n"
    "    async with store.ledger.hold_sender_lock('send'):\n"
    "        print('sending'); sys.stdin.readline()\n"
    "        while batch := await store.ledger.claim(1, limit=7, now=NOW):\n"
    "            print(*(one.id for one in batch))\n"
    "            await asyncio.gather(*(record_intents(store, one.id) for one in batch))\n"
    "            await asyncio.gather(*(record_outcome(store, one.id, ACCEPTED) for one in batch))\n"
    "    await store.close()\n"
    "asyncio.run(main())\n"
)
HOLDER = (
    "import asyncio, sys\n"
    "from tests.support.store_builders import NOW, record_intents\n"
    "from moza_mail.store import open_store\n"
    "async def main():\n"
    "    store = await open_store(sys.argv[1])\n"
    "    async with store.ledger.hold_sender_lock('send'):\n"
    "        batch = await store.ledger.claim(1, limit=20, now=NOW)\n"
    "        await asyncio.gather(*(record_intents(store, one.id) for one in batch[:8]))\n"
    "        print(*(one.id for one in batch))\n"
    "        await asyncio.sleep(60)\n"
    "asyncio.run(main())\n"
)


class TestShared:
    def test_two_processes_share_a_mailing_and_no_delivery_is_claimed_twice(self, url):
        async def scenario():
            async with open_and_close(url) as store:
                await create_mailing(store, 2000)
                pair = [start_python(SENDER, url, stdin=subprocess.PIPE) for _ in range(2)]
                for one in pair:
                    assert one.stdout.readline() == "sending\n"
                for one in pair:
                    one.stdin.write("go\n")
                    one.stdin.flush()
                claims = [await asyncio.to_thread(read_output, one) for one in pair]
                first, second = ([int(word) for word in claim.split()] for claim in claims)
                assert min(len(first), len(second)) > 100
                assert sorted(first + second) == list(range(1, 2001))
                assert await count_states(store, 1) == {"accepted": 2000}

        asyncio.run(scenario())

    def test_after_kill_9_only_the_dead_senders_deliveries_are_recovered(self, url):
        async def scenario():
            async with open_and_close(url) as store, open_and_close(url) as third:
                await create_mailing(store, 50)
                async with store.ledger.hold_sender_lock("the living"):
                    mine = await store.ledger.claim(1, limit=10, now=NOW)
                    await asyncio.gather(*(record_intents(store, one.id) for one in mine[:4]))
                    dead = start_python(HOLDER, url)
                    theirs = [int(number) for number in dead.stdout.readline().split()]
                    assert await store.ledger.recover(1, now=NOW) == NOTHING
                    async with third.ledger.hold_sender_lock("a third"):
                        assert await third.ledger.recover(1, now=NOW) == NOTHING
                        dead.kill()
                        dead.communicate(timeout=60)
                        moved = await recovered(third, 1, 20)
                        assert moved == {DeliveryState.PENDING: 12, DeliveryState.UNCERTAIN: 8}
                    doubtful = [
                        one async for one in store.ledger.iter_deliveries(1, [DeliveryState.UNCERTAIN])
                    ]
                    assert [one.id for one in doubtful] == theirs[:8]
                    await asyncio.gather(*(record_outcome(store, one.id, ACCEPTED) for one in mine[:4]))
                    await store.ledger.release([one.id for one in mine[4:]])
                assert await count_states(store, 1) == {"accepted": 4, "uncertain": 8, "pending": 38}

        asyncio.run(scenario())

    def test_a_disconnected_sender_changes_no_delivery_that_another_has_recovered(self, postgres, url):
        async def scenario():
            async with open_and_close(url) as first, open_and_close(url) as second:
                await create_mailing(first, 4)
                async with first.ledger.hold_sender_lock("the first"):
                    one, two, three, _ = await first.ledger.claim(1, limit=4, now=NOW)
                    await record_intents(first, one.id)
                    cut(postgres, url)
                    with pytest.raises(StoreError):
                        await second.ledger.count_by_state(1)
                    async with second.ledger.hold_sender_lock("the second"):
                        assert await second.ledger.recover(1, now=NOW) == {
                            DeliveryState.PENDING: 3,
                            DeliveryState.UNCERTAIN: 1,
                        }
                        assert len(await second.ledger.claim(1, limit=4, now=NOW)) == 3
                        with pytest.raises(StoreError):
                            await record_intents(first, two.id)
                        with pytest.raises(StoreError, match="is claimed, of another sender, and cannot"):
                            await record_intents(first, two.id)
                        with pytest.raises(StoreError, match="is uncertain and cannot become accepted"):
                            await record_outcome(first, one.id, ACCEPTED)
                        with pytest.raises(StoreError, match="is claimed, of another sender, and cannot"):
                            await record_outcome(first, three.id, ACCEPTED)
                        with pytest.raises(StoreError, match="1 of 1"):
                            await first.ledger.release([three.id])
                        assert await count_states(second, 1) == {"claimed": 3, "uncertain": 1}

        asyncio.run(scenario())

    def test_a_sender_that_reconnects_in_time_keeps_its_claims(self, postgres, url):
        async def scenario():
            async with open_and_close(url) as first, open_and_close(url) as second:
                await create_mailing(first, 2)
                async with first.ledger.hold_sender_lock("the first"):
                    one, two = await first.ledger.claim(1, limit=2, now=NOW)
                    await record_intents(first, one.id)
                    cut(postgres, url)
                    with pytest.raises(StoreError, match=r"was lost|was stopped") as caught:
                        await record_outcome(first, one.id, ACCEPTED)
                    assert "same command again" in caught.value.hint
                    await record_outcome(first, one.id, ACCEPTED)
                    with pytest.raises(StoreError):
                        await second.ledger.count_by_state(1)
                    assert await second.ledger.recover(1, now=NOW) == NOTHING
                    await record_intents(first, two.id)
                assert await second.ledger.recover(1, now=NOW) == {
                    DeliveryState.PENDING: 0,
                    DeliveryState.UNCERTAIN: 1,
                }

        asyncio.run(scenario())

    def test_a_sender_waits_until_the_server_ends_its_lost_connection(self, postgres, url, monkeypatch):
        monkeypatch.setitem(postgres_database.SETTINGS, "lock_timeout", "100ms")
        outages: list[str] = []

        async def scenario():
            async with open_and_close(url) as store:
                outage = store.transactions.database.outage
                outage.patience, outage.on_outage = 30, lambda error: outages.append(str(error))
                await create_mailing(store, 1)
                async with store.ledger.hold_sender_lock("the sender"):
                    (one,) = await store.ledger.claim(1, limit=1, now=NOW)
                    await record_intents(store, one.id)
                    with hold_lost_connection(postgres, url):
                        recording = asyncio.create_task(record_outcome(store, one.id, ACCEPTED))
                        await asyncio.sleep(1)
                        assert not recording.done()
                    await asyncio.wait_for(recording, 20)
                    assert await count_states(store, 1) == {"accepted": 1}

        asyncio.run(scenario())
        assert len(outages) == 1

    def test_two_machines_that_create_a_mailing_at_once_share_it(self, url):
        async def scenario():
            async with open_and_close(url) as first, open_and_close(url) as second:
                await first.subscribers.save_list(make_list())
                await add_subscribers(first, *(newcomer(number) for number in range(500)))
                given = (make_issue(), make_list(), make_mailing())
                one, other = await asyncio.gather(
                    *(sending.begin_mailing(store, *given) for store in (first, second))
                )
                assert one.id == other.id
                assert await count_states(second, one.id) == {"pending": 500}
                with pytest.raises(IssueChanged, match="has changed since"):
                    await sending.begin_mailing(
                        second, make_issue(), make_list(), replace(make_mailing(), digest="d2")
                    )

        asyncio.run(scenario())

    def test_of_two_concurrent_create_mailing_calls_one_fails(self, url):
        async def scenario():
            async with open_and_close(url) as first, open_and_close(url) as second:
                await first.subscribers.save_list(make_list())
                await add_subscribers(first, *(newcomer(number) for number in range(500)))
                made = await asyncio.gather(
                    first.ledger.create_mailing(make_mailing()),
                    second.ledger.create_mailing(make_mailing()),
                    return_exceptions=True,
                )
                (failed,) = [one for one in made if isinstance(one, Exception)]
                assert str(failed) == "there is already a mailing of `2026-01-14` to `weekly`"
                (known,) = await first.ledger.list_mailings()
                assert await count_states(second, known.id) == {"pending": 500}

        asyncio.run(scenario())

    def test_concurrent_imports_of_the_same_people_add_each_once(self, url):
        async def scenario():
            async with open_and_close(url) as first, open_and_close(url) as second:
                await first.subscribers.save_list(make_list())
                people = [newcomer(number) for number in range(800)]
                one, other = await asyncio.gather(
                    add_subscribers(first, *people), add_subscribers(second, *reversed(people))
                )
                assert {AddResult.ADDED, AddResult.UNCHANGED} == set(one) | set(other)
                assert sum(arrival is AddResult.ADDED for arrival in one + other) == 800
                assert (await first.subscribers.count_audience("weekly")).confirmed == 800

        asyncio.run(scenario())

    def test_an_import_never_adds_a_person_who_unsubscribes_meanwhile(self, url):
        async def scenario():
            async with open_and_close(url) as first, open_and_close(url) as second:
                await first.subscribers.save_list(make_list())
                people = [newcomer(number) for number in range(300)]
                await add_subscribers(first, *people, state=schema.SubscriptionState.UNCONFIRMED)
                leaving = [
                    second.subscribers.unsubscribe(number, "weekly", now=NOW) for number in range(1, 301)
                ]
                await asyncio.gather(
                    add_subscribers(first, *people), *leaving, second.suppressions.add(suppression(7))
                )
                assert (await first.subscribers.count_audience("weekly")).confirmed == 0

        asyncio.run(scenario())

    def test_a_store_holds_one_sender_lock_and_other_stores_hold_theirs(self, url):
        async def scenario():
            async with open_and_close(url) as first, open_and_close(url) as second:
                await create_mailing(first, 1)
                async with (
                    first.ledger.hold_sender_lock("the first"),
                    second.ledger.hold_sender_lock("the second"),
                ):
                    with pytest.raises(StoreLocked, match="the first"):
                        async with first.ledger.hold_sender_lock("again"):
                            pass
                    await first.ledger.claim(1, limit=1, now=NOW)
                    assert await second.ledger.recover(1, now=NOW) == NOTHING
                assert (await second.ledger.recover(1, now=NOW))[DeliveryState.PENDING] == 1

        asyncio.run(scenario())


CALLERS = (
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


async def agrees_with(store, lines: list[str]) -> None:
    """Compare the ledger with what the callers of a dead sender were told."""
    told = {
        word: {int(line.split()[1]) for line in lines if line.startswith(word)}
        for word in ("intent", "accepted")
    }
    standing = {one.id: one.state async for one in store.ledger.iter_deliveries(1, DeliveryState)}
    assert len(standing) == 20000
    assert {standing[one] for one in told["accepted"]} == {DeliveryState.ACCEPTED}
    doubt = {one for one, state in standing.items() if state is DeliveryState.UNCERTAIN}
    mailed = {one for one, state in standing.items() if state is DeliveryState.ACCEPTED}
    assert told["intent"] <= doubt | mailed
    assert len(doubt) <= 32
    assert set(standing.values()) <= {
        DeliveryState.PENDING,
        DeliveryState.UNCERTAIN,
        DeliveryState.ACCEPTED,
    }


def start_sender(url: str, **more) -> tuple[ChildProcess, list[str]]:
    """Start a process that sends, and return it with its first lines of output."""
    process = start_python(CALLERS, url, **more)
    assert process.stdout.readline() == "sending\n"
    return process, [process.stdout.readline() for _ in range(200)]


def rest(process: ChildProcess) -> list[str]:
    """Return the complete lines that the process printed before its end."""
    return re.findall(r".+\n", process.communicate(timeout=60)[0])


class TestKill:
    def test_after_kill_9_every_confirmed_outcome_is_stored(self, url):
        process, lines = start_sender(url)
        process.kill()
        lines += rest(process)

        async def scenario():
            async with open_and_close(url) as store, store.ledger.hold_sender_lock("the next"):
                await recovered(store, 1, 1)
                await agrees_with(store, lines)

        asyncio.run(scenario())

    @pytest.mark.parametrize("how", ["immediate", "fast"])
    def test_a_lost_server_raises_an_error_and_nothing_is_half_written(self, postgres, url, how):
        process, lines = start_sender(url, stderr=subprocess.PIPE)
        postgres.stop(how)
        try:
            text, trouble = process.communicate(timeout=60)
        finally:
            postgres.start()
        lines += re.findall(r".+\n", text)
        assert process.returncode == 1
        assert "moza_mail.errors.StoreUnavailable: " in trouble
        assert "Traceback (most recent call last)" not in trouble.partition("StoreError: ")[2]

        async def scenario():
            async with open_and_close(url) as store, store.ledger.hold_sender_lock("the next"):
                await recovered(store, 1, 1)
                await agrees_with(store, lines)

        asyncio.run(scenario())

    def test_a_store_continues_when_its_server_is_back(self, postgres, url):
        async def scenario():
            async with open_and_close(url) as store:
                await create_mailing(store, 40)
                async with store.ledger.hold_sender_lock("send"):
                    batch = await store.ledger.claim(1, limit=40, now=NOW)
                    postgres.stop("immediate")
                    try:
                        answers = await asyncio.gather(
                            *(record_intents(store, one.id) for one in batch), return_exceptions=True
                        )
                        assert {type(answer) for answer in answers} == {StoreUnavailable}
                        with pytest.raises(StoreError, match="cannot be reached"):
                            await store.ledger.count_by_state(1)
                    finally:
                        postgres.start()
                    assert await count_states(store, 1) == {"claimed": 40}
                    await asyncio.gather(*(record_intents(store, one.id) for one in batch))
                    assert await count_states(store, 1) == {"intent": 40}

        asyncio.run(scenario())

    def test_ctrl_c_releases_the_sender_lock(self, url):
        process, _ = start_sender(url, stderr=subprocess.DEVNULL)
        process.send_signal(signal.SIGINT)
        rest(process)

        async def scenario():
            async with open_and_close(url) as store, store.ledger.hold_sender_lock("the next"):
                await recovered(store, 1, 1)
                left = await count_states(store, 1)
                assert left.keys() <= {"pending", "accepted", "uncertain"}

        asyncio.run(scenario())


class TestProblems:
    """Each problem is one sentence that names the database, without a library's exception, a password or a person."""

    @pytest.mark.parametrize(
        "text",
        [
            "postgresql://user:hunter2@db.example.org/mail",
            "postgres://user:hunter2@db.example.org/mail",
            "postgresql+psycopg://:hunter2@db.example.org/mail",
            "postgresql://db.example.org/mail?password=hunter2",
            "postgresql://db.example.org:hunter2/mail",
        ],
    )
    def test_a_password_in_the_url_is_refused_and_not_shown(self, text):
        error = open_refused(text)
        assert "PGPASSWORD" in error.hint
        assert "hunter2" not in f"{error!r} {error.hint} {error.__cause__!r}"

    def test_a_role_logs_in_only_with_the_password_of_the_environment(self, postgres, monkeypatch, url):
        postgres.query(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {PASSWORD_ROLE}", database=name_of(url))
        at = postgres.url(name_of(url), PASSWORD_ROLE)
        for password in ("", "wrong"):
            monkeypatch.setenv("PGPASSWORD", password)
            error = open_refused(at)
            assert str(error).startswith(f"the PostgreSQL server refuses the login of {at}: ")
            assert "PGPASSWORD" in error.hint
        monkeypatch.setenv("PGPASSWORD", "secret")
        asyncio.run(nothing(at))

    def test_a_missing_database_is_reported(self, postgres):
        error = open_refused(postgres.url("nowhere"))
        assert str(error).startswith("the PostgreSQL server has no database for postgresql://moza@127.0.0.1:")
        assert "createdb" in error.hint

    def test_a_server_that_does_not_answer_is_reported(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            at = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/mail"
            error = open_refused(at)
        assert str(error).startswith(f"the PostgreSQL server of {at} cannot be reached: ")

    def test_an_unknown_libpq_option_is_reported(self, url):
        assert "nonsense" in str(open_refused(f"{url}?nonsense=1"))

    def test_a_role_without_permission_to_create_tables_is_reported(self, postgres, monkeypatch):
        monkeypatch.setenv("PGPASSWORD", "secret")
        postgres.query("CREATE DATABASE bare")
        try:
            error = open_refused(postgres.url("bare", PASSWORD_ROLE))
        finally:
            postgres.query("DROP DATABASE bare WITH (FORCE)")
        assert "the role may not do in" in str(error)

    def test_a_database_with_an_encoding_other_than_utf_8_is_refused(self, postgres):
        postgres.query("CREATE DATABASE old ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
        try:
            error = open_refused(postgres.url("old"))
        finally:
            postgres.query("DROP DATABASE old WITH (FORCE)")
        assert "has the encoding SQL_ASCII" in str(error)

    def test_a_database_of_another_program_is_refused(self, postgres):
        postgres.query("CREATE DATABASE songs")
        try:
            postgres.query("CREATE TABLE songs (title text)", database="songs")
            assert "another program" in str(open_refused(postgres.url("songs")))
        finally:
            postgres.query("DROP DATABASE songs WITH (FORCE)")

    def test_a_store_of_a_newer_version_is_refused(self, postgres, url):
        postgres.query("UPDATE schema_version SET version = '9999'", database=name_of(url))
        with pytest.raises(SchemaTooNew, match="newer moza-mail"):
            asyncio.run(nothing(url))

    def test_without_psycopg_the_hint_says_how_to_install_it(self, url):
        program = (
            "import asyncio, sys\n"
            "sys.modules['psycopg'] = None\n"
            "from moza_mail.errors import StoreError\n"
            "from moza_mail.store import open_store\n"
            "try: asyncio.run(open_store(sys.argv[1]))\n"
            "except StoreError as error: print(error, error.hint)\n"
        )
        assert "pip install 'moza-mail[postgres]'" in read_output(start_python(program, url))

    def test_a_full_disk_fails_every_caller_and_changes_no_row(self, postgres, url):
        full = (
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
        )

        async def scenario():
            async with open_and_close(url) as store:
                await create_mailing(store, 30)
                batch = await store.ledger.claim(1, limit=30, now=NOW)
                postgres.query(full, database=name_of(url))
                trigger = "CREATE TRIGGER full_disk BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.id = 30) EXECUTE FUNCTION full_disk()"
                postgres.query(trigger, database=name_of(url))
                answers = await asyncio.gather(
                    *(record_intents(store, one.id) for one in batch[1:]), return_exceptions=True
                )
                assert {str(answer) for answer in answers} >= {
                    f"the disk of {url} is full (the server says: could not extend file)"
                }
                assert (await count_states(store, 1)).get("intent", 0) <= 1
                postgres.query("DROP TRIGGER full_disk ON deliveries", database=name_of(url))
                await record_intents(store, batch[-1].id)

        asyncio.run(scenario())

    def test_a_statement_that_the_server_cancels_is_an_error(self, postgres, url):
        postgres.query(f"ALTER DATABASE {name_of(url)} SET statement_timeout = '50ms'")

        async def scenario():
            async with open_and_close(url) as store:
                with hold_lists(postgres, url), pytest.raises(StoreError, match="took longer than it allows"):
                    await store.subscribers.save_list(make_list(title="Other"))
                await store.subscribers.save_list(make_list(title="Other"))

        asyncio.run(nothing(url))
        asyncio.run(scenario())

    def test_another_process_that_never_commits_is_reported(self, postgres, url, monkeypatch):
        monkeypatch.setitem(postgres_database.SETTINGS, "lock_timeout", "30ms")

        async def scenario():
            async with open_and_close(url) as store:
                with hold_lists(postgres, url), pytest.raises(StoreLocked, match="does not finish"):
                    await store.subscribers.save_list(make_list(title="Other"))
                await store.subscribers.save_list(make_list(title="Other"))

        asyncio.run(nothing(url))
        asyncio.run(scenario())

    @pytest.mark.parametrize("name", ["Jan \ud800", "Jan \0"])
    def test_an_error_does_not_contain_the_persons_data(self, url, name):
        async def scenario():
            async with open_and_close(url) as store:
                await store.subscribers.save_list(make_list())
                with pytest.raises(
                    StoreError, match=r"half a character|a character that PostgreSQL"
                ) as caught:
                    await add_subscribers(store, newcomer(1, name=name))
                chain = f"{caught.value!r} {caught.value.__cause__!r}"
                assert "Jan" not in chain
                assert "Reader1" not in chain
                assert [one async for one in store.subscribers.iter_list("weekly")] == []

        asyncio.run(scenario())

    def test_every_message_contains_the_placeholder_for_the_name(self):
        assert all("{name}" in sentence for sentence, _ in errors.MESSAGES.values())


@contextlib.contextmanager
def hold_lost_connection(postgres, url):
    """End every connection, and hold the sender's lock in another one, as a server that has not noticed the loss does."""
    import psycopg

    cut(postgres, url)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, max(id)::int) FROM senders", [advisory.NAMESPACE])
        yield


@contextlib.contextmanager
def hold_lists(postgres, url):
    """Keep another session open that has changed the list."""
    import psycopg

    with psycopg.connect(url) as other:
        other.execute("UPDATE lists SET title = 'Held'")
        yield
        other.rollback()


class TestSeveralHosts:
    @pytest.mark.parametrize("target", ["read-write", "any", "primary"])
    def test_an_unreachable_host_is_skipped_for_each_requested_role(self, postgres, url, target):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            hosts = f"127.0.0.1:{closed.getsockname()[1]},127.0.0.1:{postgres.port}"
            asyncio.run(nothing(f"postgresql://moza@{hosts}/{name_of(url)}?target_session_attrs={target}"))

    def test_a_backup_is_made_through_several_hosts(self, postgres, url, tmp_path):
        hosts = f"127.0.0.1:1,127.0.0.1:{postgres.port}"
        both = f"postgresql://moza@{hosts}/{name_of(url)}?target_session_attrs=read-write"

        async def scenario():
            async with open_and_close(both) as store:
                await store.identity.read_mark()

        asyncio.run(scenario())
        asyncio.run(back_up_store(both, tmp_path / "dump"))
        assert asyncio.run(inspect_backup(both, tmp_path / "dump")).exists

    def test_an_error_names_all_hosts_and_no_option(self):
        error = open_refused("postgresql://moza@127.0.0.1:1,127.0.0.1:2/x?sslmode=disable&passfile=/secret")
        assert "postgresql://moza@127.0.0.1:1,127.0.0.1:2/x " in error.message
        assert "passfile" not in error.message
        assert isinstance(error, StoreUnavailable)

    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("postgresql://u@h1,h2/db?target_session_attrs=read-write", "postgresql://u@h1,h2/db"),
            ("postgresql://h1:1,h2/db", "postgresql://h1:1,h2:5432/db"),
            ("postgresql://u@[::1]:5432,h2:5433/db", "postgresql://u@[::1]:5432,h2:5433/db"),
            ("postgres://u@h/db", "postgresql://u@h/db"),
            ("postgresql:///db?host=/run/postgresql", "postgresql:///db"),
        ],
    )
    def test_the_displayed_name_of_a_database_has_all_its_hosts(self, text, read):
        assert name_database(read_url(text)) == read

    @pytest.mark.parametrize(
        "text", ["postgresql://u:hush@h1,h2/db", "postgresql://u@h1,h2/db?password=hush"]
    )
    def test_a_password_is_refused_and_not_repeated(self, text):
        with pytest.raises(StoreError) as caught:
            read_url(text)
        assert "hush" not in f"{caught.value.message} {caught.value.hint}"

    @pytest.mark.parametrize(
        "text", ["postgresql://u@h1:,h2/db", "postgresql://u@h1,,h2/db", "postgresql://u@,/db"]
    )
    def test_an_invalid_host_in_the_url_is_an_error(self, text):
        with pytest.raises(StoreError, match="cannot be read"):
            read_url(text)


class TestServer:
    def test_a_commit_is_synchronous_even_if_the_database_default_is_not(self, postgres, url):
        postgres.query(f"ALTER DATABASE {name_of(url)} SET synchronous_commit = off")

        async def scenario():
            async with open_and_close(url) as store:
                asked = await store.transactions.read(
                    lambda it: it.exec_driver_sql("SHOW synchronous_commit").scalar()
                )
                assert asked == "on"

        asyncio.run(scenario())

    def test_waiting_outcomes_share_a_commit(self, url):
        async def scenario():
            async with open_and_close(url) as store:
                await create_mailing(store, 500)
                batch = await store.ledger.claim(1, limit=500, now=NOW)
                commits = []
                sa.event.listen(store.transactions.database._engine, "commit", commits.append)
                await asyncio.gather(*(record_intents(store, one.id) for one in batch))
                assert 1 <= len(commits) <= 3

        asyncio.run(scenario())

    @pytest.mark.usefixtures("small_pages")
    def test_a_reader_of_pages_holds_no_transaction_between_them(self, postgres, url):
        async def scenario():
            async with open_and_close(url) as store:
                await create_mailing(store, 150)
                pages = store.subscribers.iter_list("weekly")
                await anext(pages)
                asked = (
                    "SELECT state FROM pg_stat_activity WHERE datname = %s AND application_name = 'moza-mail'"
                )
                assert postgres.query(asked, name_of(url)) == [("idle",)]
                await pages.aclose()

        asyncio.run(scenario())

    def test_many_processes_may_open_a_new_store_at_once(self, postgres):
        postgres.query("CREATE DATABASE fresh")
        try:
            at = postgres.url("fresh")
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
            for process in [start_python(program, at, number) for number in range(4)]:
                read_output(process)

            async def scenario():
                async with open_and_close(at) as store:
                    assert (await store.subscribers.count_audience("weekly")).confirmed == 80

            asyncio.run(scenario())
        finally:
            postgres.query("DROP DATABASE fresh WITH (FORCE)")


def test_only_the_last_committed_transaction_of_a_sender_has_its_mark(url):
    database = postgres_database.PostgresDatabase.open(url)
    try:
        database.take_lock(SenderLock.MAILINGS, "moza-mail send")
        mark = commit.CommitMark(database.sender_id(SenderLock.MAILINGS), 7)
        later = mark._replace(number=8)

        def has(wanted: commit.CommitMark) -> bool:
            with database.reading() as connection:
                return commit.has_mark(connection, wanted)

        with database._connected().begin():
            commit.begin(database._connected(), mark)
        assert (has(mark), has(later)) == (True, False)
        with database._connected().begin() as transaction:
            commit.begin(database._connected(), later)
            transaction.rollback()
        assert (has(mark), has(later)) == (True, False)
    finally:
        database.close()
