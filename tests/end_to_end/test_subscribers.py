"""Adding subscribers by a file or by hand, and showing what is stored about them."""

import stat

import pytest

from tests.support.project_folder import ISSUE, folder


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def run_import(project, content: bytes, *options: str):
    (project.path / "lezers.csv").write_bytes(content)
    return project.run(
        "subscribers",
        "import",
        "--yes",
        "lezers.csv",
        "--list",
        "weekly",
        "--consent",
        "formulier",
        "--keep",
        "organisatie",
        "--json",
        *options,
    )


@pytest.mark.parametrize(
    "content",
    [
        "email,name\na@example.org,Zoë\n",
        "\ufeffemail;name\r\na@example.org;Zoë\r\n",
        "Naam\tE-mail\nZoë\ta@example.org\n",
        'name,email\n"Zoë",a@example.org\n\n',
    ],
)
def test_delimiters_and_line_ends_of_spreadsheets_are_read(project, content):
    assert run_import(project, content.encode()).json["added"] == 1
    shown = project.run("subscribers", "show", "A@example.org", "--json").json
    assert (shown["email"], shown["name"]) == ("a@example.org", "Zoë")
    assert shown["subscriptions"][0]["state"] == "confirmed"
    assert shown["subscriptions"][0]["consent"] == "formulier"


def test_invalid_rows_are_reported_and_the_others_are_imported(project):
    done = run_import(
        project,
        b'email,name\ngoed@example.org,Goed\nfout,Fout\na@example.org,b@example.org,c\n"x@example.org\r\nBcc: y@example.org",z\n'
        b"Piet <p@example.org>,P\n\xc3\xa9\xc3\xa9n@example.org,L\nook@example.org,Ook\n",
    )
    assert done.code == 3
    assert (done.json["added"], done.json["refused"]) == (3, 4)
    assert [row["line"] for row in done.json["rows"]] == [3, 4, 5, 8]
    assert all(row["reason"] for row in done.json["rows"])
    assert (
        run_import(project, b"email,name\ngoed@example.org,Goed\nook@example.org,Ook\n").json["unchanged"]
        == 2
    )


def test_a_row_without_consent_is_not_mailed_and_a_file_without_consent_is_refused(project):
    (project.path / "lezers.csv").write_text("email,consent\na@example.org,\nb@example.org,beurs 2025\n")
    done = project.run("subscribers", "import", "--yes", "lezers.csv", "--consent", "formulier", "--json")
    assert (done.code, done.json["added"], done.json["unconfirmed"]) == (0, 1, 1)
    (project.path / "kaal.csv").write_text("email\na@example.org\n")
    bare = project.run("subscribers", "import", "--yes", "kaal.csv", "--json")
    assert (bare.code, bare.json["refused"]) == (3, 1)
    assert "consent" in bare.json["rows"][0]["reason"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"naam\nZoe\n", "no column `email`"),
        (b"email\na\x81b@example.org\n", "neither UTF-8 nor Windows-1252"),
        (b"", "no column `email`"),
    ],
)
def test_a_file_that_is_not_a_list_of_people_is_refused(project, content, says):
    done = run_import(project, content)
    assert done.code in {1, 2}
    assert says in done.err


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org\nBcc: b@example.org",
        "a@example.org,b@example.org",
        "A <a@example.org>",
        "é@example.org",
        "",
    ],
)
def test_an_unusable_address_is_refused(project, address):
    assert project.run("subscribers", "add", address, "--consent", "test").code == 1
    assert project.run("send", "2026-01-14", "--yes").code == 1


def test_only_the_owner_can_read_the_store_and_the_secret(project):
    run_import(project, b"email\na@example.org\n")
    project.run("send", "2026-01-14", "--yes")
    for name in ("moza-mail.db", "secret", "store-mark.json"):
        assert stat.S_IMODE((project.path / "subscribers" / name).stat().st_mode) == 0o600


