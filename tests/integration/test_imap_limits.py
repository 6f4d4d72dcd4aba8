"""A malicious IMAP server gives one error. It cannot make the program hang, fail or fill the memory."""

import time
import tracemalloc

import pytest

from moza_mail import bounces
from moza_mail.bounces import imap, imap_connection
from moza_mail.errors import MailboxError, ProjectError
from moza_mail.model.server_url import ServerAccess
from tests.support.imap_server import HONEST, Endless, scripted_imap
from tests.support.smtp_servers import LOOPBACK

MAX_MEMORY = 40_000_000
# Far below the hour that a server without limits would take, and far above the second that each takes on an idle machine.
MAX_SECONDS = 30
TIMEOUT = 0.4
# Less than pytest's limit for a test, and far more than the bytes take on any machine.
AMPLE_TIMEOUT = 240
TOO_MUCH = "it sends more than was requested"


def read_all(script):
    """Read and mark every message of a server that follows a script; return the messages."""
    with scripted_imap(script) as server:
        access = ServerAccess(password="geheim", allow_plaintext=True)
        mailbox = bounces.open_mailbox(server.url, "/", access)
        try:
            found = list(mailbox.read_messages())
            for message in found:
                mailbox.mark_processed(message)
        finally:
            mailbox.close()
        return found


@pytest.fixture(autouse=True)
def patient_for_a_moment(monkeypatch):
    monkeypatch.setattr(imap_connection, "TIMEOUT", TIMEOUT)
    monkeypatch.setattr(imap, "TIMEOUT", TIMEOUT)
    monkeypatch.setattr(imap, "LOGOUT_TIMEOUT", TIMEOUT)


def test_a_correct_imap_server_is_read():
    assert [message.content for message in read_all({})] == [b"Subject: a\r\n"]


def tagged(start: bytes) -> bytes:
    return start + b"%(tag)s OK done\r\n"


