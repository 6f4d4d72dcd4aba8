"""Importing a file from the command line: its encoding and columns, the result of each row, and importing it again."""

import csv
import json
import re
import signal
import stat
import time
import zipfile

import pytest

from moza_mail.app import export_archive
from tests.support.project_folder import folder
from tests.support.workbooks import make_xlsx


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def run_import(project, content: bytes | str, *options: str, name: str = "lezers.csv"):
    (project.path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    keep = ("--keep", "plaats", "--keep", "organisatie")
    return project.run("subscribers", "import", "--yes", name, "--consent", "formulier", *keep, *options)


def show_subscriber(project, address: str):
    return project.run("subscribers", "show", address, "--json").json


def read_report(project, name: str = "verslag.csv") -> list[dict[str, str]]:
    with (project.path / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_files_of_excel_are_read_and_a_guessed_encoding_is_reported(project):
    done = run_import(project, "E-mailadres;Naam\r\nzoe@example.org;Zoë Müller €\r\n".encode("cp1252"))

    assert (done.code, "1 added, 0 refused" in done.out) == (0, True)
    assert "lezers.csv is read as Windows-1252, for example: Zoë Müller €" in done.err
    assert "E-mailadres as email, Naam as name" in done.err
    assert show_subscriber(project, "zoe@example.org")["name"] == "Zoë Müller €"


def test_unicode_text_files_of_excel_are_read_and_reported(project):
    done = run_import(project, "Naam\tE-mail\r\nŁukasz\tlukasz@example.org\r\n".encode("utf-16"), "--json")
    assert (done.json["encoding"], done.json["example"]) == ("UTF-16", "Łukasz")
    assert done.json["columns"] == {"E-mail": "email", "Naam": "name"}
    assert show_subscriber(project, "lukasz@example.org")["name"] == "Łukasz"


def test_columns_are_mapped_and_a_missing_column_stops_the_import(project):
    content = "Relatie;Adres voor mail;Naam organisatie\nZoë;zoe@example.org;KVK\n"
    wrong = run_import(project, content, "--map", "email=Adres", "--map", "name=Relatie")
    assert (wrong.code, "no column `Adres`" in wrong.err) == (1, True)
    assert "Relatie, Adres voor mail, Naam organisatie" in wrong.err

    mapped = ("email=adres voor mail", "name=Relatie", "organisatie=Naam organisatie")
    done = run_import(project, content, *(part for one in mapped for part in ("--map", one)))
    assert done.code == 0, done.err
    held = show_subscriber(project, "zoe@example.org")
    assert (held["name"], held["attributes"]) == ("Zoë", {"organisatie": "KVK"})
    for bad in ("email", "=Adres", "email="):
        assert run_import(project, content, "--map", bad).code == 2


MIXED = (
    "email,naam,plaats\n"
    "weg@example.org,W,\n"
    "stop@example.org,S,\n"
    "oud@example.org,Oud,Gouda\n"
    "anders@example.org,Nieuwe Naam,\n"
    "nieuw@example.org,N,\n"
    "geen adres,X,\n"
    "NIEUW@example.org,N,Delft\n"
)


@pytest.fixture
def mixed(project):
    before = (
        "email,naam,plaats\nweg@example.org,W,\noud@example.org,Oud,Gouda\nanders@example.org,Oude Naam,\n"
    )
    assert run_import(project, before).code == 0
    assert project.run("subscribers", "unsubscribe", "weg@example.org").code == 0
    assert project.run("subscribers", "suppress", "stop@example.org", "--evidence", "belde").code == 0
    return project


FATES = {
    "unsubscribed": 1,
    "suppressed": 1,
    "unchanged": 1,
    "updated": 2,
    "added": 1,
    "refused": 1,
    "repeats": 1,
}


def test_a_dry_run_reports_what_the_import_would_do_and_changes_nothing(mixed):
    before = mixed.run("subscribers", "export").out
    dry = run_import(mixed, MIXED, "--dry-run", "--json", "--report", "vooraf.csv")
    assert mixed.run("subscribers", "export").out == before
    real = run_import(mixed, MIXED, "--json", "--report", "verslag.csv")

    assert dry.code == real.code == 3
    assert {word: real.json[word] for word in FATES} == FATES
    assert {**dry.json, "dry_run": False} == real.json
    assert read_report(mixed, "vooraf.csv") == read_report(mixed)
    assert [row["result"] for row in read_report(mixed)] == [
        "unsubscribed", "suppressed", "unchanged", "updated", "added", "refused", "updated",
    ]  # fmt: skip


def test_a_repeated_address_is_reported_with_both_lines(mixed):
    done = run_import(mixed, MIXED)
    assert "line 8: the same address as on line 6" in done.err
    assert "1 refused" in done.out
    assert run_import(mixed, MIXED, "--json").json["repeated"] == [{"line": 8, "earlier": 6}]


def test_a_dry_run_needs_no_list_in_the_store_yet(project):
    done = run_import(project, "email\na@example.org\n", "--dry-run")
    assert (done.code, done.out) == (
        0,
        "Dry run, nothing is changed: lezers.csv to weekly: 1 added, 0 refused\n",
    )
    assert run_import(project, "email\na@example.org\n").out == "lezers.csv to weekly: 1 added, 0 refused\n"


def test_the_report_has_every_row_is_private_and_contains_no_formulas(project):
    evil = 'email,naam\na@example.org,"=HYPERLINK(1)"\n=1+1,x\n+b@example.org,y\n@x,z\n-c;=d@example.org,q\n'
    done = run_import(project, evil, "--report", "verslag.csv")
    assert done.code == 3
    path = project.path / "verslag.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [row["line"] for row in read_report(project)] == ["2", "3", "4", "5", "6"]
    cells = [cell for row in read_report(project) for cell in row.values()]
    assert [row["address"] for row in read_report(project)] == [
        "a@example.org", "'=1+1", "'+b@example.org", "'@x", "'-c;'=d@example.org",
    ]  # fmt: skip
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    again = run_import(project, evil, "--report", "verslag.csv")
    assert (again.code, "verslag.csv exists already" in again.err) == (2, True)
    assert "lezers.csv exists already" in run_import(project, evil, "--report", "lezers.csv").err
    assert (project.path / "lezers.csv").read_text() == evil


def test_many_rejected_rows_are_counted_and_the_first_are_listed(project):
    done = run_import(project, "email\n" + "fout\n" * 30)
    assert done.err.count("must have an @-sign") == 20
    assert "and 10 more: write them all to a file with --report FILE" in done.err
    assert run_import(project, "email\n" + "fout\n" * 1500, "--json").json["refused"] == 1500


def test_a_file_without_people_is_not_an_error(project):
    assert run_import(project, "email,naam\n").out == "lezers.csv to weekly: 0 added, 0 refused\n"


def test_a_killed_import_continues_where_it_stopped(project):
    rows = "".join(f"lezer{number}@example.org,L\n" for number in range(60_000))
    (project.path / "veel.csv").write_text(f"email,naam\n{rows}")
    command = ("subscribers", "import", "--yes", "veel.csv", "--consent", "formulier", "--json")
    running = project.start(*command)
    store = project.path / "subscribers" / "moza-mail.db-wal"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (store.exists() and store.stat().st_size > 3_000_000):
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)

    again = project.run(*command).json
    assert again["added"] + again["unchanged"] == 60_000
    assert again["unchanged"] > 0
    assert project.run(*command).json["unchanged"] == 60_000


def test_importing_our_export_into_another_project_gives_the_same_people(project, tmp_path_factory):
    evil = (
        'email,name,lang,organisatie,"=kolom"\n'
        'a@example.org,Zoë \'t Hart,en,"=HYPERLINK(""x"");-1",\'=al bewaakt\n'
        '+b@example.org,"+31 6 123,@x",,,"a\nb"\n'
        "c@example.org,,nl-BE,\"Bakkerij, 'Zoet'\",x\n"
    )
    assert run_import(project, evil, "--ignore", "=kolom").code == 0
    assert project.run("subscribers", "unsubscribe", "c@example.org").code == 0
    exported = project.run("subscribers", "export").out
    assert exported.split("\n")[0] == (
        "email,name,state,consent,created_at,confirmed_at,unsubscribed_at,lang,suppression,organisatie"
    )
    cells = [cell for row in csv.reader(exported.splitlines()) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)

    again = run_import(project, exported, "--json").json
    assert (again["unchanged"], again["unsubscribed"], again["updated"]) == (2, 1, 0)
    elsewhere = folder(tmp_path_factory.mktemp("elsewhere"))
    done = run_import(elsewhere, exported, "--json")
    assert (done.json["added"], done.json["unsubscribed"], done.json["refused"]) == (2, 1, 0)
    assert show_subscriber(elsewhere, "c@example.org")["subscriptions"][0]["state"] == "unsubscribed"

    def known(one):
        keys = ("email", "name", "lang", "consent", "attributes")
        rows = map(json.loads, one.run("subscribers", "export", "--json").out.splitlines())
        return [{key: row[key] for key in keys} for row in rows if row["state"] == "confirmed"]

    assert known(elsewhere) == known(project)
    assert known(project)[1]["attributes"] == {}
    assert known(project)[0]["attributes"]["organisatie"] == '=HYPERLINK("x");-1'


def test_an_erased_person_is_not_added_by_any_file(project):
    rows = "email,name\nweg@example.org,W\nblijft@example.org,B\n"
    assert run_import(project, rows).code == 0
    assert project.run("subscribers", "erase", "weg@example.org", "--yes").code == 0

    for options in (("--dry-run",), ()):
        done = run_import(project, rows.replace("weg@", "WEG@"), "--json", *options)
        assert (done.json["erased"], done.json["unchanged"], done.json["added"]) == (1, 1, 0)
    assert "weg" not in project.run("subscribers", "export").out


def test_a_language_column_is_imported_and_an_invalid_language_is_refused(project):
    done = run_import(
        project, "email,taal\na@example.org,en\nb@example.org,Engels\n", "--map", "lang=taal", "--json"
    )
    assert (done.json["added"], done.json["rows"][0]["reason"]) == (
        1,
        "has a wrong language: Engels; write nl or en-GB",
    )
    assert json.loads(project.run("subscribers", "export", "--json").out)["lang"] == "en"


def test_a_project_moves_to_another_machine_with_one_file_and_its_secret(project, tmp_path_factory):
    people = (
        "email,naam,status\na@example.org,Zoë,actief\nb@example.org,Ben,afgemeld\nc@example.org,Cas,bounced\n"
    )
    assert run_import(project, people).code == 0
    assert project.run("subscribers", "erase", "b@example.org", "--yes").code == 0
    moved = project.run("subscribers", "export", "--all").out
    secret = project.path / "subscribers" / "secret"
    assert secret.read_text().strip() not in moved

    elsewhere = folder(tmp_path_factory.mktemp("elsewhere"))
    (elsewhere.path / "alles.jsonl").write_text(moved)
    command = ("subscribers", "import", "alles.jsonl", "--yes")
    without = elsewhere.run(*command)
    assert (without.code, "another secret" in without.err, "--secret-file" in without.err) == (1, True, True)
    assert elsewhere.run("subscribers", "import", "alles.jsonl", "--secret-file", str(secret)).code == 2
    done = elsewhere.run(*command, "--secret-file", str(secret), "--json")
    assert (done.code, done.json["counts"]["subscribers"], done.json["counts"]["erasures"]) == (0, 1, 1)
    assert elsewhere.run("subscribers", "export", "--all").out == moved
    again = run_import(elsewhere, people, "--json").json
    assert (again["unchanged"], again["erased"], again["suppressed"]) == (1, 1, 1)


MAILCHIMP = {
    "subscribed_email_audience_export_1a.csv": "Email Address,First Name,MEMBER_RATING,CONFIRM_TIME,LEID,EUID\n"
    "ok@example.org,Zoe,2,2024-01-02 10:00:00,1,a\nlater@example.org,Lou,2,2024-01-02 10:00:00,1,a\n",
    "unsubscribed_email_audience_export_1a.csv": "Email Address,First Name,UNSUB_TIME,UNSUB_REASON\n"
    "left@example.org,Ben,2024-02-03 10:00:00,N/A\nlater@example.org,Lou,2024-02-03 10:00:00,N/A\n",
    "cleaned_email_audience_export_1a.csv": "Email Address,First Name,CLEAN_TIME\nbounced@example.org,Bo,2024-02-03 10:00:00\n",
}


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def show_states(project):
    rows = project.run("subscribers", "export", "--json").out.splitlines()
    return {row["email"].partition("@")[0]: row["state"] for row in map(json.loads, rows)}


def test_the_zip_of_a_mailing_service_is_read_as_one_export(project):
    tracking = {
        "granular_activity/opens/1.csv": "Email\nleft@example.org\n",
        "posts/12.delivers.csv": "email\nleft@example.org\n",
        "posts.csv": "post_id,title\n",
        "readme.pdf": "%PDF",
        "__MACOSX/._x.csv": "",
    }
    write_zip(project.path / "export.zip", {**MAILCHIMP, **tracking})
    dry = project.run("subscribers", "import", "export.zip", "--dry-run")
    assert dry.code == 0, dry.err
    assert (
        "export.zip: not read: granular_activity/opens/1.csv, posts/12.delivers.csv, posts.csv, readme.pdf"
        in dry.err
    )
    assert show_states(project) == {}
    done = project.run("subscribers", "import", "export.zip", "--yes", "--consent", "nieuwsbrief")
    assert done.code == 0, done.err
    assert show_states(project) == {"ok": "confirmed", "later": "unsubscribed", "left": "unsubscribed"}
    (suppressed,) = project.run("subscribers", "show", "bounced@example.org", "--json").json["suppressions"]
    assert suppressed["reason"] == "hard_bounce"
    assert "cleaned_email_audience_export_1a.csv" in suppressed["evidence"]


def test_several_files_of_one_export_are_shown_in_one_table(project):
    for name, text in MAILCHIMP.items():
        (project.path / name).write_text(text)
    asked = project.run("subscribers", "import", *MAILCHIMP)
    assert asked.code == 2
    table = [line.split()[:2] for line in asked.err.splitlines() if re.match(r"  +\d", line)]
    # A person who is subscribed in the first file and unsubscribed in the second is not imported.
    assert table == [["2", "added"], ["1", "taken"], ["1", "unsubscribed"], ["1", "suppressed"]]
    dry = project.run("subscribers", "import", *MAILCHIMP, "--dry-run", "--json").json
    assert [one["added"] for one in dry] == [2, 0, 0]
    assert [one["taken_out"] for one in dry] == [0, 1, 0]
    real = project.run("subscribers", "import", *MAILCHIMP, "--yes", "--json").json
    keys = ("added", "taken_out", "unsubscribed", "suppressed")
    assert [[one[key] for key in keys] for one in real] == [[one[key] for key in keys] for one in dry]


def test_a_sheet_of_a_workbook_is_chosen_by_name(project):
    rows = [["email", "status"], ["ok@example.org", "actief"]]
    old = [["email", "status"], ["old@example.org", "actief"]]
    (project.path / "leden.xlsx").write_bytes(make_xlsx({"Oud": old, "Nieuw": rows}))
    asked = project.run("subscribers", "import", "leden.xlsx", "--yes")
    assert asked.code == 1
    assert '--sheet "Nieuw"' in asked.err
    done = project.run("subscribers", "import", "leden.xlsx", "--yes", "--sheet", "nieuw")
    assert done.code == 0, done.err
    assert show_states(project) == {"ok": "confirmed"}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.csv": b"email\n" + b"ok@example.org\n" * 1_000_000}, "the ZIP file is too large"),
        ({f"{number}.csv": b"email\n" for number in range(1001)}, "the ZIP file is too large"),
        ({"a.csv": b"0" * 3_000_000}, "more than 1,000,000 characters"),
        ({"photo.jpg": b"x"}, "the ZIP file has no file of subscribers"),
        ({"inner.csv": b"PK\x03\x04 nothing"}, "without a sheet"),
    ],
    ids=["large", "many", "one line", "no file", "nested"],
)
def test_a_malicious_zip_or_a_zip_without_an_export_is_refused_quickly(project, monkeypatch, files, says):
    monkeypatch.setattr(export_archive, "MAX_UNPACKED", 10_000_000)
    write_zip(project.path / "export.zip", files)
    started = time.process_time()
    done = project.run("subscribers", "import", "export.zip", "--yes", "--consent", "x")
    assert done.code == 1
    assert says in done.err
    assert time.process_time() - started < 5


def test_a_zip_that_is_damaged_or_encrypted_is_refused(project):
    write_zip(project.path / "export.zip", {"a.csv": b"email\n" + b"ok@example.org\n" * 5000})
    content = bytearray((project.path / "export.zip").read_bytes())
    content[60:70] = b"0123456789"
    (project.path / "damaged.zip").write_bytes(content)
    (project.path / "cut.zip").write_bytes(content[:-40])
    encrypted = bytearray((project.path / "export.zip").read_bytes())
    encrypted[6] |= 1
    encrypted[encrypted.rindex(b"PK\x01\x02") + 8] |= 1
    (project.path / "encrypted.zip").write_bytes(encrypted)
    for name in ("damaged.zip", "cut.zip", "encrypted.zip"):
        done = project.run("subscribers", "import", name, "--yes", "--consent", "x")
        assert done.code == 1, name
        assert name in done.err
        assert show_states(project) == {}