def test_export_has_every_subscriber_with_state_and_consent(project):
    run_import(project, 'email,name,organisatie\na@example.org,Zoë,"B, C"\n'.encode())
    rows = project.run("subscribers", "export", "--list", "weekly").out.split("\n")
    assert rows[0].startswith("email,name,state,consent")
    assert rows[1].startswith("a@example.org,Zoë,confirmed,formulier,")
    assert "B, C" in rows[1]


def test_an_import_does_not_restore_unsubscribed_or_suppressed_people(project):
    people = b"email\na@example.org\nb@example.org\nc@example.org\n"
    run_import(project, people)
    assert project.run("subscribers", "unsubscribe", "a@example.org").code == 0
    assert project.run("subscribers", "suppress", "b@example.org", "--evidence", "phoned us").code == 0
    again = run_import(project, people).json
    assert (again["unsubscribed"], again["suppressed"], again["unchanged"]) == (1, 1, 1)
    assert project.run("send", "2026-01-14", "--yes", "--json").json["audience"] == 1
    assert project.run("subscribers", "unsubscribe", "zz@example.org").code == 1


def test_importing_an_export_into_another_project_restores_nobody_who_unsubscribed(project):
    done = run_import(
        project,
        b"email,name,state,consent,created_at\na@example.org,A,confirmed,ja,x\nb@example.org,B,unsubscribed,ja,x\n",
    )
    assert (done.code, done.json["added"], done.json["unsubscribed"]) == (0, 1, 1)
    assert project.run("subscribers", "show", "a@example.org", "--json").json["attributes"] == {}


def test_an_unknown_address_is_reported(project):
    done = project.run("subscribers", "show", "niemand@example.org")
    assert (done.code, "nothing is stored" in done.err) == (1, True)


def test_a_non_ascii_address_is_accepted_only_with_smtputf8(project):
    (project.path / "wide.csv").write_text("email\njörg@example.org\n")
    refused = project.run("subscribers", "import", "--yes", "wide.csv", "--consent", "test")
    project.set(smtputf8=True)
    done = project.run("subscribers", "import", "--yes", "wide.csv", "--consent", "test")
    sent = project.run("send", ISSUE, "--yes", "--json")
    project.set(smtputf8=False)

    assert (refused.code, "only ASCII" in refused.err) == (3, True)
    assert done.code == sent.code == 0
    assert "To: jörg@example.org" in next((project.path / "outbox" / "new").glob("*.eml")).read_text()
    assert project.run("subscribers", "unsubscribe", "jörg@example.org").code == 0


def test_one_command_shows_the_source_of_an_address(project):
    (project.path / "laposta.csv").write_text(
        "E-mailadres;Voornaam;Status;Ingeschreven op;Ingeschreven via;IP-adres\n"
        "zoe@example.org;Zoe;actief;12-03-2023 09:30;formulier;192.0.2.1\n"
        "ben@example.org;Ben;uitgeschreven;12-03-2023 09:30;formulier;192.0.2.1\n"
        "cas@example.org;Cas;opgeschoond;12-03-2023 09:30;formulier;192.0.2.1\n"
    )
    assert project.run("subscribers", "import", "laposta.csv", "--yes").code == 0
    shown = {
        name: project.run("subscribers", "show", f"{name}@example.org").out for name in ("zoe", "ben", "cas")
    }
    assert "weekly: confirmed since 2023-03-12" in shown["zoe"]
    assert "from: import laposta.csv, on 20" in shown["zoe"]
    assert (
        "consent: Status: actief; Ingeschreven op: 12-03-2023 09:30; Ingeschreven via: formulier"
        in shown["zoe"]
    )
    assert "weekly: unsubscribed since 20" in shown["ben"]
    assert "from: import laposta.csv: Status: uitgeschreven" in shown["ben"]
    assert "suppressed: hard_bounce" in shown["cas"]
    assert "import laposta.csv: Status: opgeschoond" in shown["cas"]
    assert not any("192.0.2.1" in text for text in shown.values())
    unknown = project.run("subscribers", "show", "nobody@example.org")
    assert "nothing is stored about this address" in unknown.err
