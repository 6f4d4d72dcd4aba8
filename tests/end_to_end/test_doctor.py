"""`doctor` from the command line: its diagnoses, and that it changes nothing."""

import pytest

from moza_mail.app import doctor as command
from moza_mail.project import find_project
from tests.support.dns_server import SERVFAIL, name_server
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import free_port, smtp_sink

TLSA = "3 1 1 " + "ab" * 32
RIGHT = {
    ("example.org", "TXT"): ['"v=spf1 include:relay.test -all"'],
    ("relay.test", "TXT"): ['"v=spf1 ip4:192.0.2.0/24 ~all"'],
    ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=reject; rua=mailto:dmarc@example.org"'],
    ("example.org", "MX"): ["10 mail.example.org."],
    ("mail.example.org", "A"): ["192.0.2.1"],
    ("mail.example.org", "AAAA"): ["2001:db8::1"],
    ("example.org", "NS"): ["ns1.example.org.", "ns2.example.org."],
    ("ns1.example.org", "AAAA"): ["2001:db8::2"],
    ("ns2.example.org", "AAAA"): ["2001:db8::3"],
    ("example.org", "SOA"): ["ns1.example.org. x.example.org. 1 2 3 4 5"],
    (".", "SOA"): ["a.test. b.test. 1 2 3 4 5"],
    ("_25._tcp.mail.example.org", "TLSA"): [TLSA],
}
SECURE = frozenset({".", "example.org", "_25._tcp.mail.example.org"})


@pytest.fixture
def project(tmp_path):
    """Create the example project with a DKIM key; `record` is the DNS record of the key."""
    made = folder(tmp_path)
    key = made.run("dkim", "new", "--selector", "moza", "--json").json
    made.set(
        dkim_key="subscribers/dkim-moza.pem", dkim_selector="moza", public_url="https://brief.example.org"
    )
    return made, key


def strings(text: str) -> str:
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


def zone_with(key, changes=None):
    zone = {**RIGHT, (key["name"], "TXT"): [strings(key["value"])], **(changes or {})}
    return {where: records for where, records in zone.items() if records is not None}


def run_doctor(project, zone, *more, **server):
    with name_server(zone, secure=SECURE, **server) as dns:
        return project.run("doctor", "--json", "--resolver", dns.address, *more)


def find_diagnoses(done, subject):
    return [one for one in done.json if one["subject"] == subject]


def states(done, subject):
    return [one["state"] for one in find_diagnoses(done, subject)]


def test_a_correct_project_gives_exit_code_0(project):
    made, key = project
    made.add_readers(2)
    with smtp_sink() as sink:
        made.set(relay=sink.relay, dsn="off")
        done = run_doctor(made, zone_with(key))
        assert sink.received() == {}

    assert done.code == 0, done.out
    assert [one for one in done.json if one["domain"] and one["state"] != "good"] == []
    assert states(done, "relay")[0] == "good"
    assert "is intact and has the current version" in find_diagnoses(done, "store")[0]["message"]


@pytest.mark.parametrize(
    ("changes", "subject", "says"),
    [
        ({("example.org", "TXT"): ['"v=spf1 -all"', '"v=spf1 mx -all"']}, "spf", "has 2 records"),
        (
            {
                ("example.org", "TXT"): [
                    '"v=spf1 ' + " ".join(f"exists:e{n}.test" for n in range(11)) + ' -all"'
                ]
            },
            "spf",
            "needs 11 lookups",
        ),
        ({("relay.test", "TXT"): ['"v=spf1 include:example.org -all"']}, "spf", "includes itself"),
        (
            {("moza._domainkey.example.org", "TXT"): ['"v=DKIM1; k=rsa; p=AAAA"']},
            "dkim",
            "not the one that signs",
        ),
        ({("moza._domainkey.example.org", "TXT"): None}, "dkim", "does not exist"),
        ({("_dmarc.example.org", "TXT"): None}, "dmarc", "has no DMARC record"),
        ({("example.org", "MX"): ["0 ."]}, "mx", "null MX"),
    ],
)
def test_a_wrong_record_is_reported_with_a_remedy_and_exit_code_3(project, changes, subject, says):
    made, key = project

    done = run_doctor(made, zone_with(key, changes))

    assert done.code == 3
    wrong = [one for one in find_diagnoses(done, subject) if one["state"] == "bad"]
    assert any(says in one["message"] for one in wrong), wrong
    assert all(one["hint"] for one in wrong)


def test_the_dkim_record_to_publish_is_printed_as_a_line_of_a_zone_file(project):
    made, key = project

    with name_server(zone_with(key, {("moza._domainkey.example.org", "TXT"): None})) as dns:
        done = made.run("doctor", "--resolver", dns.address)

    assert key["zone"] in done.out
    assert "Domain example.org" in done.out
    assert "  wrong DKIM: there is no key at moza._domainkey.example.org" in done.out


def test_a_failing_resolver_makes_the_domain_unknown(project):
    made, key = project

    done = run_doctor(made, dict.fromkeys(zone_with(key), SERVFAIL))

    assert done.code == 0, done.out
    assert {one["state"] for one in done.json if one["domain"]} <= {"unknown", "good"}
    assert [states(done, each)[0] for each in ("spf", "dkim", "dmarc", "mx")] == ["unknown"] * 4


def test_a_dkim_record_too_long_for_one_packet_is_read_over_tcp(project):
    made, key = project

    done = run_doctor(made, zone_with(key), truncated=frozenset({key["name"]}))

    assert states(done, "dkim") == ["good", "good"]


def test_offline_makes_no_dns_query(project):
    made, _ = project
    done = made.run("doctor", "--json", "--offline")

    assert done.code == 0, done.out
    assert [one["message"] for one in find_diagnoses(done, "domain")] == ["DNS was not queried (--offline)"]


def test_doctor_changes_no_file(project):
    made, key = project
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in made.path.rglob("*")}

    run_doctor(made, zone_with(key))

    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in made.path.rglob("*")} == before


def test_an_unreachable_relay_and_a_readable_key_are_errors(project):
    made, key = project
    made.set(relay=f"smtp://127.0.0.1:{free_port()}")
    (made.path / "subscribers/dkim-moza.pem").chmod(0o644)

    done = run_doctor(made, zone_with(key))

    assert done.code == 3
    assert states(done, "relay") == ["bad"]
    assert "can be read by other users" in find_diagnoses(done, "files")[0]["message"]
    assert "can be read by other users" in " ".join(one["message"] for one in find_diagnoses(done, "config"))


def test_the_relay_must_accept_messages_of_the_size_of_the_newest_issue(project):
    made, _ = project
    assert command.measure_newest_issue(find_project(made.path), {}) == 0, (
        "without a secret nothing is composed, for that would make one"
    )

    made.add_readers(1)
    composed = made.run("send", ISSUE, "--dry-run", "--json").json["bytes_max"]

    assert abs(command.measure_newest_issue(find_project(made.path), {}) - composed) < 2000


def test_a_clock_that_is_behind_the_store_is_reported(project, monkeypatch):
    made, key = project
    made.add_readers(1)
    moment = command.now().replace(year=2020)
    monkeypatch.setattr(command, "now", lambda: moment)

    done = run_doctor(made, zone_with(key))

    assert states(done, "clock") == ["bad"]
