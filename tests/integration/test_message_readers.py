"""The message as other programs read it: Python's email, Debian's reformime, and SpamAssassin."""

import email
import email.policy
import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from moza_mail import compose
from moza_mail.model.address import Address
from moza_mail.model.mailing import Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Recipient, make_placeholder
from tests.support.real_parts import require
from tests.support.rendered_mails import SAMPLE, SOURCES, WEEKLIES, render_mail

LINKS = compose.SignedLinks(
    secret=b"a secret of thirty-two bytes, so", public_url="https://nieuws.example.org/mail"
)
LISTING = MailingList(
    slug="weekly",
    title="MOZa Weekly: het nieuws van 'n week",
    sender=Address.parse("weekly@example.org"),
    sender_name='Redactie "MOZa", één loket',
)
READER = Recipient(
    subscriber_id=7,
    address=Address.parse("zoe@example.com"),
    name="Zoë Łukasz-Ç, lezer",
    values={"organisatie": 'Bakkerij <De "Korst"> & =?utf-8?q?x=0D=0ABcc=3A_evil?='},
)
NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
# Rules about the path of a message. They are ignored, because the message was not sent yet.
NOT_FORM = {"NO_RECEIVED", "NO_RELAYS"}


def message(rendered):
    mailing = Mailing(
        id=1,
        key="2026-01-14/weekly",
        issue_slug="2026-01-14",
        issue_title="Nieuws",
        list_slug=LISTING.slug,
        rendered=rendered,
        digest=rendered.compute_digest(),
        created_at=NOW,
    )
    return compose.compile_mailing(mailing, LISTING, LINKS).compose_message(READER)[1].content


def merged(path):
    """Return what the recipient must get, with their own values filled in."""
    rendered = render_mail(path)
    return rendered, rendered.fill_fields(lambda field: READER.value_of(field) or "")


def filled(text):
    return text.replace(
        make_placeholder("unsubscribe_url"), LINKS.make_unsubscribe_url(LISTING.slug, READER.subscriber_id)
    ).encode()


def reformime(content, *arguments):
    program = shutil.which("reformime")
    require("reformime", program is not None, "reformime (Debian: maildrop) is not installed")
    return subprocess.run([program, *arguments], input=content, capture_output=True, check=True).stdout


def to_crlf(text):
    """Return a body with the line endings of a message (RFC 5322 2.3)."""
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("path", [*SOURCES, *WEEKLIES], ids=lambda path: path.stem)
def test_pythons_email_package_reads_subject_names_bodies_and_attachments(path):
    open_mail, rendered = merged(path)
    read = email.message_from_bytes(message(open_mail), policy=email.policy.SMTP)
    assert "Bcc" not in read
    assert [part.defects for part in read.walk() if part.defects] == []
    assert read["Subject"] == rendered.subject
    assert read["From"].addresses[0].display_name == LISTING.sender_name
    assert read["To"].addresses[0].display_name == READER.name
    for kind, text in (("plain", rendered.text), ("html", rendered.html)):
        assert to_crlf(read.get_body((kind,)).get_payload(decode=True)) == to_crlf(filled(text))
    files = {
        part.get_filename(): part.get_payload(decode=True) for part in read.walk() if part.get_filename()
    }
    assert files == {file.filename: file.content for file in rendered.attachments}


@pytest.mark.parametrize("path", [*SOURCES, *WEEKLIES], ids=lambda path: path.stem)
def test_reformime_decodes_the_same_bytes(path):
    open_mail, rendered = merged(path)
    content = message(open_mail)
    head = email.message_from_bytes(content)
    decoded = reformime(b"", "-c", "utf-8", "-h", str(head["Subject"])).decode()
    assert decoded.removesuffix("\n") == rendered.subject
    for field, name in (("From", LISTING.sender_name), ("To", READER.name)):
        read = reformime(b"", "-c", "utf-8", "-H", str(head[field])).decode()
        quoted = name.replace('"', r"\"")
        assert read.partition(" <")[0] == f'"{quoted}"'
    found = {}
    sections = re.findall(rb"section: (\S+)\ncontent-type: (\S+)", reformime(content, "-i"))
    for section, kind in sections:
        if not kind.startswith(b"multipart/"):
            found[kind.decode()] = reformime(content, "-s", section.decode(), "-e")
    expected = {"text/plain": filled(rendered.text), "text/html": filled(rendered.html)}
    expected |= {file.content_type.split(";")[0]: file.content for file in rendered.attachments}
    assert {kind: to_crlf(text) for kind, text in found.items()} == {
        kind: to_crlf(text) for kind, text in expected.items()
    }


@pytest.mark.parametrize(
    "path",
    [SAMPLE, *(path for path in WEEKLIES if path.stem == SAMPLE.stem)],
    ids=lambda path: path.parent.name,
)
def test_spamassassin_gives_no_points_for_the_form_of_a_message(path, tmp_path):
    program = shutil.which("spamassassin")
    require("spamassassin", program is not None, "spamassassin is not installed")
    # -L runs only local tests, without the network. With its own home folder, SpamAssassin reads and learns nothing.
    ran = subprocess.run(
        [program, "-L", "-t"],
        input=message(render_mail(path)),
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    report = ran.stdout.decode(errors="replace").partition("pts rule name")[2]
    rules = re.findall(r"^\s*(-?\d+\.\d+) (\w+)", report, re.MULTILINE)
    assert rules
    assert {name: points for points, name in rules if float(points) > 0 and name not in NOT_FORM} == {}
