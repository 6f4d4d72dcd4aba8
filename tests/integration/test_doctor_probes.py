"""Read-only inspection of a relay and of a store."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from moza_mail.errors import AuthenticationRefused, RelayUnreachable, StoreError, TlsFailed
from moza_mail.model.server_url import ServerAccess
from moza_mail.store import inspect_store, open_store
from moza_mail.transport import find_outbox_problem, probe_relay
from tests.integration.test_smtp_tls import CA, context
from tests.support.smtp_servers import aiosmtpd_relay, free_port, scripted_relay
from tests.support.store_builders import NOW, create_mailing


def seen(url, folder, password="goed", **server):
    """Probe aiosmtpd, and return the result and the server. `{port}` in the URL is replaced."""
    CA.cert_pem.write_to_path(str(folder / "ca.pem"))

    async def main():
        async with aiosmtpd_relay(**server) as relay:
            found = await probe_relay(
                url.format(port=relay.port),
                ServerAccess(password=password, cafile=str(folder / "ca.pem")),
            )
            return found, relay

    return asyncio.run(main())


class TestRelay:
    @pytest.mark.parametrize(
        ("url", "how"),
        [
            ("smtp+starttls://weekly@localhost:{port}", "starttls"),
            ("smtps://weekly@localhost:{port}", "implicit"),
        ],
    )
    def test_tls_its_certificate_and_the_login_are_seen_and_no_mail_is_sent(self, tmp_path, url, how):
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)

        found, relay = seen(url, tmp_path, login=True, **{how: context("localhost", not_after=ends)})

        assert found.tls.startswith("TLSv1.")
        assert found.certificate_ends == ends
        assert found.logged_in
        assert "size" in found.extensions
        assert relay.received == []
        assert relay.tried_passwords == [b"goed"]

    def test_without_tls_there_is_no_certificate(self, tmp_path):
        found, _ = seen("smtp://127.0.0.1:{port}", tmp_path)

        assert (found.tls, found.certificate_ends, found.logged_in) == ("", None, False)

    def test_it_says_hello_and_goodbye_and_nothing_else(self):
        async def main():
            async with scripted_relay({}) as relay:
                found = await probe_relay(relay.relay, ServerAccess())
                return found, relay.commands

        found, commands = asyncio.run(main())

        assert "pipelining" in found.extensions
        assert [command.split()[0] for command in commands] == ["EHLO", "QUIT"]

    def test_what_keeps_a_mailing_away_keeps_a_look_away(self, tmp_path):
        with pytest.raises(RelayUnreachable):
            asyncio.run(probe_relay(f"smtp://127.0.0.1:{free_port()}", ServerAccess()))
        with pytest.raises(TlsFailed):
            seen("smtps://localhost:{port}", tmp_path, implicit=context("elsewhere.test"))
        with pytest.raises(AuthenticationRefused):
            seen(
                "smtps://weekly@localhost:{port}",
                tmp_path,
                password="fout",
                login=True,
                implicit=context("localhost"),
            )


class TestOutbox:
    def test_a_folder_that_can_be_made_is_well_and_is_not_made(self, tmp_path):
        assert find_outbox_problem("outbox:a/b", tmp_path) == ""
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_its_place_is_not(self, tmp_path):
        (tmp_path / "outbox").write_text("")
        assert find_outbox_problem("outbox:outbox", tmp_path) == f"{tmp_path / 'outbox'} is not a folder"


class TestStore:
    @pytest.fixture
    def path(self, tmp_path):
        async def fill():
            store = await open_store(f"sqlite:///{tmp_path}/store.db")
            await create_mailing(store, 3)
            await store.close()

        asyncio.run(fill())
        return tmp_path / "store.db"

    def look(self, path):
        return asyncio.run(inspect_store(f"sqlite:///{path}"))

    def test_a_sound_one_is_told_with_its_version_and_its_newest_moment(self, path):
        found = self.look(path)

        assert (found.exists, found.damage, found.last_change) == (True, "", NOW)
        assert found.schema == found.known_schema

    def test_one_that_is_not_there_is_not_made(self, tmp_path):
        assert not self.look(tmp_path / "none/store.db").exists
        assert list(tmp_path.iterdir()) == []

    def test_an_older_one_is_told_and_left_as_it_was(self, path):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE schema_version SET version = '0000'")
        before = path.read_bytes()

        assert self.look(path).schema == "0000"
        assert path.read_bytes() == before

    def test_damage_is_found(self, path):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (page,) = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'deliveries'"
            ).fetchone()
            (size,) = connection.execute("PRAGMA page_size").fetchone()
        broken = path.with_name("broken.db")
        shutil.copy(path, broken)
        with broken.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\0" * size)

        try:
            assert self.look(broken).damage
        except StoreError as error:
            assert "cannot be read" in error.message  # noqa: PT017  (either way it is told)

    def test_something_else_is_named(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
            connection.execute("CREATE TABLE other (x)")
        with pytest.raises(StoreError, match="cannot be read"):
            self.look(tmp_path / "other.db")
        (tmp_path / "text.db").write_text("no database at all, and longer than nothing")
        with pytest.raises(StoreError, match="cannot be read"):
            self.look(tmp_path / "text.db")

    def test_one_on_a_server_is_told_too(self, postgres):
        async def scenario(url):
            store = await open_store(url)
            await create_mailing(store, 2)
            await store.close()
            return await inspect_store(url)

        with postgres.database() as url:
            found = asyncio.run(scenario(url))

        assert (found.exists, found.schema, found.last_change) == (True, found.known_schema, NOW)
        assert found.path is None
