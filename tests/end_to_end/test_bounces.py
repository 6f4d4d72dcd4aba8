"""Bounces after a mailing, from the mailbox to the suppressed address."""

import mailbox
import os
import re
import stat
import subprocess

import pytest

from moza_mail.compose import SignedLinks
from tests.support.editor import open_client
from tests.support.project_folder import ISSUE, folder


@pytest.fixture
def project(tmp_path):
    """Send a mailing to three recipients, with a return address for each message, and create an empty mailbox."""
    here = folder(tmp_path)
    here.set(bounce_domain="bounce.example.org", bounce_mailbox="maildir:bounces")
    here.add_readers(3)
    assert here.run("send", ISSUE, "--yes").code == 0
    for name in ("new", "cur", "tmp"):
        (tmp_path / "bounces" / name).mkdir(parents=True)
    return here


def return_address(project, reader: int) -> str:
    """Return the envelope sender of a recipient's message, because the outbox stores no envelopes."""
    secret = (project.path / "subscribers" / "secret").read_text().strip()
    return f"{SignedLinks(secret=secret.encode()).make_bounce_local_part(1, reader + 1)}@bounce.example.org"


def report(
    to: str, address: str, code: str = "5.1.1", words: str = "User unknown", returned: str = ""
) -> bytes:
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.org
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {address}
Action: failed
Status: {code}
Diagnostic-Code: smtp; 550 {code} {words}

--b
Content-Type: text/rfc822-headers

