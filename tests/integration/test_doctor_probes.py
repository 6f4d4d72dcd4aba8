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


class TestRelayProbe:
    @pytest.mark.parametrize(
        ("url", "how"),
        [
            ("smtp+starttls://weekly@localhost:{port}", "starttls"),
            ("smtps://weekly@localhost:{port}", "implicit"),
        ],
    )
    def test_the_probe_checks_tls_certificate_and_login_and_sends_no_mail(self, tmp_path, url, how):
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

    def test_the_probe_sends_only_ehlo_and_quit(self):
        async def main():
            async with scripted_relay({}) as relay:
                found = await probe_relay(relay.relay, ServerAccess())
                return found, relay.commands

        found, commands = asyncio.run(main())

        assert "pipelining" in found.extensions
        assert [command.split()[0] for command in commands] == ["EHLO", "QUIT"]

    def test_an_error_that_stops_a_mailing_stops_the_probe(self, tmp_path):
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


class TestOutboxProbe:
    def test_an_outbox_folder_that_can_be_created_is_no_problem_and_is_not_created(self, tmp_path):
        assert find_outbox_problem("outbox:a/b", tmp_path) == ""
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_place_of_the_outbox_folder_is_a_problem(self, tmp_path):
        (tmp_path / "outbox").write_text("")
        assert find_outbox_problem("outbox:outbox", tmp_path) == f"{tmp_path / 'outbox'} is not a folder"


class TestStoreProbe:
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

    def test_an_intact_store_is_described_with_its_version_and_newest_time(self, path):
        found = self.look(path)

        assert (found.exists, found.damage, found.last_change) == (True, "", NOW)
        assert found.schema == found.known_schema

    def test_a_missing_store_is_not_created(self, tmp_path):
        assert not self.look(tmp_path / "none/store.db").exists
        assert list(tmp_path.iterdir()) == []

    def test_an_older_store_is_described_and_not_migrated(self, path):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE schema_version SET version = '0000'")
        before = path.read_bytes()

        assert self.look(path).schema == "0000"
        assert path.read_bytes() == before

    def test_a_damaged_store_is_reported(self, path):
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

    def test_a_file_that_is_not_a_store_is_reported(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
            connection.execute("CREATE TABLE other (x)")
        with pytest.raises(StoreError, match="cannot be read"):
            self.look(tmp_path / "other.db")
        (tmp_path / "text.db").write_text("no database at all, and longer than nothing")
        with pytest.raises(StoreError, match="cannot be read"):
            self.look(tmp_path / "text.db")

    def test_a_store_on_postgresql_is_described_too(self, postgres):
        async def scenario(url):
            store = await open_store(url)
            await create_mailing(store, 2)
            await store.close()
            return await inspect_store(url)

        with postgres.database() as url:
            found = asyncio.run(scenario(url))

        assert (found.exists, found.schema, found.last_change) == (True, found.known_schema, NOW)
        assert found.path is None
