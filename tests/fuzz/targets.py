"""The fuzz targets: one function for each kind of input that others write.

Each target reads any bytes. It may raise an error of our own tree, whose message fits on a terminal. Any other exception is a
bug. tests/fuzz/test_targets.py calls the targets with Hypothesis, and tests/fuzz/run.py with atheris.
"""

import asyncio
import io
import re
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from unicodedata import bidirectional, category

import dns.message
import dns.nameserver
from starlette.exceptions import HTTPException
from starlette.requests import Request

from moza_mail import bounces, check, edit, parse, render
from moza_mail.app.import_subscribers import ImportOptions, open_subscriber_files
from moza_mail.compose import SignedLinks
from moza_mail.dns_check import DnsResolver, ExpectedKey, SenderDomain, check_domain
from moza_mail.edit import NextIssueSettings
from moza_mail.errors import InvalidLink, MozaMailError
from moza_mail.model.address import Address
from moza_mail.model.finding import CheckOptions
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import Outcome
from moza_mail.model.reply import Reply
from moza_mail.model.server_url import ServerAccess
from moza_mail.project import config, find_project, images, lists
from moza_mail.transport.limits import Limits, Timeouts
from moza_mail.transport.session import SmtpSession
from moza_mail.web.public import forms
from tests.support import builders as build
from tests.support.project_folder import folder
from tests.support.submissions import make_submission
from tests.support.workbooks import make_ods, make_xlsx

MAX_MESSAGE = 5_000
# Characters that change the direction of the text after them (Unicode annex 9).
DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
DAY = date(2026, 1, 14)
NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)
FRONT = b"---\ntitle: T\ndate: 2026-01-14\n"
LINKS = SignedLinks(secret=b"s" * 32, public_url="https://nieuws.example.org")
IDS = frozenset({"<a@example.org>", "<b@example.org>"})
OPTIONS = CheckOptions()
KEY = ExpectedKey(
    record_name="a._domainkey.example.org", key_type="rsa", public_key="AAAA", zone_line="a. IN TXT x"
)
SENDER = SenderDomain(domain="example.org", return_path="bounce.example.org", keys=(KEY,))


def is_plain(text: str) -> bool:
    """Return True if a text can be printed: no control characters except line ends and tabs, and not endless."""
    signs = set(text) - {"\n", "\t"}
    return len(text) <= MAX_MESSAGE and not any(
        category(sign) in {"Cc", "Cs", "Zl", "Zp"} or bidirectional(sign) in DIRECTIONS for sign in signs
    )


def check_error(error: MozaMailError) -> None:
    """Check that an error is a sentence for a person."""
    assert error.message.strip()
    assert is_plain(error.message), error.message
    assert is_plain(error.hint), error.hint


def issue(data: bytes) -> None:
    """Parse, render and check an issue's text, and read its outline."""
    text = parse.normalize_line_endings(data.decode("utf-8", "replace"))
    read = parse.parse_issue(text, "issues/a.md", site_url="https://example.org")
    edit.read_outline(text, read)
    rendered = render.render_issue(read, build.theme(), build.COLOPHON, zone=build.AMSTERDAM, calendar=True)
    for finding in check.check_issue(read, rendered, OPTIONS, text=text):
        assert is_plain(finding.message), finding


def front_matter(data: bytes) -> None:
    """Read the front matter of an issue, and change a value of it."""
    text = (FRONT + data + b"\n---\n## A\n\nx\n").decode("utf-8", "replace")
    parse.parse_issue_header(text, "issues/a.md")
    changed = edit.set_front_matter_value(text, "send_at", "2026-01-15 09:00", "issues/a.md")
    assert parse.parse_issue_header(changed, "issues/a.md").send_at is not None


def agenda(data: bytes) -> None:
    """Read an agenda, make its calendar, and carry it over to the next issue."""
    text = (FRONT + b"---\n## Agenda\n\n" + data).decode("utf-8", "replace")
    read = parse.parse_issue(text, "issues/a.md")
    render.render_calendar(read, build.COLOPHON, zone=build.AMSTERDAM)
    edit.make_next_issue(read, text, NextIssueSettings(date=DAY + timedelta(days=7), lang="nl"))


@cache
def _project() -> Path:
    path = Path(tempfile.mkdtemp(prefix="moza-mail-fuzz-"))
    return folder(path).path


def _import(name: str, data: bytes) -> None:
    path = _project() / name
    path.write_bytes(data)
    options = ImportOptions(list_slug="weekly", consent="form", columns={})
    for opened in open_subscriber_files(find_project(_project()), [path], options):
        for row in opened.rows:
            assert row is not None


