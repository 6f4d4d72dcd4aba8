"""Signing up: the confirmation mail, its link, and a kill while confirmation mails are being sent."""

import asyncio
import re
import secrets
import signal
import time
from datetime import UTC, datetime

import pytest

from benchmarks.crash import count_complete_messages, wait_until_quiet
from moza_mail.compose import SignedLinks
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import Consent
from moza_mail.model.sign_up import SignUp
from moza_mail.project import find_project
from moza_mail.store import open_store
from moza_mail.subscribe import SelfService
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import smtp_sink

WORDS = Consent(text="Ja, mail mij.", version="2026-01")
PUBLIC = "https://nieuws.example.org"


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    project.set(public_url=PUBLIC)
    return project


class SignUpPages:
    """Sign up and unsubscribe as the public pages do, without a web server."""

    def __init__(self, project) -> None:
        found = find_project(project.path)
        self.url, self.secret = found.store_url(), found.read_secret()
        self.weekly = found.read_list("weekly")
        self.links = SignedLinks(secret=self.secret, public_url=PUBLIC)

    def run_with_store(self, scenario):
        """Run a coroutine with the store."""

        async def work():
            store = await open_store(self.url, actor="web", hasher=AddressHasher(secret=self.secret))
            try:
                return await scenario(store)
            finally:
                await store.close()

        return asyncio.run(work())

    def sign_up(self, *addresses: str, **more: str) -> None:
        async def work_with_store(store):
            for text in addresses:
                filled_form = SignUp(address=Address.parse(text), consent=WORDS, source="form", **more)
                service, stamp = SelfService(store, self.links), secrets.token_hex(16)
                assert await service.sign_up(filled_form, self.weekly, stamp=stamp, now=datetime.now(UTC))

        self.run_with_store(work_with_store)

    def confirm(self, token: str) -> None:
        self.run_with_store(
            lambda store: SelfService(store, self.links).confirm("weekly", token, now=datetime.now(UTC))
        )

    def leave(self, token: str) -> None:
        self.run_with_store(
            lambda store: SelfService(store, self.links).unsubscribe("weekly", token, now=datetime.now(UTC))
        )

    def counts(self) -> dict[DeliveryState, int]:
        return self.run_with_store(lambda store: store.confirmations.count_by_state())


def link(message, page: str) -> str:
    """Return the token of a link in the text part of a mail."""
    text = message.get_body(("plain",)).get_content()
    (token,) = re.findall(rf"{PUBLIC}/{page}/weekly/([A-Za-z0-9_-]+)", text)
    return token


def test_a_person_signs_up_confirms_gets_the_issue_and_unsubscribes(project):
    pages = SignUpPages(project)
    pages.sign_up("zoe@example.com", name="Zoë", lang="en")
    done = project.run("confirmations", "--json")
    assert (done.code, done.json["accepted"], done.json["waiting"]) == (0, 1, 0)
    (asked,) = project.outbox()
    assert asked["To"] == "zoe@example.com"
    assert asked["Subject"] == "Confirm that you want to receive MOZa Weekly"
    assert "Ja, mail mij. [2026-01]" in asked.get_body(("plain",)).get_content()
    # Until the link is used, the list has no subscriber to mail.
    assert project.run("send", ISSUE, "--list", "weekly", "--yes").code == 1
    pages.confirm(link(asked, "confirm"))
    shown = project.run("subscribers", "show", "zoe@example.com", "--json").json
    assert (shown["name"], shown["subscriptions"][0]["state"]) == ("Zoë", "confirmed")
    assert shown["subscriptions"][0]["consent"] == "Ja, mail mij. [2026-01]"
    assert project.run("send", ISSUE, "--list", "weekly", "--yes").code == 0
    (issue,) = [message for message in project.outbox() if message["List-Id"]]
    pages.leave(link(issue, "unsubscribe"))
    shown = project.run("subscribers", "show", "zoe@example.com", "--json").json
    assert shown["subscriptions"][0]["state"] == "unsubscribed"
    assert project.run("confirmations").out == "Confirmations: none was due; 0 waiting\n"


def test_confirmations_does_nothing_while_another_process_mails_them(project):
    pages = SignUpPages(project)
    pages.sign_up("zoe@example.com")

    async def apart(store):
        async with store.confirmations.hold_sender_lock("moza-mail serve"):
            process = project.start("confirmations")
            out, err = await asyncio.to_thread(process.communicate, timeout=60)
            return process.returncode, out.decode(), err.decode()

    code, out, err = pages.run_with_store(apart)
    assert (code, out) == (0, "")
    assert "moza-mail serve" in err
    assert project.outbox() == []


def test_a_sign_up_during_a_long_mailing_is_confirmed_at_once_and_the_mailing_continues(project):
    pages = SignUpPages(project)
    project.add_readers(100)
    with smtp_sink() as sink:
        # The mailing and the confirmation share a rate, so the mailing takes at least five seconds.
        project.set(relay=sink.relay, rate="20/s")
        process = project.start("send", ISSUE, "--list", "weekly", "--yes")
        deadline = time.monotonic() + 60
        while not list(sink.folder.iterdir()):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        pages.sign_up("zoe@example.com")
        assert project.run("confirmations", "--json").json["accepted"] == 1
        assert process.poll() is None, "the mailing was over before"
        process.communicate(timeout=60)
        received = count_complete_messages(sink)
    assert process.returncode == 0
    assert received == dict.fromkeys([f"lezer{number}@example.org" for number in range(100)], 1) | {
        "zoe@example.com": 1
    }


def test_without_public_pages_no_confirmation_is_mailed(project):
    SignUpPages(project).sign_up("zoe@example.com")
    project.set(public_url="")
    done = project.run("confirmations")
    assert done.code == 2
    assert "public_url" in done.err
    assert project.outbox() == []


@pytest.mark.parametrize("moment", [1, 60])
def test_a_kill_while_confirmations_are_mailed_repeats_none_and_lists_the_missing_ones(project, moment):
    pages = SignUpPages(project)
    addresses = [f"lezer{number}@example.org" for number in range(150)]
    pages.sign_up(*addresses)
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        process = project.start("confirmations")
        deadline = time.monotonic() + 60
        while len(list(sink.folder.iterdir())) < moment:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        wait_until_quiet(sink)
        assert project.run("confirmations").code == 0
        received = count_complete_messages(sink)
    counts = pages.counts()
    assert counts[DeliveryState.ACCEPTED] + counts[DeliveryState.UNCERTAIN] == len(addresses)
    assert max(received.values()) == 1
    missing = set(addresses) - {to for to, copies in received.items() if copies}
    assert len(missing) <= counts[DeliveryState.UNCERTAIN] <= 64 + 8
