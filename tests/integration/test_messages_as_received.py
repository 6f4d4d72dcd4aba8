"""The first fifty messages of a large send as a relay received them: parsed, and verified with the programs of receivers."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from moza_mail.compose import DkimKey, KeyType, SenderIdentity, generate_key, load_key
from tests.support.dkim_verifier import has_valid_signatures
from tests.support.examples import is_full
from tests.support.project_folder import ISSUE, ROOT, folder
from tests.support.real_parts import require
from tests.support.smtp_servers import smtp_sink
from tests.unit.test_compose import JAN, compiled, header_lines, sound

READERS, LOOKED_AT = 5000 if is_full() else 500, 50
VERIFIER = ROOT / "tests/support/mail_dkim.pl"
OWN_DNS = ROOT / "tests/support/run_with_own_dns.py"


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """Return the DKIM key and the messages as sent: with CRLF, without the headers of smtp-sink."""
    here = folder(tmp_path_factory.mktemp("fifty"))
    assert here.run("dkim", "new", "--selector", "moza1").code == 0
    here.set(dkim_key="subscribers/dkim-moza1.pem", dkim_selector="moza1", bounce_domain="bounce.example.org")
    here.add_readers(READERS)
    with smtp_sink() as sink:
        here.set(relay=sink.relay)
        done = here.run("send", ISSUE, "--yes", "--json")
        assert done.code == 0, done.err
        # smtp-sink numbers its dumps in the order in which messages came.
        received = sink.received()
    assert done.json["states"]["accepted"] == len(received) == READERS
    pem = (here.path / "subscribers" / "dkim-moza1.pem").read_bytes()
    key = load_key(pem, KeyType.RSA, domain="example.org", selector="moza1", source="")
    first = [received[f"lezer{number}@example.org"] for number in range(LOOKED_AT)]
    return key, [content.rstrip(b"\n").replace(b"\n", b"\r\n") + b"\r\n" for (content,) in first]


def test_each_received_message_has_the_values_of_its_recipient(sent):
    _, messages = sent
    found = [message_from_bytes(content, policy=policy.default) for content in messages]

    assert [each["To"].addresses[0].addr_spec for each in found] == [
        f"lezer{number}@example.org" for number in range(LOOKED_AT)
    ]
    assert len({each["Message-ID"] for each in found}) == LOOKED_AT
    assert all(not part.defects for each in found for part in each.walk())
    for each in found:
        leave = re.search("<(https:[^>]+)>", each["List-Unsubscribe"])[1]
        assert all(leave in part.get_content() for part in each.iter_parts())


def test_no_line_is_too_long_or_begins_with_a_dot_and_no_address_or_link_is_encoded(sent):
    for content in sent[1]:
        sound(content)
        for name, lines in header_lines(content).items():
            text = "".join(lines)
            assert max(map(len, lines)) <= 998
            if name in {"From", "To", "Reply-To"}:
                assert "=?" not in text[text.rindex("<") :] if "<" in text else "=?" not in text
            elif name != "Subject":
                assert "=?" not in text, name
        body = content.partition(b"\r\n\r\n")[2]
        assert not re.search(rb"(?m)^\.", body)


def test_dkimpy_verifies_each_signature_and_detects_one_changed_character(sent):
    key, messages = sent

    assert all(has_valid_signatures(content, key) for content in messages)
    assert not any(has_valid_signatures(content.replace(b"MOZa", b"MOZb"), key) for content in messages[:3])


def test_mail_dkim_verifies_each_signature(sent, tmp_path):
    perl = shutil.which("perl")
    known = perl and subprocess.run([perl, "-MMail::DKIM", "-e", "1"], capture_output=True, check=False)
    require("mail-dkim", known is not None and known.returncode == 0, "Mail::DKIM is not installed")
    key, messages = sent

    def judged(contents) -> list[str]:
        paths = [tmp_path / f"{number}.eml" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        command = [perl, VERIFIER, key.record_name, key.record, *paths]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    assert judged(messages) == ["pass"] * LOOKED_AT
    changed = [messages[0].replace(b"MOZa", b"MOZb"), b"From: bank@example.com\r\n" + messages[0]]
    assert all(each.startswith("fail") for each in judged(changed))


EACH = 'for file; do opendkim-testmsg <"$file" 2>&1 && echo good; done'


def by_opendkim(key: DkimKey, contents: Sequence[bytes], place: Path) -> list[str]:
    """Return the result of opendkim-testmsg for each message, with our own DNS server."""
    program = shutil.which("opendkim-testmsg", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    alone = ("unshare", "--user", "--map-root-user", "--net", "--mount")
    able = subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    require(
        "opendkim", program is not None and able, "opendkim-testmsg or a network of its own cannot be had"
    )
    paths = [place / f"{number}.eml" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    shell = ("sh", "-c", EACH.replace("opendkim-testmsg", str(program)), "sh", *paths)
    command = (*alone, sys.executable, OWN_DNS, key.record_name, key.record, *shell)
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def test_opendkim_verifies_each_signature(sent, tmp_path):
    key, messages = sent
    changed = [messages[0].replace(b"MOZa", b"MOZb"), messages[0].replace(b"Subject: ", b"Subject: x")]

    assert by_opendkim(key, messages, tmp_path) == ["good"] * LOOKED_AT
    assert ["Bad signature" in each for each in by_opendkim(key, changed, tmp_path)] == [True, True]


def test_opendkim_verifies_an_ed25519_signature_alone(tmp_path):
    key = generate_key(KeyType.ED25519, domain="example.org", selector="moza1e")[0]
    content = compiled(identity=SenderIdentity(keys=(key,))).compose_message(JAN)[1].content

    assert by_opendkim(key, [content], tmp_path) == ["good"]


def test_spamassassin_gives_a_signed_message_no_more_points(sent):
    program = shutil.which("spamassassin")
    require("spamassassin", program is not None, "spamassassin is not installed")

    def score(content: bytes) -> float:
        found = subprocess.run([program, "-L", "-t"], input=content, capture_output=True, check=True).stdout
        return float(re.search(rb"X-Spam-Status: \w+, score=(-?[\d.]+)", found)[1])

    content = sent[1][0]
    signature, rest = re.match(rb"(DKIM-Signature: .*?\r\n)(?=\S)(.*)", content, re.DOTALL).groups()
    assert signature
    assert score(content) <= score(rest) < 2