def subscribers(data: bytes) -> None:
    """Read a file of subscribers: CSV, a plain list or a workbook."""
    _import("readers.csv", data)


def _replace_part(content: bytes, part: str, data: bytes) -> bytes:
    """Return a ZIP file with other content in one of its files."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, data if name == part else old.read(name))
    return changed.getvalue()


def workbook(data: bytes) -> None:
    """Read a workbook with this sheet, of LibreOffice if the data begins with an `o`, else of Excel."""
    if re.search(rb"repeated\s*=\s*.\d{5}", data):
        return  # a million equal rows are allowed, but take half a minute
    if data[:1] == b"o":
        content = _replace_part(make_ods({"A": [["email"]]}), "content.xml", data[1:])
    else:
        content = _replace_part(make_xlsx({"A": [["email"]]}), "xl/worksheets/sheet1.xml", data)
    _import("readers.xlsx", content)


def bounce(data: bytes) -> None:
    """Classify a message of the bounce mailbox."""
    report = bounces.classify_message(data[: bounces.MAX_CONTENT])
    assert is_plain(str(report))


def relay_log(data: bytes) -> None:
    """Search the log of a relay."""
    for proof in bounces.read_relay_log(data.decode("utf-8", "replace").splitlines(keepends=True), IDS):
        assert proof.message_id in IDS


class _Wire(asyncio.Transport):
    """A connection that discards what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False

    def write(self, data: bytes) -> None:
        pass

    def writelines(self, list_of_data: object) -> None:
        pass

    def abort(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, _name: str, default: object = None) -> object:
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class _Work:
    """Three submissions, and the outcome of each."""

    def __init__(self) -> None:
        self.ready = [make_submission(key) for key in range(3)]
        self.outcomes: dict[int, Outcome] = {}
        self.is_finished = True

    def take_ready(self) -> object:
        return self.ready.pop() if self.ready else None

    def wake_when_ready(self) -> None:
        pass

    def put_back(self, submission) -> None:
        self.ready.append(submission)

    def record_outcome(self, submission, outcome: Outcome) -> None:
        assert submission.key not in self.outcomes
        self.outcomes[submission.key] = outcome


async def _converse(data: bytes) -> None:
    work = _Work()
    limits = Limits(timeouts=Timeouts(command=5, data=5, write=5, final_dot=5, quit=5))
    extensions = MappingProxyType({"pipelining": ""} if data[:1] < b"\x80" else {})
    session = SmtpSession(_Wire(), extensions=extensions, limits=limits)
    sending = asyncio.ensure_future(session.send_from(work))
    await asyncio.sleep(0)
    size = 1 + data[1] if len(data) > 1 else 1
    for start in range(2, len(data), size):
        if session.close_reason:
            break
        part = data[start : start + size]
        session.get_buffer(len(part))[: len(part)] = part
        session.buffer_updated(len(part))
    session.connection_lost(None)
    await sending
    accepted = sum(one.state is DeliveryState.ACCEPTED for one in work.outcomes.values())
    assert accepted <= data.count(b"2")
    assert len(work.outcomes) + len(work.ready) == 3
    for outcome in work.outcomes.values():
        assert is_plain(f"{outcome.detail}{outcome.reply or ''}")
        assert outcome.reply is None or isinstance(outcome.reply.without_text(), Reply)


def relay_reply(data: bytes) -> None:
    """Send three messages over a session in which the relay replies with these bytes."""
    asyncio.run(_converse(data))


class _Socket:
    """A socket of a server that replies to each command with the next part of the data; `@` is the command's tag."""

    def __init__(self, data: bytes) -> None:
        self.parts = data.split(b"\0")[::-1]
        self.tag, self.waiting = b"", self.parts.pop()

    def recv(self, size: int) -> bytes:
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken.replace(b"@", self.tag)

    def sendall(self, data: bytes) -> None:
        self.tag = data.split(b" ")[0] if b" " in data else self.tag
        self.waiting += self.parts.pop() if self.parts else b""

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO()

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 143

    def settimeout(self, seconds: float) -> None:
        pass

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def _connect_to(sock: object) -> Iterator[None]:
    """Let imaplib use this socket."""
    before = socket.create_connection
    socket.create_connection = lambda *_arguments, **_more: sock
    try:
        yield
    finally:
        socket.create_connection = before


def imap_server(data: bytes) -> None:
    """Read a bounce mailbox on a server that replies with these bytes."""
    access = ServerAccess(password="geheim", allow_plaintext=True)
    mailbox = bounces.open_mailbox("imap://bounces@127.0.0.1/INBOX", Path(), access)
    with _connect_to(_Socket(data)):
        try:
            for message in mailbox.read_messages():
                mailbox.mark_processed(message)
        finally:
            mailbox.close()


