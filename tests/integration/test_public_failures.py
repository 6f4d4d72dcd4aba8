"""The public pages when something breaks: a killed server, a full disk, a store that a sender keeps busy."""

import asyncio
import resource
import socket
import sqlite3
import time
from contextlib import closing

import httpx
import pytest

from moza_mail.app import login_backoff
from moza_mail.app.open_project import open_store
from moza_mail.project import find_project
from tests.support.http_load import count_lost, make_unsubscribe_requests, run_load
from tests.support.public_site import project, serve_site
from tests.support.smtp_servers import free_port

READERS = 600
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def here(tmp_path):
    here = project(tmp_path)
    here.add_readers(READERS)
    return here


@pytest.mark.parametrize("at", [50, 300])
def test_a_confirmed_unsubscription_survives_a_kill_of_the_server(here, at):
    with serve_site(here) as site:

        def until(answers):
            if answers >= at:
                site.process.kill()
            return True

        answers = run_load(site, make_unsubscribe_requests(site, range(1, READERS + 1)), until)
        site.process.wait(timeout=60)
        assert at <= len(answers.statuses) < READERS
        assert set(answers.statuses.values()) == {200}
        assert count_lost(site, 1, answers) == 0
    with serve_site(here) as site:
        assert set(
            run_load(site, make_unsubscribe_requests(site, range(1, READERS + 1))).statuses.values()
        ) == {200}
        rows = site.dump()["subscriptions"]
        assert {row[2] for row in rows} == {"unsubscribed"}


def test_a_full_disk_gives_an_error_page_and_nothing_is_lost_or_revealed(here):
    with serve_site(here) as site, site.client() as web:
        assert web.post(site.links.make_unsubscribe_url("weekly", 1), data=ONE_CLICK).status_code == 200
        before = resource.prlimit(site.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        for url in (site.links.make_unsubscribe_url("weekly", 2), site.links.make_preferences_url(2)):
            answer = web.post(url, data={"shown": "weekly", **ONE_CLICK})
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert "Het lukt nu even niet" in answer.text
            assert "moza-mail.db" not in answer.text
            assert "StoreError" not in answer.text
        assert web.get(site.links.make_unsubscribe_url("weekly", 2)).status_code == 200
        assert web.get("/healthz").text == "ok\n"
        resource.prlimit(site.process.pid, resource.RLIMIT_FSIZE, before)
        assert web.post(site.links.make_unsubscribe_url("weekly", 2), data=ONE_CLICK).status_code == 200
        assert [site.state(f"lezer{number}@example.org") for number in range(3)] == [
            "unsubscribed",
            "unsubscribed",
            "confirmed",
        ]
        site.process.terminate()
        said = site.process.communicate(timeout=20)[1].decode()
        assert "StoreError at " in said
        assert "lezer" not in said
        assert site.links.make_unsubscribe_url("weekly", 2).rpartition("/")[2] not in said


def test_the_server_waits_for_another_program_that_writes(here):
    with serve_site(here) as site, site.client() as web:
        other = sqlite3.connect(here.path / "subscribers" / "moza-mail.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout), site.client() as impatient:
            impatient.post(site.links.make_unsubscribe_url("weekly", 1), data=ONE_CLICK, timeout=0.5)
        other.rollback()
        other.close()
        assert web.post(site.links.make_unsubscribe_url("weekly", 1), data=ONE_CLICK).status_code == 200
        assert time.monotonic() - began < 20


def test_an_idle_connection_is_closed(here):
    with serve_site(here) as site, socket.create_connection(site.address, 30) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: ")
        began = time.monotonic()
        assert line.recv(100) == b""
        assert 5 < time.monotonic() - began < 20


def test_the_health_check_reports_confirmations_that_wait_longer_than_five_minutes(here):
    here.set(relay=f"smtp://127.0.0.1:{free_port()}")
    with serve_site(here) as site, site.client() as web:
        assert web.post("/lists/weekly", data=site.form()).status_code in {200, 303}
        assert web.get("/healthz").text == "ok\n"
        site.wait_for_sign_ups()
        with closing(sqlite3.connect(here.path / "subscribers" / "moza-mail.db")) as store, store:
            store.execute("UPDATE confirmations SET created_at = '2026-01-14T08:00:00.000000+00:00'")
        answer = web.get("/healthz")
        assert answer.status_code == 200
        assert answer.text == "delayed: confirmation mails wait since 2026-01-14T08:00:00Z\n"


def test_the_health_check_reports_a_refused_login(here):
    here.set(relay=f"smtp://weekly@127.0.0.1:{free_port()}")

    async def refuse() -> None:
        project = find_project(here.path)
        async with open_store(project) as store:
            await login_backoff.remember_refusal(store, project, login_backoff.RELAY)

    asyncio.run(refuse())
    with serve_site(here) as site, site.client() as web:
        answer = web.get("/healthz")
    assert answer.status_code == 200
    assert answer.text.startswith("attention: the relay refused the login")


def test_the_health_check_reports_an_unreadable_store(here):
    with serve_site(here) as site, site.client() as web:
        store = here.path / "subscribers" / "moza-mail.db"
        with closing(sqlite3.connect(store)) as other, other:
            other.execute("ALTER TABLE confirmations RENAME TO gone")
        answer = web.get("/healthz")
    assert answer.status_code == 503
    assert answer.text == "unavailable: the store: it cannot be read\n"
