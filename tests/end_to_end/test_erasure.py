"""An address planted everywhere in a project, in many spellings, and erased: no byte of it is left."""

import gzip
import json
import sqlite3
import subprocess
import unicodedata
from contextlib import closing
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

import pytest

from moza_mail.model.address import Address
from tests.support.project_folder import folder

PERSON = "Zoë.Müller@bücher.example"
STORED = "Zoë.Müller@xn--bcher-kva.example"
NAME = "Zoë van Ouds-Achter"
SPELLINGS = [
    "zoë.müller@bücher.example",
    "ZOË.MÜLLER@BÜCHER.EXAMPLE",
    "zoë.müller@xn--bcher-kva.example",
    unicodedata.normalize("NFD", "Zoë.Müller@bücher.example"),
    quote("zoë.müller@bücher.example"),
    '"zoë.müller"@bücher.example',
]
OTHER = "zoe.muller@bucher.example"
TRACES = ["zoë.müller", "zo%c3%ab.m%c3%bcller", "ouds-achter"]


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    made.set(smtputf8=True, bounce_mailbox="maildir:subscribers/reports")
    made.add_readers(2)
    added = made.run("subscribers", "add", PERSON, "--name", NAME, "--consent", f"mail van {SPELLINGS[1]}")
    assert added.code == 0, added.err
    mentioned = f"samen met {', '.join(SPELLINGS)}, en {OTHER}"
    assert (
        made.run(
            "subscribers", "add", "ander@example.org", "--consent", mentioned, "--set", f"via={mentioned}"
        ).code
        == 0
    )
    sent = made.run("send", "2026-01-14", "--yes")
    assert sent.code == 0, sent.err
    return made


def message(to, text, encoding="quoted-printable"):
    mail = EmailMessage(policy=SMTP.clone(utf8=True))
    mail["To"], mail["Subject"] = to, "test"
    mail.set_content(text, cte=encoding)
    return mail.as_bytes()


def plant(project):
    """Write the address into every kind of file that a project may have."""
    root = project.path
    rows = "".join(f"{spelling},{NAME}\r\n" for spelling in SPELLINGS)
    write(root / "export.csv", f"\ufeffemail,name\r\n{OTHER},Zoe\r\n{rows}")
    write(
        root / "reports" / "import.csv",
        f'email,reason\n{OTHER},"two\nlines"\n"{SPELLINGS[3]}","two\nlines {NAME}"\n',
    )
    (root / "excel.csv").write_bytes(
        f"email;naam\r\n{SPELLINGS[0]};{NAME}\r\n{OTHER};Zoe\r\n".encode("utf-16")
    )
    write(root / "list.txt", f"{NAME} <{SPELLINGS[1]}>\n{OTHER}\n")
    write(root / "letter.txt", f"Dear {SPELLINGS[2]},\n\nWe wrote to {OTHER}.\nRegards\n")
    write(root / "answer.json", json.dumps({"email": SPELLINGS[0], "name": NAME, "rows": [1]}))
    write(root / "list.json", json.dumps([{"email": SPELLINGS[3], "name": NAME}, {"email": OTHER}]))
    write(
        root / ".moza-mail" / "links.json",
        json.dumps({"answers": {f"https://x.example/?u={SPELLINGS[4]}": 1}}),
    )
    write(
        root / "rows.jsonl",
        f"{json.dumps({'email': SPELLINGS[0], 'name': NAME})}\n{json.dumps({'email': OTHER})}\n",
    )
    write(root / "cron.log", f"10:00 refused {SPELLINGS[0]}\n10:01 accepted {OTHER}\n")
    write(root / "report.html", f"<a href='mailto:{SPELLINGS[4]}'>{SPELLINGS[0]}</a> {OTHER}")
    write(root / f"answer {SPELLINGS[2]}.txt", NAME)
    for name, encoding in (("a", "quoted-printable"), ("b", "base64"), ("c", "8bit")):
        bounced = message("bounces@example.org", f"{SPELLINGS[1]}: unknown ({NAME})", encoding)
        write_bytes(root / "subscribers" / "reports" / ".processed" / "cur" / f"{name}:2,S", bounced)
    write_bytes(root / "subscribers" / "bounces" / ".processed" / "cur" / "d:2,S", message(STORED, NAME))


def write(path, text):
    write_bytes(path, text.encode())


