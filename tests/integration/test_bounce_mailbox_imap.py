"""A bounce mailbox on a real mail server (Dovecot): certificates, reading, and marking or moving messages."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from moza_mail import bounces
from moza_mail.bounces.imap_url import encode_folder, parse_imap_url
from moza_mail.errors import MailboxError, ProjectError
from moza_mail.model.bounce import BounceKind
from moza_mail.model.server_url import ServerAccess
from tests.integration.test_bounces import read_message
from tests.support.dovecot import PASSWORD, Dovecot, dovecot

HOI = b"From: a@example.org\r\nSubject: hoi\r\n\r\nhallo\r\n"


@pytest.fixture(scope="module")
def server():
    """Run a server with TLS; each test leaves its mailbox empty."""
    with dovecot() as found:
        yield found


@pytest.fixture(autouse=True)
def emptied(request):
    yield
    if "server" in request.fixturenames:
        mail = request.getfixturevalue("server").folder / "mail"
        for path in [
            *mail.glob("new/*"),
            *mail.glob("cur/*"),
            *mail.glob(".*/cur/*"),
            *mail.glob(".*/new/*"),
        ]:
            path.unlink()


def opened(server: Dovecot, url: str = "", *, password: str = PASSWORD, plaintext: bool = False):
    access = ServerAccess(password=password, cafile=server.authority, allow_plaintext=plaintext)
    return bounces.open_mailbox(url or server.url(), server.folder, access)


def read(mailbox) -> list[bounces.MailboxMessage]:
    try:
        return list(mailbox.read_messages())
    finally:
        mailbox.close()


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_a_message_is_read_over_tls_and_not_changed(server, scheme):
    server.deliver(HOI)
    (found,) = read(opened(server, server.url(scheme)))
    assert found.content == HOI
    assert found.digest == bounces.MailboxMessage.from_lines("", HOI.splitlines(keepends=True)).digest
    assert server.messages() == [("", HOI)]
    assert server.has_logged("TLS, session")


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_with_a_certificate_for_another_name_no_password_is_sent(scheme):
    with dovecot("other.test") as server:
        with pytest.raises(MailboxError, match="Hostname mismatch"):
            read(opened(server, server.url(scheme)))
        assert "Login" not in server.read_log()
        assert "auth failed" not in server.read_log()


def test_an_unknown_authority_is_not_trusted(server):
    access = ServerAccess(password=PASSWORD)
    with pytest.raises(MailboxError, match="unable to get local issuer"):
        read(bounces.open_mailbox(server.url(), server.folder, access))


def test_a_wrong_password_is_tried_once_and_never_shown():
    with dovecot() as server:
        with pytest.raises(MailboxError) as refused:
            read(opened(server, password="verkeerd-wachtwoord"))
        assert "refuses the login" in refused.value.message
        assert "MOZA_MAIL_IMAP_PASSWORD" in refused.value.hint
        assert "verkeerd" not in refused.value.message
        assert server.has_logged("auth failed, 1 attempts")


def test_a_server_without_starttls_gets_no_password():
    with dovecot(tls="no") as server:
        with pytest.raises(MailboxError, match="TLS not supported"):
            read(opened(server, server.url("imap+starttls")))
        with pytest.raises(ProjectError, match="unencrypted"):
            opened(server, server.url("imap", host="127.0.0.1"))
        assert "Login:" not in server.read_log()
        server.deliver(HOI)
        allowed = opened(server, server.url("imap", host="127.0.0.1"), plaintext=True)
        assert [one.content for one in read(allowed)] == [HOI]


def test_counted_messages_are_moved_and_unknown_ones_are_marked_and_not_read_again(server):
    server.deliver(read_message("postfix-unknown-user"))
    server.deliver(HOI)
    mailbox = opened(server, server.url() + "?done=Verw%C3%A9rkt")
    first, second = mailbox.read_messages()
    mailbox.mark_processed(first)
    mailbox.mark_unrecognized(second)
    mailbox.close()
    assert [content for _, content in server.messages("Verw&AOk-rkt")] == [
        read_message("postfix-unknown-user")
    ]
    ((flags, content),) = server.messages()
    assert (content, flags[0]) == (HOI, "F")
    assert read(opened(server)) == []


def test_without_a_folder_for_processed_mail_counted_messages_are_marked_in_place(server):
    server.deliver(read_message("postfix-unknown-user"))
    mailbox = opened(server)
    (found,) = mailbox.read_messages()
    mailbox.mark_processed(found)
    mailbox.close()
    assert read(opened(server)) == []
    ((flags, content),) = server.messages()
    assert (content, "S" in flags) == (read_message("postfix-unknown-user"), True)


def test_only_the_beginning_of_fifty_megabytes_is_read_but_all_of_it_is_hashed(server):
    content = read_message("postfix-unknown-user").replace(b"\n", b"\r\n") + b"x" * 1000 * 50 + b"\r\n"
    server.deliver(content + (b"y" * 998 + b"\r\n") * 50_000)
    server.deliver(content + (b"y" * 998 + b"\r\n") * 50_001)
    one, two = read(opened(server))
    assert len(one.content) == bounces.MAX_CONTENT
    assert bounces.classify_message(one.content).kind is BounceKind.HARD
    assert one.digest != two.digest


def test_a_message_without_a_body_and_a_message_of_odd_bytes_are_read(server):
    server.deliver(b"Subject: niets\r\n\r\n")
    server.deliver(b'Subject: \xff\xfe caf\xe9 \x01\r\nX: "{5}\r\n\r\n* 1 FETCH (UID 1)\r\n)\r\nA1 OK\r\n')
    one, two = read(opened(server))
    assert one.content == b"Subject: niets\r\n\r\n"
    assert b"A1 OK\r\n" in two.content


def test_a_read_only_folder_is_reported_before_anything_is_counted(server):
    read(opened(server))
    acl = server.folder / "mail" / "dovecot-acl"
    acl.write_text("owner lr\n")
    try:
        with pytest.raises(ProjectError, match="is read-only"):
            read(opened(server))
    finally:
        acl.unlink()


def test_a_missing_folder_is_reported(server):
    with pytest.raises(MailboxError, match="refuses to open the folder Weg"):
        read(opened(server, server.url(folder="Weg")))


def test_a_server_without_the_move_command_loses_no_message():
    with dovecot(more="imap_capability = IMAP4rev1 UIDPLUS\n") as server:
        server.deliver(read_message("postfix-unknown-user"))
        server.deliver(HOI)
        mailbox = opened(server, server.url() + "?done=Processed")
        first, _ = mailbox.read_messages()
        mailbox.mark_processed(first)
        mailbox.close()
        assert [content for _, content in server.messages("Processed")] == [
            read_message("postfix-unknown-user")
        ]
        assert [content for _, content in server.messages()] == [HOI]


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("imaps://u:geheim@mail.example.org/INBOX", "MOZA_MAIL_IMAP_PASSWORD"),
        ("imaps://mail.example.org/INBOX", "no valid user"),
        ("imaps://u@/INBOX", "no valid host"),
        ("imaps://u@mail.example.org:0/INBOX", "no valid host"),
        ("imaps://u@mail.example.org:x/INBOX", "malformed"),
        ("imaps://u@mail.example.org/IN\r\nBOX", "control character"),
        ("imaps://u@mail.example.org/IN%0d%0aBOX", "folder"),
        ("imaps://u%0d%0a@mail.example.org/INBOX", "user"),
        ("imaps://u@mail.example.org/INBOX?done=", "done=FOLDER"),
        ("imaps://u@mail.example.org/INBOX?delete=yes", "done=FOLDER"),
        ("imaps://u@mail.example.org/INBOX?done=a%00b", "folder"),
        ("imap://u@mail.example.org/INBOX", "allow_plaintext"),
        ("imap://u@192.0.2.1/INBOX", "unencrypted"),
    ],
)
def test_an_invalid_url_is_refused_without_showing_its_password(url, word):
    with pytest.raises(ProjectError) as refused:
        parse_imap_url(url)
    assert word in refused.value.message + refused.value.hint
    assert "geheim" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("INBOX", b'"INBOX"'),
        ('a"b\\c', rb'"a\"b\\c"'),
        ("Tom & Jerry", b'"Tom &- Jerry"'),
        ("Verwérkt", b'"Verw&AOk-rkt"'),
        ("台北", b'"&U,BTFw-"'),  # RFC 3501 5.1.3 gives this one
    ],
)
def test_folder_names_are_encoded_in_modified_utf_7(folder, written):
    assert encode_folder(folder) == written


def test_a_password_in_an_answer_of_the_server_is_hidden(server):
    mailbox = opened(server)
    assert mailbox._describe(f"no {PASSWORD}\r\nfor you") == "no *** for you"


def aged(server: Dovecot, folder: str, days: int) -> None:
    """Make the messages of a folder some days old, by the modification time of their files."""
    of = server.folder / "mail" / (f".{folder}" if folder else "")
    moment = time.time() - days * 86_400
    for path in [*of.glob("cur/*"), *of.glob("new/*")]:
        os.utime(path, (moment, moment))


@pytest.mark.parametrize("more", ["", "imap_capability = IMAP4rev1 UIDPLUS\n"])
@pytest.mark.parametrize("done", ["", "Processed"])
def test_only_old_messages_that_were_counted_are_deleted(more, done):
    person = HOI.replace(b"hoi", b"van een mens")
    url_of = f"?done={done}" if done else ""
    with dovecot(more=more) as server:
        server.deliver(read_message("postfix-unknown-user"), HOI)
        mailbox = opened(server, server.url() + url_of)
        counted, unknown = mailbox.read_messages()
        mailbox.mark_processed(counted)
        mailbox.mark_unrecognized(unknown)
        mailbox.close()
        server.deliver(person)
        aged(server, "", 40)
        aged(server, done, 40)
        access = ServerAccess(password=PASSWORD, cafile=server.authority)

        def clear(days: int, *, dry_run: bool = False) -> bounces.ClearingResult:
            before = datetime.now(UTC) - timedelta(days=days)
            return bounces.delete_processed_messages(server.url() + url_of, access, before, dry_run=dry_run)

        assert clear(42).deleted == 0
        assert clear(30, dry_run=True).deleted == 1
        assert [content for _, content in server.messages(done)].count(
            read_message("postfix-unknown-user")
        ) == 1
        cleared = clear(30)
        assert (cleared.deleted, list(cleared.kept.values())) == (1, [2])
        assert clear(30).deleted == 0
        assert sorted(content for _, content in server.messages()) == sorted([HOI, person])
        assert not done or server.messages(done) == []


def test_a_message_that_a_person_put_into_our_folder_is_kept_and_reported(server):
    server.deliver(read_message("postfix-unknown-user"))
    mailbox = opened(server, server.url() + "?done=Anders")
    for found in mailbox.read_messages():
        mailbox.mark_processed(found)
    mailbox.close()
    (moved,) = (server.folder / "mail" / ".Anders").glob("cur/*")
    own = moved.with_name("1.eigen:2,S")
    own.write_bytes(HOI)
    os.chown(own, *server.owner)
    aged(server, "Anders", 40)
    access = ServerAccess(password=PASSWORD, cafile=server.authority)
    before = datetime.now(UTC) - timedelta(days=30)
    cleared = bounces.delete_processed_messages(server.url() + "?done=Anders", access, before, dry_run=False)
    assert (cleared.deleted, list(cleared.kept.values())) == (1, [1])
    assert "Anders" in next(iter(cleared.kept))
    assert server.messages("Anders") == [("S", HOI)]


def test_without_uidplus_nothing_is_deleted_and_the_reason_is_reported():
    with dovecot(more="imap_capability = IMAP4rev1\n") as server:
        server.deliver(read_message("postfix-unknown-user"))
        mailbox = opened(server)
        for found in mailbox.read_messages():
            mailbox.mark_processed(found)
        mailbox.close()
        aged(server, "", 40)
        access = ServerAccess(password=PASSWORD, cafile=server.authority)
        cleared = bounces.delete_processed_messages(
            server.url(), access, datetime.now(UTC) - timedelta(days=30), dry_run=False
        )
        assert (cleared.deleted, list(cleared.kept.values())) == (0, [1])
        assert "UIDPLUS" in next(iter(cleared.kept))
        assert len(server.messages()) == 1
