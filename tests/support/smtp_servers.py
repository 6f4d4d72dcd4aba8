"""Relays on loopback for tests: Postfix's smtp-sink, aiosmtpd, and a relay that follows a script."""

import asyncio
import base64
import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.support.real_parts import require

LOOPBACK = "127.0.0.1"
# True if smtp-sink and the scripted relay offer PIPELINING (RFC 2920).
PIPELINING = True


def free_port() -> int:
    """Return a port on loopback on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


@dataclass(frozen=True, kw_only=True)
class Sink:
    """A running smtp-sink."""

    port: int
    folder: Path

    @property
    def relay(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    def received(self) -> dict[str, list[bytes]]:
        """Return the accepted messages by recipient, with LF line endings, as smtp-sink writes them."""
        found: dict[str, list[bytes]] = {}
        for path in self.folder.iterdir():
            # An interrupted transaction leaves a file without a recipient until smtp-sink deletes the file.
            with contextlib.suppress(FileNotFoundError):
                envelope, _, message = path.read_bytes().partition(b"\nReceived: ")
                for recipient in re.findall(rb"^X-Rcpt-Args: <([^>]+)>", envelope, re.MULTILINE):
                    # smtp-sink adds a Received header of three lines, and an empty line at the end.
                    found.setdefault(recipient.decode(), []).append(
                        re.split(rb"\n(?=\S)", message, maxsplit=1)[1]
                    )
        return found


@contextlib.contextmanager
def smtp_sink(*flags: str, keep: bool = True, port: int = 0) -> Iterator[Sink]:
    """Run smtp-sink with these flags. It writes each message to a file, or discards it, which is faster."""
    program = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    require("smtp-sink", program is not None, "smtp-sink (Debian: postfix) is not installed")
    port = port or free_port()
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="moza-mail-sink-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # smtp-sink writes as nobody
        kept = ("-d", f"{folder}/m.") if keep else ()
        shut = () if PIPELINING else ("-p",)
        command = (str(program), *user, *kept, *shut, *flags, f"{LOOPBACK}:{port}", "100")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                await_port(port, process)
                yield Sink(port=port, folder=folder)
            finally:
                process.terminate()


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process listens on the port."""
    for _ in range(3000):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection((LOOPBACK, port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            break
    raise AssertionError(f"{process.args!r} does not listen")


class FinalReply(bytes):
    """A reply after which the relay closes the connection."""

    __slots__ = ()


DROP = FinalReply(b"")
HANG = object()

Script = Mapping[str, Sequence[object]]
DEFAULTS = {
    "CONNECT": b"220 script.test ESMTP\r\n",
    "HELO": b"250 script.test\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 End with a dot\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "QUIT": FinalReply(b"221 2.0.0 Bye\r\n"),
}
OFFERED = b"250-script.test\r\n250-SIZE 1000000000\r\n%b250 ENHANCEDSTATUSCODES\r\n"


@dataclass(kw_only=True)
class ScriptedRelay:
    """A relay whose nth reply to a command is the nth reply in its script. Afterwards it accepts everything.

    script: the replies by command. CONNECT is the greeting, BODY the first line of a body, and "." its end.
    dribbles: send every byte in its own packet.
    acknowledged: the bodies whose final dot got a 2xx reply.
    """

    script: Script
    dribbles: bool = False
    acknowledged: list[bytes] = field(default_factory=list)
    port: int = 0
    commands: list[str] = field(default_factory=list)
    sessions: list[list[str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    body_lines: int = 0
    connections: int = 0
    command_counts: Counter[str] = field(default_factory=Counter)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def relay(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    def default(self, verb: str) -> bytes:
        if verb == "EHLO":
            return OFFERED % (b"250-PIPELINING\r\n" if PIPELINING else b"")
        return DEFAULTS.get(verb, b"502 5.5.2 What?\r\n")

    def answer(self, verb: str, default: object) -> object:
        given = self.script.get(verb, ())
        turn = self.command_counts[verb]
        self.command_counts[verb] += 1
        return given[turn] if turn < len(given) and given[turn] is not None else default

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        said: list[str] = []
        self.sessions.append(said)
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            going = await self.reply(writer, "CONNECT", DEFAULTS["CONNECT"])
            while going and (line := await reader.readline()):
                said.append(line.decode().strip())
                self.commands.append(said[-1])
                verb = line[:4].decode().upper().strip()
                going = await self.reply(writer, verb, self.default(verb))
                if going == b"354":
                    going = await self.take_body(reader, writer)
        writer.close()

    async def take_body(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> object:
        lines: list[bytes] = []
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                return False
            self.body_lines += 1
            lines.append(line)
            if len(lines) == 1 and not await self.reply(writer, "BODY", b""):
                return False
        self.bodies.append(b"".join(lines))
        answer = self.answer(".", b"250 2.0.0 Ok: queued as S%d\r\n" % len(self.bodies))
        if isinstance(answer, bytes) and answer[:1] == b"2" and answer[3:4] == b" ":
            self.acknowledged.append(self.bodies[-1])
        return await self.write_reply(writer, answer)

    async def reply(self, writer: asyncio.StreamWriter, verb: str, default: object) -> object:
        """Send the reply. Return False if the connection must close, and b"354" if a body follows."""
        return await self.write_reply(writer, self.answer(verb, default))

    async def write_reply(self, writer: asyncio.StreamWriter, answer: object) -> object:
        if answer is HANG:
            await self.done.wait()
            return False
        assert isinstance(answer, bytes)
        for part in [bytes([octet]) for octet in answer] if self.dribbles else [bytes(answer)]:
            writer.write(part)
            await writer.drain()
            if self.dribbles:
                await asyncio.sleep(0)
        if isinstance(answer, FinalReply):
            return False
        return b"354" if answer.startswith(b"354") else True


@contextlib.asynccontextmanager
async def scripted_relay(
    script: Script | None = None, *, tls: ssl.SSLContext | None = None, dribbles: bool = False
) -> AsyncIterator[ScriptedRelay]:
    """Run a relay that follows a script, with implicit TLS if `tls` is given."""
    relay = ScriptedRelay(script=script or {}, dribbles=dribbles)
    server = await asyncio.start_server(relay.serve, LOOPBACK, 0, ssl=tls)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.done.set()
        for writer in relay.writers:
            # Before Python 3.11.3, abort() raises AttributeError on a TLS transport that is closed.
            if not writer.transport.is_closing():
                writer.transport.abort()
        await asyncio.sleep(0)


@dataclass(kw_only=True)
class AiosmtpdRelay:
    """A relay of aiosmtpd, whose only user is `weekly` with the password `goed`.

    tried_passwords: the passwords with which clients tried to log in.
    accepts_token: decides about a user and a token. If it is given, the relay only offers XOAUTH2.
    token_refusal: the reply to a token that is not accepted.
    on_message: called after each message.
    """

    port: int = 0
    tried_passwords: list[bytes] = field(default_factory=list)
    received: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    accepts_token: Callable[[str, str], bool] | None = None
    token_refusal: str = "535 5.7.3 Authentication unsuccessful"
    on_message: Callable[[int], None] = lambda _count: None

    async def auth_XOAUTH2(self, server, arguments) -> AuthResult:  # noqa: N802 -- aiosmtpd's name
        user, token = base64.b64decode(arguments[1]).decode().rstrip("\1").split("\1auth=Bearer ")
        self.tried_passwords.append(token.encode())
        assert self.accepts_token is not None
        if self.accepts_token(user.removeprefix("user="), token):
            return AuthResult(success=True, handled=False, auth_data=user)
        # The relay sends the error as a challenge, and the client answers it with an empty line.
        assert not await server.challenge_auth(base64.b64encode(b'{"status":"400"}').decode())
        await server.push(self.token_refusal)
        return AuthResult(success=False, handled=True)

    async def handle_DATA(self, _server, session, envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        self.received.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        self.secure.append(session.ssl is not None)
        self.on_message(len(self.received))
        return "250 2.0.0 Ok: queued as F1"

    def authenticate(self, _server, _session, _envelope, _mechanism, login) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.tried_passwords.append(login.password)
        right = (login.login, login.password) == (b"weekly", b"goed")
        return AuthResult(success=right, handled=False)


@contextlib.asynccontextmanager
async def aiosmtpd_relay(
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    login: bool = False,
    relay: AiosmtpdRelay | None = None,
) -> AsyncIterator[AiosmtpdRelay]:
    """Run aiosmtpd with STARTTLS, implicit TLS, or no TLS."""
    relay = relay or AiosmtpdRelay()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # With implicit TLS, aiosmtpd does not know that the connection is encrypted.
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            return SMTP(
                relay,
                hostname="friendly.test",
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=login,
                auth_require_tls=implicit is None,
                authenticator=relay.authenticate,
                auth_exclude_mechanism=["LOGIN", "PLAIN"] if relay.accepts_token else ["XOAUTH2"],
            )

    server = await asyncio.get_running_loop().create_server(protocol, LOOPBACK, 0, ssl=implicit)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await asyncio.sleep(0)
