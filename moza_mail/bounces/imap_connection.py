"""An IMAP connection with limits on the bytes, lines and time of each reply.

imaplib only limits the length of a line. It does not limit the size of a literal, the number of lines, or the
time that a reply takes. A slow server may send one byte a second.
"""

import imaplib
import re
import time
from typing import Any

from moza_mail.bounces.message import MAX_CONTENT
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _

TIMEOUT = 60.0
"""Seconds to wait for a whole reply."""
SESSION_TIMEOUT = 3600.0
"""Seconds for all replies of a connection."""
MAX_LITERAL = 4 * MAX_CONTENT
# The largest honest reply is a message of MAX_CONTENT, or one line of 10,000 UIDs.
MAX_REPLY_BYTES = 2 * MAX_LITERAL
# Servers add lines for changes that other programs make in the folder.
MAX_REPLY_LINES = 20_000
# A socket with a timeout of 0 does not wait, and a negative timeout is an error.
SHORTEST_WAIT = 0.001
READ_SIZE = 65_536
MAX_DIGITS = 10
LITERAL = re.compile(rb"\{(\d+)\}\r?\n$")
# Untagged responses that are read after a later command. All others are dropped when a command is sent.
KEPT_RESPONSES = ("BYE", "READ-ONLY", "UIDVALIDITY")


class ReplyLimitExceeded(Exception):
    """A reply is too large or too slow.

    reason: a clause about the server, such as `it sends too slowly`.
    """

    def __init__(self, reason: Translatable) -> None:
        super().__init__(reason)
        self.reason = reason


class BoundedImap(imaplib.IMAP4):
    """An IMAP connection that is not encrypted at first.

    Raises ReplyLimitExceeded if a reply is too long or takes too long.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        now = time.monotonic()
        self._session_end = now + SESSION_TIMEOUT
        self._start_reply(now)
        self._buffer = bytearray()
        self._buffered_socket: object = None
        super().__init__(*args, **more)

    def read(self, size: int) -> bytes:
        """Return a literal of `size` bytes."""
        if size > MAX_LITERAL:
            raise _make_size_error()
        self._drop_plaintext()
        while len(self._buffer) < size:
            self._receive()
        return self._take(size)

    def readline(self) -> bytes:
        """Return a line, including its line end."""
        self._lines_left -= 1
        if self._lines_left < 0:
            raise _make_size_error()
        self._drop_plaintext()
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self._receive()
        line = self._take(end + 1)
        if (literal := LITERAL.search(line)) and len(literal[1]) > MAX_DIGITS:
            raise _make_size_error()
        return line

    def send(self, data: Any) -> None:
        """Send a command or a part of it.

        The limits of a reply start again at each command.
        """
        # A command has a space after its tag. An answer to a login challenge is base64, and has none.
        if b" " in data:
            self._start_reply(time.monotonic())
            self.untagged_responses = {
                name: values[-1:]
                for name, values in self.untagged_responses.items()
                if name in KEPT_RESPONSES
            }
        self.socket().settimeout(TIMEOUT)
        super().send(data)

    def limit_time(self, seconds: float) -> None:
        """Limit the remaining time of the connection to this many seconds."""
        self._session_end = min(self._session_end, time.monotonic() + seconds)

    def _start_reply(self, now: float) -> None:
        self._reply_end = min(now + TIMEOUT, self._session_end)
        self._bytes_left = MAX_REPLY_BYTES
        self._lines_left = MAX_REPLY_LINES

    def _drop_plaintext(self) -> None:
        """Empty the buffer if STARTTLS has replaced the socket.

        Bytes that were sent before the encryption began must not count as a reply.
        """
        if self.socket() is not self._buffered_socket:
            self._buffered_socket = self.socket()
            self._buffer.clear()

    def _receive(self) -> None:
        """Wait for more bytes, and add them to the buffer."""
        seconds = self._reply_end - time.monotonic()
        try:
            self.socket().settimeout(max(seconds, SHORTEST_WAIT))
            received = self.socket().recv(READ_SIZE)
        except TimeoutError:
            if self._bytes_left < MAX_REPLY_BYTES:
                raise ReplyLimitExceeded(_("it sends too slowly")) from None
            raise
        if not received:
            raise EOFError
        self._bytes_left -= len(received)
        if self._bytes_left < 0:
            raise _make_size_error()
        self._buffer += received

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


class BoundedImapTls(BoundedImap, imaplib.IMAP4_SSL):
    """An IMAP connection that is encrypted from the first byte."""


def _make_size_error() -> ReplyLimitExceeded:
    return ReplyLimitExceeded(_("it sends more than was requested"))
