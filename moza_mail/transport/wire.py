"""The wire: one open connection to a relay as commands out and replies in (RFC 5321 2.4, 4.2).

It takes the connection over once greeting, TLS and login are done. A reply is paired with what was asked by its place
in the line. After anything that could pair one wrongly (a timeout, a cancel, a line nobody asked for) the connection
is dropped for good.
"""

import asyncio
import re
from collections import deque
from dataclasses import dataclass

from moza_mail.model.mailing import Reply

REPLY_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
# RFC 5321 4.5.3.1.5 allows 512 octets a line; be generous, but let no relay fill our memory.
MAX_LINE, MAX_LINES = 8192, 100
PIECE = 65536
BARE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
LEADING_DOT = re.compile(rb"(?m)^\.")


class LineBroken(Exception):
    """The connection can no longer be used; the message is a clause that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How many seconds we wait, by phase (RFC 5321 4.5.3.2).

    The ten minutes after the final dot are the ones that matter: less, and a slow relay delivers what we call uncertain.
    `connect` is shorter than the RFC's five minutes, because a person is often waiting.
    """

    connect: float = 60
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    quit: float = 5


def wire_form(content: bytes) -> bytes:
    """A message as it goes over the line: CRLF ends, leading dots doubled, a lone dot to close (RFC 5321 4.5.2).

    Our own messages need no change. A bare LF or CR is mended all the same, because relays that read one as a line's
    end can be made to see a second message (SMTP smuggling).
    """
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        content = BARE_LINE_END.sub(b"\r\n", content)
    if content.startswith(b".") or b"\n." in content:
        content = LEADING_DOT.sub(b"..", content)
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


class Wire(asyncio.Protocol):
    """An SMTP connection in lock-step.

    `broken` says why it can no longer be used; empty while it can. `unasked` is the reply that ended it, when the relay
    spoke out of turn.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.broken = ""
        self.unasked: Reply | None = None
        self._transport = transport
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def ask(self, command: bytes, seconds: float) -> Reply:
        """Send one command line and give its reply; raise LineBroken when none comes in that time."""
        waiter = self._expect()
        self._transport.write(command + b"\r\n")
        return await self._reply(waiter, seconds)

    async def body(self, content: bytes, timeouts: Timeouts) -> Reply:
        """Send a message after the 354 and give the reply to its dot; raise LineBroken when none can come.

        A relay that refuses before the dot has refused; its connection cannot be used again.
        """
        waiter = self._expect()
        octets = memoryview(wire_form(content))
        for start in range(0, len(octets), PIECE):
            if waiter.done():
                return self._early(await waiter)
            self._transport.write(octets[start : start + PIECE])
            await self._drained(timeouts.block)
        return await self._reply(waiter, timeouts.dot)

    async def quit(self, seconds: float) -> None:
        """Say goodbye and close, whatever the relay answers."""
        try:
            if not self.broken:
                await self.ask(b"QUIT", seconds)
        except LineBroken:
            return
        finally:
            self.drop("closed by us")

    def drop(self, reason: str) -> None:
        """Close at once; whoever waits for a reply gets LineBroken."""
        if not self.broken:
            self.broken = reason
            self._transport.abort()
        self._flowing.set()
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(LineBroken(self.broken))
                waiter.exception()  # marks it as seen: a waiter whose task was cancelled is never awaited

    def data_received(self, data: bytes) -> None:
        """Cut what comes into lines, and lines into replies."""
        self._buffer += data
        while not self.broken and (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._line(line)
        if len(self._buffer) > MAX_LINE:
            self.drop("the relay sent a line without end")

    def pause_writing(self) -> None:
        """The relay reads slower than we write."""
        self._flowing.clear()

    def resume_writing(self) -> None:
        """The relay has caught up."""
        self._flowing.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.drop(f"the connection broke: {exc}" if exc else "the relay closed the connection")

    def _expect(self) -> asyncio.Future[Reply]:
        if self.broken:
            raise LineBroken(self.broken)
        waiter: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return waiter

    async def _reply(self, waiter: asyncio.Future[Reply], seconds: float) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except TimeoutError:
            self.drop(f"the relay gave no reply in {seconds:g} seconds")
            raise LineBroken(self.broken) from None
        except asyncio.CancelledError:
            self.drop("cancelled while waiting for a reply")
            raise

    async def _drained(self, seconds: float) -> None:
        """Wait until the relay takes more, has answered, or is gone."""
        try:
            async with asyncio.timeout(seconds):
                await self._flowing.wait()
        except TimeoutError:
            self.drop(f"the relay took nothing in {seconds:g} seconds")
            raise LineBroken(self.broken) from None
        except asyncio.CancelledError:
            self.drop("cancelled in the body")
            raise

    def _early(self, reply: Reply) -> Reply:
        self.drop(f"the relay answered before the end of the body: {reply}")
        if reply.code >= 400:
            return reply
        raise LineBroken(self.broken)

    def _line(self, line: bytes) -> None:
        found = REPLY_LINE.fullmatch(line)
        if found is None or len(line) > MAX_LINE:
            self.drop("the relay sent a line that is not SMTP")
            return
        self._lines.append(line)
        if line[:3] != self._lines[0][:3] or len(self._lines) > MAX_LINES:
            self.drop("the relay sent a reply that does not hold together")
        elif found[2] != b"-":
            self._complete(int(found[1]))

    def _complete(self, code: int) -> None:
        text = b" ".join(line[4:] for line in self._lines).decode("utf-8", "replace")
        self._lines.clear()
        if not self._waiting:
            self.unasked = Reply.read(code, text)
            self.drop(f"the relay spoke unasked: {self.unasked}")
            return
        waiter = self._waiting.popleft()
        if not waiter.done():
            waiter.set_result(Reply.read(code, text))
        self._flowing.set()
