"""The running service mails the operator once about each problem that needs a person."""

import asyncio
import time
from datetime import timedelta

import pytest

from moza_mail.app import service_health, watch_service
from moza_mail.app.open_project import open_store
from moza_mail.app.watch_service import ServiceWatch
from moza_mail.errors import (
    AuthenticationRefused,
    RelayUnreachable,
    SenderRefused,
    StoreLocked,
    ThemeError,
)
from moza_mail.project import find_project
from tests.support.project_folder import folder
from tests.support.public_site import serve_site

OPERATOR = "operator@example.org"
LOW_DISK = "less than 8 MB is free"


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    project.set(notify=OPERATOR)
    return project


def notices(project) -> list[str]:
    """Return the texts of the mails to the operator."""
    return [message.get_content() for message in project.outbox() if message["To"] == OPERATOR]


def watching(project, scenario):
    """Run a scenario with the watch of an open store."""

    async def run():
        found = find_project(project.path)
        async with open_store(found) as store:
            faults = tuple(found.find_list_faults().values())
            await scenario(ServiceWatch(project=found, store=store, list_faults=faults))

    asyncio.run(run())


def test_no_problem_means_no_mail(project):
    watching(project, lambda watch: watch.check())
    assert notices(project) == []


def test_a_nearly_full_disk_is_mailed_once_and_again_if_it_happens_again(project, monkeypatch):
    async def scenario(watch):
        for free in (1, 1, 10**9, 1):
            monkeypatch.setattr("os.statvfs", FakeDisk(free))
            await watch.check()

    watching(project, scenario)
    assert [LOW_DISK in text for text in notices(project)] == [True, True]
    assert "moza-mail doctor" in notices(project)[0]


class FakeDisk:
    """The answer of the system for a disk with this many bytes free."""

    f_frsize = f_bsize = 1

    def __init__(self, free: int) -> None:
        self.f_bavail = self.f_bfree = free

    def __call__(self, _path):
        return self


def test_an_unreadable_store_is_reported_by_mail_without_using_the_store(project):
    async def scenario(watch):
        await watch.store.close()
        await watch.check()
        await watch.check()

    watching(project, scenario)
    (text,) = notices(project)
    assert "moza-mail.db is closed" in text


def test_a_problem_is_mailed_once_even_after_a_restart(project):
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + '\n[monthly]\ntitle = "M"\nsender = "m@example.org"\ncolour = "x"\n')
    for _ in range(2):
        watching(project, lambda watch: watch.check())
    (text,) = notices(project)
    assert "`monthly.colour` is not a known key" in text
    # The run of cron knows the same cause.
    assert project.run("send", "--due").code == 3
    assert len(notices(project)) == 1


@pytest.mark.parametrize(
    ("error", "mailed"),
    [
        (ThemeError("theme `x`: partials/logo.html is missing", theme="x"), "logo.html is missing"),
        (SenderRefused("the relay refuses weekly", relay="relay"), "the relay refuses weekly"),
        (ZeroDivisionError(), "because of a bug in moza-mail (ZeroDivisionError)"),
        (RelayUnreachable("no answer", relay="relay"), ""),
        (AuthenticationRefused("no", relay="relay"), ""),
        (StoreLocked("another process"), ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_failing_confirmations_are_reported_by_mail_if_a_person_must_act(project, error, mailed):
    async def scenario(watch):
        for _ in range(3):
            watch.note_error(error)
            await watch.check()

    watching(project, scenario)
    assert [mailed in text for text in notices(project)] == ([True] if mailed else [])


def test_delayed_confirmations_are_reported_by_mail(project, monkeypatch):
    project.run("subscribers", "list")
    project.set(relay="smtp://127.0.0.1:1")
    monkeypatch.setattr(service_health, "MAX_MAIL_DELAY", timedelta(0))
    with serve_site(project) as site, site.client() as web:
        sent = site.form(email="nieuw@example.org")
        assert web.post(f"{site.url}/lists/weekly", data=sent).status_code in {200, 303}
    project.set(relay="outbox:outbox")
    for _ in range(2):
        watching(project, lambda watch: watch.check())
    (text,) = notices(project)
    assert "delayed: confirmation mails wait since" in text


def test_the_running_service_mails_problems_to_the_operator(project):
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + '\n[monthly]\ntitle = "M"\nsender = "m@example.org"\ncolour = "x"\n')
    with serve_site(project):
        deadline = time.monotonic() + 30
        while not notices(project) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(notices(project)) == 1
    assert watch_service.CHECK_SECONDS <= 60
