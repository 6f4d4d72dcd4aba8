"""An IMAP server on loopback that answers from a script, also with wrong answers that no real server gives."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.support.smtp_servers import LOOPBACK

# The replies of a correct server with one message. `%(tag)s` is the tag of the command.
HONEST = {
    "CONNECT": b"* OK ready\r\n",
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN UIDPLUS MOVE\r\n%(tag)s OK done\r\n",
    "AUTHENTICATE": b"+ \r\n",
    "LOGIN": b"%(tag)s OK done\r\n",
    "SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [PERMANENTFLAGS (\\*)] x\r\n%(tag)s OK [READ-WRITE] done\r\n",
    "SEARCH": b"* SEARCH 5\r\n%(tag)s OK done\r\n",
    "FETCH": b"* 1 FETCH (UID 5 RFC822.SIZE 12 BODY[]<0> {12}\r\nSubject: a\r\n)\r\n%(tag)s OK done\r\n",
    "STORE": b"%(tag)s OK done\r\n",
    "LOGOUT": b"* BYE\r\n%(tag)s OK done\r\n",
}


@dataclass(frozen=True, kw_only=True)
class Endless:
    """A reply that is repeated until the client closes the connection, with a pause before each time."""

    part: bytes
    pause: float = 0
    start: bytes = b""


@dataclass(kw_only=True)
class ScriptedImap:
    """A server that answers each command with its entry in the script, else as a correct server does."""

    script: Mapping[str, bytes | Endless]
    port: int = 0
    commands: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"imap://bounces@{LOOPBACK}:{self.port}/INBOX"

    def serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self.serve_client, args=(client,), daemon=True).start()

    def serve_client(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, client.makefile("rb") as stream:
            self.reply(client, "CONNECT", b"")
            for line in stream:
                self.commands.append(line)
                words = line.upper().split()
                tag = line.split()[0] if line.split() else b""
                if len(words) == 1:
                    client.sendall(self.commands[-2].split()[0] + b" OK done\r\n")
                elif len(words) > 1:
                    name = words[2] if words[1] == b"UID" else words[1]
                    self.reply(client, name.decode("ascii", "replace"), tag)

    def reply(self, client: socket.socket, name: str, tag: bytes) -> None:
        answer = self.script.get(name, HONEST.get(name, b"%(tag)s BAD what?\r\n"))
        if isinstance(answer, Endless):
            client.sendall(answer.start)
            while True:
                time.sleep(answer.pause)
                client.sendall(answer.part)
        client.sendall(answer.replace(b"%(tag)s", tag))


@contextlib.contextmanager
def scripted_imap(script: Mapping[str, bytes | Endless] | None = None) -> Iterator[ScriptedImap]:
    """Run a server that follows a script."""
    server = ScriptedImap(script=script or {})
    with socket.create_server((LOOPBACK, 0)) as listener:
        server.port = listener.getsockname()[1]
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