def write_bytes(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def read_everything(project):
    """Yield every file's path and its content as text, also decoded as mail, in lower case and NFC."""
    for path in sorted(project.path.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        texts = [content.decode("utf-8", "replace"), content.decode("utf-16-le", "replace"), path.name]
        if path.suffix == ".eml" or path.parent.name == "cur":
            from email import message_from_bytes

            parts = message_from_bytes(content).walk()
            texts += [(part.get_payload(decode=True) or b"").decode("utf-8", "replace") for part in parts]
        yield path, unicodedata.normalize("NFC", "\n".join(texts)).lower()


def find_traces(project):
    return {
        (path.name, trace) for path, text in read_everything(project) for trace in TRACES if trace in text
    }


def test_an_address_in_every_file_and_spelling_is_gone_after_an_erasure(project):
    plant(project)
    assert len({name for name, _ in find_traces(project)}) >= 18
    done = project.run("subscribers", "erase", f"{SPELLINGS[1]}.", "--yes", "--json")
    assert (done.code, done.json["complete"], done.json["files_left"]) == (0, True, {}), done.err
    assert find_traces(project) == set()
    root = project.path
    # The data about other people is still there.
    assert (root / "export.csv").read_bytes() == f"\ufeffemail,name\r\n{OTHER},Zoe\r\n".encode()
    assert (root / "reports" / "import.csv").read_text() == f'email,reason\n{OTHER},"two\nlines"\n'
    assert (root / "excel.csv").read_text("utf-16") == f"email;naam\n{OTHER};Zoe\n"
    assert (root / "list.txt").read_text() == f"{OTHER}\n"
    assert (root / "letter.txt").read_text() == f"Dear (no longer kept),\n\nWe wrote to {OTHER}.\nRegards\n"
    assert json.loads((root / "list.json").read_text()) == [{"email": OTHER}]
    assert json.loads((root / "rows.jsonl").read_text()) == {"email": OTHER}
    assert (
        root / "cron.log"
    ).read_text() == f"10:00 refused {'*' * len(SPELLINGS[0].encode())}\n10:01 accepted {OTHER}\n"
    assert (
        root / "report.html"
    ).read_text() == f"<a href='mailto:(no longer kept)'>(no longer kept)</a> {OTHER}"
    assert not (root / "answer.json").exists()
    consent = project.run("subscribers", "show", "ander@example.org", "--json").json["subscriptions"][0][
        "consent"
    ]
    assert consent == f"samen met {', '.join(['(no longer kept)'] * 6)}, en {OTHER}"
    assert len(list((root / "outbox" / "new").glob("*.eml"))) == 3
    assert project.run("privacy", "audit", "--verify").code == 0


def test_the_output_of_an_erasure_lists_what_moza_mail_cannot_reach(project):
    (project.path / ".git").mkdir()
    write_bytes(project.path / "book.xlsx", b"PK\x03\x04" + SPELLINGS[0].encode())
    write_bytes(project.path / "old.csv.gz", gzip.compress(SPELLINGS[0].encode()))
    write(project.path / f"answer-{SPELLINGS[2]}.txt", NAME)
    write(project.path / "issues" / "draft.md", f"Mail {SPELLINGS[0]}")
    unread = project.path / "subscribers" / "reports" / "new" / "1"
    write_bytes(unread, message("bounces@example.org", SPELLINGS[0]))
    done = project.run("subscribers", "erase", PERSON, "--yes")
    assert done.code == 3
    assert unread.exists()
    for part in (
        "logs of your relay",
        "backups",
        "files outside",
        "history of git",
        "book.xlsx",
        "old.csv.gz",
        "its name may contain",
    ):
        assert part in done.err, part
    assert "issues/draft.md: it is your own text" in done.err
    assert "reports/new/1: it was not processed yet: run `moza-mail bounces`" in done.err
    unread.unlink()
    again = project.run("subscribers", "erase", PERSON, "--yes")
    assert (again.code, "nothing was left in the database" in again.out) == (0, True)


def test_an_address_in_a_published_issue_stays_in_the_messages_to_others(project):
    issue = project.path / "issues" / "2026-01-21.md"
    text = (project.path / "issues" / "2026-01-14.md").read_text().replace("2026-01-14", "2026-01-21")
    issue.write_text(f"{text}\n\nVragen? Mail {PERSON}.\n")
    sent = project.run("send", str(issue), "--yes")
    assert sent.code == 0, (sent.err, project.run("check", str(issue)).out[-1500:])
    done = project.run("subscribers", "erase", PERSON, "--yes", "--json")
    assert (done.code, len(done.json["files_left"])) == (0, 1 + 3), done.err
    assert done.json["issues"] == ["2026-01-21"]


def test_an_address_that_is_only_in_a_file_is_erased(project):
    nobody = "niemand@voorbeeld.example"
    write(project.path / "oud.csv", f"email\n{nobody}\n{OTHER}\n")
    done = project.run("subscribers", "erase", nobody, "--yes")
    assert (done.code, (project.path / "oud.csv").read_text()) == (0, f"email\n{OTHER}\n"), done.err
    assert project.run("subscribers", "erase", nobody, "--yes").code == 1


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (5, "Removed from 5 files: oud0.csv, oud1.csv, oud2.csv, oud3.csv, oud4.csv."),
        (11, "Removed from 11 files: 11 files in the project's folder."),
    ],
)
def test_the_sentence_about_changed_files_names_up_to_ten(project, count, sentence):
    nobody = "niemand@voorbeeld.example"
    for number in range(count):
        write(project.path / f"oud{number}.csv", f"email\n{nobody}\n{OTHER}\n")
    assert sentence in project.run("subscribers", "erase", nobody, "--yes").err.splitlines()


