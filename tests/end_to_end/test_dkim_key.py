"""A DKIM key from `dkim new` to signed messages, and the keys that are refused."""

import json

import pytest

from moza_mail.compose import KeyType, load_key
from tests.support.dkim_verifier import has_valid_signatures
from tests.support.project_folder import ISSUE, folder

IMPORT = (
    "subscribers",
    "import",
    "--yes",
    "subscribers/example.csv",
    "--list",
    "weekly",
    "--consent",
    "demo",
)


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def made(project, *options):
    """Make a key and configure it, as the operator does."""
    done = project.run("dkim", "new", "--selector", "moza1", "--json", *options)
    assert done.code == 0, done.err
    project.set(dkim_key="subscribers/dkim-moza1.pem", dkim_selector="moza1")
    return done.json


def raw(project) -> list[bytes]:
    return [path.read_bytes() for path in sorted((project.path / "outbox" / "new").glob("*.eml"))]


def test_a_new_key_signs_mail_that_its_dns_record_verifies(project):
    record = made(project)
    project.run(*IMPORT)
    sent = project.run("send", ISSUE, "--yes", "--json")

    assert sent.code == 0, sent.err
    assert sent.json["signed"] == [{"domain": "example.org", "selector": "moza1", "algorithm": "rsa-sha256"}]
    assert "DKIM     signed by example.org, selector moza1 (rsa)" in sent.err
    path = project.path / "subscribers" / "dkim-moza1.pem"
    key = load_key(path.read_bytes(), KeyType.RSA, domain="example.org", selector="moza1", source="")
    assert (record["name"], record["value"]) == (key.record_name, key.record)
    messages = raw(project)
    assert len(messages) == 13
    assert all(has_valid_signatures(content, key) for content in messages)


def test_the_key_file_is_private_and_never_overwritten(project):
    made(project)
    path = project.path / "subscribers" / "dkim-moza1.pem"
    content = path.read_bytes()

    again = project.run("dkim", "new", "--selector", "moza1")

    assert path.stat().st_mode & 0o777 == 0o600
    assert again.code == 2
    assert "never overwritten" in again.err
    assert path.read_bytes() == content


def test_the_dns_record_is_printed_and_can_be_shown_again(project):
    project.set(dkim_key="k.pem", dkim_selector="moza1")
    printed = project.run("dkim", "new", "--selector", "moza1", "--out", str(project.path / "k.pem"))
    shown = project.run("dkim", "show")

    assert "moza1._domainkey.example.org" in printed.out
    assert printed.out == shown.out
    assert 'dkim_selector = "moza1"' in printed.err
    assert "PRIVATE" not in printed.out + printed.err


def test_a_second_key_adds_a_second_signature(project):
    made(project)
    project.run("dkim", "new", "--selector", "moza1e", "--ed25519")
    project.set(dkim_ed25519_key="subscribers/dkim-moza1e.pem", dkim_ed25519_selector="moza1e")

    assert project.run("send", ISSUE, "--test", "ik@example.org").code == 0

    (content,) = raw(project)
    assert content.count(b"DKIM-Signature: ") == 2
    assert [each["algorithm"] for each in project.run("dkim", "show", "--json").json] == [
        "rsa-sha256",
        "ed25519-sha256",
    ]


def test_without_a_key_the_plan_notes_that_the_relay_must_sign(project):
    project.run(*IMPORT)
    done = project.run("send", ISSUE, "--dry-run", "--json")

    assert "the relay must sign" in done.err
    assert json.loads(done.out)["signed"] == []
    assert project.run("dkim", "show").code == 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"dkim_key": "subscribers/none.pem"}, "cannot be read: No such file"),
        ({"dkim_key": "subscribers/lists.toml"}, "can be read by other users"),
        ({"dkim_key": "subscribers"}, "Is a directory"),
        ({"dkim_selector": ""}, "`dkim_selector` is not"),
        ({"dkim_selector": "a b"}, "is not a valid name in the DNS"),
        ({"dkim_domain": "example.com"}, "does not count for mail from example.org"),
        ({"dkim_ed25519_key": "subscribers/dkim-moza1.pem", "dkim_ed25519_selector": "x"}, "another type than Ed25519"),
    ],
)  # fmt: skip
def test_an_unusable_key_stops_a_send_before_anything_is_mailed(project, settings, says):
    made(project)
    project.run(*IMPORT)
    project.set(**settings)

    refused = project.run("send", ISSUE, "--yes")

    assert refused.code == 2
    assert says in refused.err
    assert not (project.path / "outbox").exists()
    assert project.run("render", ISSUE).code == 0


def test_a_key_that_others_can_read_is_refused_until_fixed(project):
    made(project)
    path = project.path / "subscribers" / "dkim-moza1.pem"
    path.chmod(0o640)

    refused = project.run("send", ISSUE, "--test", "ik@example.org")

    assert refused.code == 2
    assert "mode 0640" in refused.err
    assert f"chmod 600 {path}" in refused.err
    path.chmod(0o400)
    assert project.run("send", ISSUE, "--test", "ik@example.org").code == 0


def test_the_environment_names_a_key_outside_the_project(project, tmp_path):
    made(project)
    elsewhere = tmp_path / "elsewhere.pem"
    (project.path / "subscribers" / "dkim-moza1.pem").rename(elsewhere)

    done = project.run("send", ISSUE, "--test", "ik@example.org", MOZA_MAIL_DKIM_KEY_FILE=str(elsewhere))

    assert done.code == 0, done.err
    assert raw(project)[0].startswith(b"DKIM-Signature: ")