class _NameServer(dns.nameserver.Nameserver):
    """A name server that answers each query with these records, in DNS wire format."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    def __str__(self) -> str:
        return "fuzz"

    def kind(self) -> str:
        return "fuzz"

    def is_always_max_size(self) -> bool:
        return True

    def answer_nameserver(self) -> str:
        return "fuzz"

    def answer_port(self) -> int:
        return 53

    async def async_query(self, request, *_arguments, **_more):
        reply = dns.message.make_response(request, recursion_available=True)
        reply.use_edns(edns=False)
        head = bytearray(reply.to_wire())
        count, rest = (self.data[0] % 8, self.data[1:]) if self.data else (0, b"")
        head[6:12] = bytes((0, count, 0, 0, 0, 0))
        # Every record has the name and the type of the query, so that the data is about its content.
        (question,) = request.question
        records = b"".join(
            b"\xc0\x0c" + int(question.rdtype).to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(part).to_bytes(2, "big") + part
            for part in rest.split(b"\xfe")[:count]
        )  # fmt: skip
        return dns.message.from_wire(bytes(head) + records)


def dns_answer(data: bytes) -> None:
    """Check the DNS of a sender's domain with these records."""

    async def main() -> None:
        resolver = DnsResolver("127.0.0.1")
        resolver._resolver.nameservers = [_NameServer(data)]
        for diagnosis in await check_domain(resolver.look_up, SENDER):
            assert is_plain(diagnosis.message + diagnosis.hint + diagnosis.record), diagnosis

    asyncio.run(main())


def form(data: bytes) -> None:
    """Read a submitted form."""
    head, _, body = data.partition(b"\n")

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"content-type", head or b"application/x-www-form-urlencoded")],
        "query_string": b"",
    }

    async def main() -> int:
        try:
            sent = await forms.read_form(Request(scope, receive))
        except HTTPException as error:
            return error.status_code
        assert sum(map(len, sent.values())) <= forms.MAX_FIELDS
        assert forms.read_stamp(LINKS, "weekly", forms.first_value(sent, "form")) is None
        Address.parse(forms.first_value(sent, "email"))
        return 200

    assert asyncio.run(main()) < 500


def token(data: bytes) -> None:
    """Read the token of a link or the local part of a bounce address."""
    text = data.decode("utf-8", "replace")
    readers: tuple[Callable[[], object], ...] = (
        lambda: LINKS.read_unsubscribe("weekly", text),
        lambda: LINKS.read_preferences(text),
        lambda: LINKS.read_confirmation("weekly", text, now=NOW),
        lambda: LINKS.read_bounce_local_part(text),
        lambda: LINKS.read_unsubscribe_local_part(text),
    )
    for reader in readers:
        try:
            reader()
        except InvalidLink as error:
            check_error(error)
        else:
            raise AssertionError("a token was forged")


def image(data: bytes) -> None:
    """Prepare an image for the mail."""
    try:
        made = images.prepare_image(data, "photo.png", column=600)
    except images.ImageFileError as error:
        raise MozaMailError(error.reason, hint=error.hint) from None
    assert made.width > 0
    assert made.height > 0
    assert len(made.content) <= images.MAX_IMAGE_SIZE


def configuration(data: bytes) -> None:
    """Read the settings of a project and its lists."""
    path = _project() / "fuzz.toml"
    path.write_bytes(data)
    try:
        config.read_config(path, {})
    except MozaMailError as error:
        check_error(error)
    for fault in lists.read_lists(path, UTC).faults.values():
        check_error(fault)


def theme(data: bytes) -> None:
    """Read a theme with these settings and this name, and render an issue with it."""
    name, _, settings = data.partition(b"\n")
    templates = _project() / "templates"
    own = templates / "fuzz"
    own.mkdir(parents=True, exist_ok=True)
    (own / "theme.toml").write_bytes(settings)
    try:
        find_project(_project()).read_theme(name.decode("utf-8", "surrogateescape"))
    except MozaMailError as error:
        check_error(error)
    read = find_project(_project()).read_theme("fuzz")
    render.render_issue(build.issue(), read, build.COLOPHON, zone=build.AMSTERDAM)


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        issue, front_matter, agenda, subscribers, workbook, bounce, relay_log, relay_reply, imap_server, dns_answer, form, token,
        image, configuration, theme,
    )
}  # fmt: skip


def run(name: str, data: bytes) -> None:
    """Run a target. An error of our own tree is accepted if it is a sentence."""
    try:
        TARGETS[name](data)
    except MozaMailError as error:
        check_error(error)