def test_the_store_finds_a_person_by_every_spelling_of_the_address(project):
    for spelling in SPELLINGS[:4]:
        assert project.run("subscribers", "show", spelling).code == 0, spelling
        assert Address.parse_typed(spelling).key == Address.parse_typed(PERSON).key
    again = project.run("subscribers", "add", SPELLINGS[3], "--consent", "test", "--json").json
    assert again["arrival"] == "unchanged"
    with closing(sqlite3.connect(project.path / "subscribers" / "moza-mail.db")) as store:
        assert store.execute("SELECT count(*) FROM subscribers WHERE name = ?", [NAME]).fetchone() == (1,)


def test_files_that_git_tracks_are_listed_and_not_changed(project):
    root = project.path
    page, export, note = root / "content" / "contact.html", root / "export.csv", root / "notes.md"
    write(page, f"<p>{SPELLINGS[0]}</p>")
    write(root / "a-longer-name-than-the-others" / "x.json", json.dumps({"email": SPELLINGS[0]}))
    for command in (("init", "-q"), ("add", "content", "a-longer-name-than-the-others", "issues")):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
    write(export, f"email\n{SPELLINGS[0]}\n")
    write(note, SPELLINGS[0])
    done = project.run("subscribers", "erase", PERSON, "--yes", "--json")
    assert done.code == 0, done.err
    assert {name.removeprefix(f"{root}/") for name in done.json["files_left"]} == {
        "content/contact.html",
        "a-longer-name-than-the-others/x.json",
        "notes.md",
    }
    assert (page.read_text(), export.read_text()) == (f"<p>{SPELLINGS[0]}</p>", "email\n")


def test_in_a_repository_with_an_unknown_index_only_private_folders_are_changed(project):
    root = project.path
    write_bytes(root / ".git" / "index", b"DIRC\0\0\0\4\0\0\0\0")
    write(root / "export.csv", f"email\n{SPELLINGS[0]}\n")
    write(root / "subscribers" / "export.csv", f"email\n{SPELLINGS[0]}\n")
    done = project.run("subscribers", "erase", PERSON, "--yes", "--json").json
    assert [name.removeprefix(f"{root}/") for name in done["files_left"]] == ["export.csv"]
    assert (root / "subscribers" / "export.csv").read_text() == "email\n"


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["in the project", "elsewhere"])
def test_a_store_that_a_restore_moved_aside_is_named_until_it_is_deleted(
    project, tmp_path_factory, is_elsewhere
):
    folder = tmp_path_factory.mktemp("stores") if is_elsewhere else project.path / "subscribers"
    if is_elsewhere:
        project.set(store=f"sqlite:///{folder}/moza-mail.db")
        project.run("--new-store", "subscribers", "add", PERSON, "--consent", "test")
    backup = str(tmp_path_factory.mktemp("backups") / "backup.db")
    assert project.run("backup", backup).code == 0
    assert project.run("restore", backup, "--yes").code == 0
    stores = list(folder.glob("moza-mail.db.before-restore-*"))
    assert stores

    done = project.run("subscribers", "erase", PERSON, "--yes", "--json")

    assert (done.code, done.json["complete"]) == (3, False), done.err
    left = {
        path for path, reason in done.json["files_left"].items() if "before a restore: delete it" in reason
    }
    assert left
    assert left <= {str(path) for path in stores}
    assert ".before-restore-" in done.err
    people = tmp_path_factory.mktemp("people") / "people.csv"
    people.write_text(f"email\n{PERSON}\n")
    several = project.run("subscribers", "erase", "--file", str(people), "--yes")
    assert (several.code, "Not everything is erased from the files." in several.err) == (3, True), several.err
    for path in stores:
        path.unlink()
    again = project.run("subscribers", "erase", PERSON, "--yes", "--json")
    assert (again.code, again.json["complete"]) == (0, True), again.err