{returned}
--b--
""".encode()


def deliver(project, name: str, content: bytes) -> None:
    (project.path / "bounces" / "new" / name).write_bytes(content)


def show_subscriber(project, reader: int):
    return project.run("subscribers", "show", f"lezer{reader}@example.org", "--json").json


def test_an_address_that_does_not_exist_is_suppressed_and_counts_once(project):
    content = report(return_address(project, 1), "lezer1@example.org")
    deliver(project, "1", content)
    dry = project.run("bounces", "--dry-run", "--json").json
    assert (dry["kinds"], [one["address"] for one in dry["suppressed"]]) == (
        {"hard": 1},
        ["l***@example.org"],
    )
    assert show_subscriber(project, 1)["suppressions"] == []

    done = project.run("bounces")
    assert done.code == 0, done.err
    assert "1 read: 1 hard" in done.out
    assert "suppressed: l***@example.org (hard_bounce)" in done.out
    assert "lezer1" not in done.out + done.err
    (suppression,) = show_subscriber(project, 1)["suppressions"]
    assert suppression["reason"] == "hard_bounce"
    assert "550 5.1.1 User unknown [2026-01-14 to weekly]" in suppression["evidence"]
    assert [(one["issue"], one["kind"]) for one in show_subscriber(project, 1)["bounces"]] == [
        ("2026-01-14", "hard")
    ]
    assert project.states() == {"accepted": 3}

    assert project.run("bounces", "--json").json["read"] == 0
    deliver(project, "2", content)
    assert project.run("bounces", "--json").json["counted_before"] == 1
    assert len(show_subscriber(project, 1)["bounces"]) == 1
    kept = sorted(path.read_bytes() for path in (project.path / "bounces" / ".processed" / "cur").iterdir())
    assert kept == [content, content]


def test_messages_in_an_mbox_that_is_read_repeatedly_count_once(project):
    path = project.path / "bounces.mbox"
    box = mailbox.mbox(path)
    box.add(report(return_address(project, 1), "lezer1@example.org"))
    box.add(report(return_address(project, 2), "lezer2@example.org", "5.7.1", "blocked"))
    box.close()
    before = path.read_bytes()
    first, again = (project.run("bounces", "mbox:bounces.mbox", "--json") for _ in range(2))
    assert (first.code, first.json["kinds"]) == (0, {"hard": 1, "policy": 1})
    assert (again.json["kinds"], again.json["counted_before"]) == ({}, 2)
    assert path.read_bytes() == before
    assert show_subscriber(project, 2)["suppressions"] == []


def test_a_report_without_proof_of_a_mailing_changes_nothing_and_is_kept(project):
    forged = SignedLinks(secret=b"somebody else's secret").make_bounce_local_part(1, 1)
    deliver(project, "forged", report(f"{forged}@bounce.example.org", "lezer1@example.org"))
    deliver(project, "bare", report("weekly@example.org", "lezer1@example.org"))
    (other,) = [mail for mail in project.outbox() if "lezer2@" in mail["To"]]
    swapped = f"To: lezer1@example.org\nMessage-ID: {other['Message-ID']}"
    deliver(project, "swapped", report("weekly@example.org", "lezer1@example.org", returned=swapped))
    deliver(project, "human", b"From: a@example.org\nSubject: Re: MOZa\n\nDank!\n")
    done = project.run("bounces", "--json")
    assert (done.code, done.json["kinds"]) == (3, {"unknown": 4})
    assert {one["message"] for one in done.json["left"]} == {
        "new/forged",
        "new/bare",
        "new/swapped",
        "new/human",
    }
    assert len(list((project.path / "bounces" / "new").iterdir())) == 4
    assert all(show_subscriber(project, reader)["suppressions"] == [] for reader in range(3))


def test_without_a_unique_return_address_our_message_id_proves_a_report(project):
    (sent,) = [mail for mail in project.outbox() if "lezer1@" in mail["To"]]
    returned = f"To: lezer1@example.org\nMessage-ID: {sent['Message-ID']}"
    deliver(project, "1", report("weekly@example.org", "lezer1@example.org", returned=returned))
    assert project.run("bounces", "--json").json["kinds"] == {"hard": 1}
    assert show_subscriber(project, 1)["bounces"][0]["proof"] == "message_id"


def test_an_unsubscribe_mail_unsubscribes_the_sender(project):
    leaving = f"From: lezer2@example.org\nTo: {return_address(project, 2)}\nSubject: unsubscribe\n\n"
    deliver(project, "1", leaving.encode())
    done = project.run("bounces", "--json").json
    assert done["unsubscribed"] == [{"address": "l***@example.org", "list": "weekly"}]
    assert show_subscriber(project, 2)["subscriptions"][0]["state"] == "unsubscribed"
    assert show_subscriber(project, 2)["suppressions"] == []


def pipe_message(project, content: bytes) -> "subprocess.CompletedProcess[bytes]":
    command = {**project.command("bounces", "-"), "input": content}
    del command["stdin"]
    return subprocess.run(**command, capture_output=True, check=False, timeout=60)


def test_a_mail_server_pipes_one_message_and_keeps_it_if_processing_fails(project):
    taken = pipe_message(project, report(return_address(project, 1), "lezer1@example.org"))
    unknown = pipe_message(project, b"From: a@example.org\nSubject: hoi\n\nhoi\n")
    assert (taken.returncode, unknown.returncode) == (0, 0), taken.stderr + unknown.stderr
    assert show_subscriber(project, 1)["suppressions"][0]["reason"] == "hard_bounce"
    kept = project.path / "subscribers" / "bounces"
    (left,) = (kept / "new").iterdir()
    assert left.read_bytes().endswith(b"\n\nhoi\n")
    assert len(list((kept / ".processed" / "cur").iterdir())) == 1
    assert stat.S_IMODE(kept.joinpath("new").stat().st_mode) == 0o700

    project.set(store="sqlite:///nowhere/deep.db/x/store.db")
    (project.path / "nowhere").write_text("a file where a folder should be")
    refused = pipe_message(project, report(return_address(project, 2), "lezer2@example.org"))
    assert refused.returncode == 75
    assert b"Traceback" not in refused.stderr
    assert len(list((kept / "new").iterdir())) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_message_that_cannot_be_moved_is_reported_and_counted_once(project):
    deliver(project, "1", report(return_address(project, 1), "lezer1@example.org"))
    (project.path / "bounces").chmod(0o500)
    try:
        done = project.run("bounces")
        assert (done.code, "cannot be read or written" in done.err) == (2, True)
    finally:
        (project.path / "bounces").chmod(0o700)
    assert project.run("bounces", "--json").json["counted_before"] == 1


def test_a_missing_mailbox_is_reported_with_a_hint(project):
    project.set(bounce_mailbox="")
    done = project.run("bounces")
    assert (done.code, "maildir:PATH" in done.err) == (2, True)


def test_a_suppression_is_removed_with_a_reason_and_stays_in_the_history(project):
    content = report(return_address(project, 1), "lezer1@example.org")
    deliver(project, "1", content)
    assert project.run("bounces").code == 0
    lift = ("subscribers", "unsuppress", "lezer1@example.org", "--reason", "typefout bij de provider")
    lifted = project.run(*lift)
    assert (lifted.code, "may be mailed again" in lifted.out) == (0, True), lifted.err
    assert show_subscriber(project, 1)["suppressions"] == []
    (ended,) = show_subscriber(project, 1)["removed_suppressions"]
    assert (ended["reason"], ended["removal_reason"]) == ("hard_bounce", "typefout bij de provider")
    assert "550 5.1.1 User unknown" in ended["evidence"]
    shown = project.run("subscribers", "show", "lezer1@example.org").out
    assert "was suppressed: hard_bounce" in shown
    assert ": typefout bij de provider" in shown

    deliver(project, "2", content.replace(b"User unknown", b"User unknown, still"))
    assert project.run("bounces", "--json").json["suppressed"] == []
    again = project.run(*lift)
    assert (again.code, "is not suppressed" in again.err) == (1, True)


def test_a_suppression_on_request_is_removed_only_on_request(project):
    suppress = ("subscribers", "suppress", "lezer1@example.org", "--evidence", "belde op 3 januari")
    assert project.run(*suppress).code == 0
    lift = ("subscribers", "unsuppress", "lezer1@example.org", "--reason", "wil toch weer")
    refused = project.run(*lift)
    assert (refused.code, "--they-asked" in refused.err, "belde op 3 januari" in refused.err) == (
        1,
        True,
        True,
    )
    assert len(show_subscriber(project, 1)["suppressions"]) == 1
    assert project.run(*lift, "--they-asked").code == 0
    assert show_subscriber(project, 1)["suppressions"] == []


def test_unsuppress_requires_a_reason(project):
    assert project.run("subscribers", "suppress", "a@example.org", "--evidence", "x").code == 0
    empty = project.run("subscribers", "unsuppress", "a@example.org", "--reason", " ", "--they-asked")
    assert (empty.code, "--reason is empty" in empty.err) == (2, True)
    assert project.run("subscribers", "unsuppress", "a@example.org", "--they-asked").code == 2
    done = project.run("subscribers", "unsuppress", "a@example.org", "--reason", "test", "--they-asked")
    assert done.code == 0
    stranger = project.run("subscribers", "show", "a@example.org", "--json").json
    assert (
        stranger["suppressions"],
        [one["removal_reason"] for one in stranger["removed_suppressions"]],
    ) == ([], ["test"])


def test_bounce_limits_are_configurable(project):
    settings = project.path / "moza-mail.toml"
    settings.write_text(f"{settings.read_text()}\n[bounces]\ndisabled_times = 1\n")
    deliver(project, "1", report(return_address(project, 1), "lezer1@example.org", "5.2.1", "disabled"))
    assert project.run("bounces").code == 0
    assert show_subscriber(project, 1)["suppressions"][0]["reason"] == "hard_bounce"
    settings.write_text(f"{settings.read_text()}soft_times = -1\n")
    wrong = project.run("bounces")
    assert (wrong.code, "bounces.soft_times" in wrong.err, "line" in wrong.err) == (2, True, True)


def unsubscribe_address(project, reader: int) -> str:
    (sent,) = [mail for mail in project.outbox() if f"lezer{reader}@" in mail["To"]]
    return re.search(
        r"<mailto:(unsubscribe\+[a-z2-7]{48}@bounce\.example\.org)\?subject=unsubscribe>",
        sent["List-Unsubscribe"],
    )[1]


def test_each_message_offers_unsubscribing_by_link_and_by_mail(project):
    for mail in project.outbox():
        web, by_mail = mail["List-Unsubscribe"].split(", ")
        assert web.startswith("<https://")
        assert by_mail.startswith("<mailto:unsubscribe+")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len({mail["List-Unsubscribe"] for mail in project.outbox()}) == 3


@pytest.mark.parametrize(
    "head",
    [
        "From: lezer2@example.org\nTo: {to}\nSubject: unsubscribe\n",
        "From: iemand.anders@example.com\nTo: <{to}>\nSubject: Fwd: Re: weg ermee\nAuto-Submitted: auto-generated\n",
        "Return-Path: <>\nDelivered-To: {to}\nTo: iemand@example.com\n",
    ],
    ids=["as asked", "sent on by somebody else", "nothing but the address"],
)
def test_a_mail_to_the_unsubscribe_address_unsubscribes_once(project, head):
    deliver(project, "1", f"{head.format(to=unsubscribe_address(project, 2))}\nhoi\n".encode())
    done = project.run("bounces", "--json").json
    assert done["unsubscribed"] == [{"address": "l***@example.org", "list": "weekly"}]
    states = [show_subscriber(project, reader)["subscriptions"][0]["state"] for reader in range(3)]
    assert states == ["confirmed", "confirmed", "unsubscribed"]
    deliver(project, "2", f"{head.format(to=unsubscribe_address(project, 2))}\nnog eens\n".encode())
    assert project.run("bounces", "--json").json["unsubscribed"] == []


def test_mail_to_a_forged_unsubscribe_address_is_unknown_mail(project):
    links = SignedLinks(secret=b"somebody else's secret")
    ours = return_address(project, 1).removeprefix("bounce+")
    for number, to in enumerate(
        (f"{links.make_unsubscribe_local_part(1, 2)}@bounce.example.org", f"unsubscribe+{ours}")
    ):
        deliver(
            project,
            str(number),
            f"From: x@example.org\nTo: {to}\nSubject: unsubscribe\n\n{number}\n".encode(),
        )
    done = project.run("bounces", "--json")
    assert (done.code, done.json["kinds"], len(done.json["left"])) == (3, {"unknown": 2}, 2)
    assert show_subscriber(project, 1)["subscriptions"][0]["state"] == "confirmed"


def test_status_shows_bounces_and_consistent_totals(project):
    deliver(project, "1", report(return_address(project, 1), "lezer1@example.org"))
    deliver(
        project, "2", report(return_address(project, 1), "lezer1@example.org", words="User unknown, again")
    )
    deliver(project, "3", f"From: a@example.org\nTo: {unsubscribe_address(project, 2)}\n\nhoi\n".encode())
    assert project.run("bounces").code == 0
    told = project.run("status", "--domains", "--json").json
    assert (told["audience"], told["left"], told["reports"]["hard"]) == (3, 1, 1)
    (only,) = told["domains"]
    assert (only["domain"], only["audience"], only["accepted"], only["hard"]) == ("example.org", 3, 3, 1)
    shown = project.run("status", "--domains").out
    assert "1 hard bounces: the address does not exist" in shown
    assert "1 left the list" in shown
    assert "3 example.org: 3 accepted, 1 hard" in shown
    head, row, total = (line.split(",") for line in project.run("status", "--csv").out.splitlines())
    assert dict(zip(head, row, strict=True))["hard"] == "1"
    assert (row[0], total[0], row[1:]) == ("example.org", "total", total[1:])


def test_the_editor_shows_the_mailing_as_a_chart_and_a_table(project):
    deliver(project, "1", report(return_address(project, 1), "lezer1@example.org"))
    assert project.run("bounces").code == 0
    browser = open_client(project.path)
    page = browser.get("/status")
    assert page.status_code == 200
    assert page.text.count("<rect") == 2
    assert '<th scope="row">example.org</th><td>3</td><td>3</td><td>0</td><td>0</td><td>1</td>' in page.text
    assert "lezer" not in page.text.split("<main")[1].lower().replace("lezers", "")
    assert browser.get("/status?mailing=999").text == page.text