LIES = {
    "greeting-none": {"CONNECT": b""},
    "greeting-drip": {"CONNECT": Endless(part=b"*", pause=0.05)},
    "greeting-endless": {"CONNECT": Endless(part=b"x" * 65_536)},
    "greeting-binary": {"CONNECT": bytes(range(256)) + b"\r\n"},
    "greeting-continuation": {"CONNECT": b"+ go\r\n"},
    "greeting-http": {"CONNECT": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
    "capability-not-ascii": {"CAPABILITY": tagged(b"* CAPABILITY IMAP4rev1 \xff\xfe\r\n")},
    "capability-none": {"CAPABILITY": tagged(b"")},
    "capability-literal": {"CAPABILITY": tagged(b"* CAPABILITY {3}\r\nabc\r\n")},
    "capability-endless": {"CAPABILITY": Endless(part=b"* CAPABILITY A\r\n" * 1000)},
    "challenge-not-base64": {"AUTHENTICATE": b"+ a\r\n"},
    "challenge-endless": {"AUTHENTICATE": Endless(part=b"+ \r\n" * 1000)},
    "login-refused": {"AUTHENTICATE": b"%(tag)s NO [AUTHENTICATIONFAILED] \x1b[31mno\r\n"},
    "login-drip": {"AUTHENTICATE": Endless(part=b"*", pause=0.05)},
    "exists-huge": {"SELECT": tagged(b"* 4294967295 EXISTS\r\n")},
    "exists-digits": {"SELECT": tagged(b"* " + b"9" * 9000 + b" EXISTS\r\n")},
    "exists-none": {"SELECT": tagged(b"")},
    "exists-literal": {"SELECT": tagged(b"* EXISTS {3}\r\nabc\r\n")},
    "flags-literal": {"SELECT": tagged(b"* 1 EXISTS\r\n* PERMANENTFLAGS {2}\r\nab\r\n")},
    "untagged-endless": {"SELECT": Endless(part=b"* OK still here\r\n" * 1000)},
    "untagged-types": {"SELECT": Endless(part=b"* ABC x\r\n* DEF y\r\n" * 1000)},
    "untagged-drip": {"SELECT": Endless(part=b"* OK still here\r\n", pause=0.05)},
    "search-words": {"SEARCH": tagged(b"* SEARCH five \xff 5) (MODSEQ 7)\r\n")},
    "search-digits": {"SEARCH": tagged(b"* SEARCH " + b"9" * 9000 + b"\r\n")},
    "search-many": {"SEARCH": tagged(b"* SEARCH" + b"".join(b" %d" % uid for uid in range(20_000)) + b"\r\n")},
    "search-literal": {"SEARCH": tagged(b"* SEARCH {1}\r\n5\r\n")},
    "search-other-tag": {"SEARCH": b"ZZZZ9 OK done\r\n"},
    "line-endless": {"SEARCH": Endless(part=b"5 " * 32_768, start=b"* SEARCH ")},
    "literal-huge": {"FETCH": tagged(b"* 1 FETCH (UID 5 BODY[]<0> {4000000000}\r\n")},
    "literal-digits": {"FETCH": tagged(b"* 1 FETCH (UID 5 BODY[]<0> {" + b"9" * 9000 + b"}\r\n")},
    "literal-cut": {"FETCH": b"* 1 FETCH (UID 5 BODY[]<0> {100}\r\nabc"},
    "literal-drip": {"FETCH": Endless(part=b"x", pause=0.05, start=b"* 1 FETCH (UID 5 BODY[]<0> {9999}\r\n")},
    "literals-endless": {"FETCH": Endless(part=b"* 1 FETCH (UID 5 BODY[]<0> {1000}\r\n" + b"x" * 1000 + b")\r\n")},
    "size-digits": {"FETCH": tagged(b"* 1 FETCH (UID 5 RFC822.SIZE " + b"9" * 9000 + b" BODY[]<0> {1}\r\na)\r\n")},
    "uid-digits": {"FETCH": tagged(b"* 1 FETCH (UID " + b"9" * 9000 + b" BODY[]<0> {1}\r\na)\r\n")},
    "fetch-other-message": {"FETCH": tagged(b"* 1 FETCH (UID 6 BODY[]<0> {1}\r\na)\r\n")},
    "fetch-nothing": {"FETCH": tagged(b"")},
    "fetch-no": {"FETCH": b"%(tag)s NO \x1b[31m\x00 no\r\n"},
    "fetch-bye": {"FETCH": b"* BYE \x1b[31m go away\r\n"},
    "store-bad": {"STORE": b"%(tag)s BAD \xff\xfe\r\n"},
    "store-recreated": {"STORE": tagged(b"* OK [UIDVALIDITY 8] x\r\n")},
    "logout-endless": {"LOGOUT": Endless(part=b"* OK x\r\n" * 1000)},
    "logout-drip": {"LOGOUT": Endless(part=b"*", pause=0.05)},
}  # fmt: skip


def message_of(script) -> str:
    """Return the message of the error that reading this server raises; empty if there is none."""
    try:
        read_all(script)
    except (MailboxError, ProjectError) as error:
        return error.message
    return ""


@pytest.mark.parametrize("name", LIES)
def test_a_malicious_imap_server_gives_one_error_in_bounded_time_and_memory(name):
    tracemalloc.start()
    begin = time.monotonic()
    try:
        message = message_of(LIES[name])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert message.isprintable(), message
    assert len(message) < 500
    assert not message or LOOPBACK in message
    assert "geheim" not in message
    assert time.monotonic() - begin < MAX_SECONDS
    assert peak < MAX_MEMORY


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("login-refused", "refuses the login: [AUTHENTICATIONFAILED] [31mno"),
        ("greeting-drip", "it sends too slowly"),
        ("login-drip", "it sends too slowly"),
        ("literal-drip", "it sends too slowly"),
        ("untagged-drip", "it sends too slowly"),
        ("untagged-endless", TOO_MUCH),
        ("literals-endless", TOO_MUCH),
        ("literal-huge", TOO_MUCH),
        ("search-many", TOO_MUCH),
        ("capability-not-ascii", "it sends something that is not IMAP"),
        ("challenge-not-base64", "it sends something that is not IMAP"),
        ("exists-huge", "it reports 4294967295 messages in INBOX, which is too many"),
        ("exists-none", "it does not report the number of messages in INBOX"),
    ],
)
def test_the_error_describes_the_malicious_answer(name, words, monkeypatch):
    if words == TOO_MUCH:
        # On a busy machine the limit of bytes must be reached before the limit of time.
        monkeypatch.setattr(imap_connection, "TIMEOUT", AMPLE_TIMEOUT)
        monkeypatch.setattr(imap, "TIMEOUT", AMPLE_TIMEOUT)
    assert message_of(LIES[name]).endswith(words)


def test_memory_between_commands_does_not_grow():
    """A server that adds large lines of an unknown kind to each reply fills no memory."""
    noise = b"* ABC " + b"x" * 100_000 + b"\r\n"
    uids = b" ".join(b"%d" % uid for uid in range(1, 301))
    script = {
        "SEARCH": tagged(b"* SEARCH " + uids + b"\r\n"),
        "FETCH": tagged(noise + HONEST["FETCH"].replace(b"UID 5", b"UID 1").partition(b"%(tag)s")[0]),
    }
    tracemalloc.start()
    try:
        assert [message.name for message in read_all(script)] == ["UID 1"]
        assert tracemalloc.get_traced_memory()[1] < MAX_MEMORY // 4
    finally:
        tracemalloc.stop()


def test_bytes_before_starttls_are_not_read_as_a_reply():
    """A line that was sent in plain text after the answer to STARTTLS is dropped (CVE-2011-0411)."""
    connection = imap_connection.BoundedImap.__new__(imap_connection.BoundedImap)
    connection._buffer = bytearray(b"* OK injected\r\n")
    connection._lines_left, connection._buffered_socket, connection.sock = 1, object(), object()
    connection._drop_plaintext()
    assert not connection._buffer
