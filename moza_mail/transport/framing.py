"""The wire: a message as octets on the line, and what a relay sends as replies (RFC 5321 2.4, 4.2, 4.5.2)."""

import re
from collections.abc import Sequence

from moza_mail.model.mailing import Reply
from moza_mail.model.message import Message

CODES = {b"%d" % code: code for code in range(200, 600)}
# RFC 5321 4.5.3.1.5 allows 512 octets a line; be generous, but let no relay fill our memory.
MAX_LINE, MAX_LINES = 8192, 100
BARE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
LEADING_DOT = re.compile(rb"(?m)^\.")
DOT = b".\r\n"


def encode_content(message: Message) -> bytes:
    """A message as it goes over the line, up to the dot that ends it: CRLF ends, leading dots doubled.

    Where nobody vouches for it a bare LF or CR is mended, because relays that read one as a line's end can be made to
    see a second message (SMTP smuggling).
    """
    content = message.content
    if not message.is_smtp_ready:
        ends = content.count(b"\r\n")
        if content.count(b"\n") != ends or content.count(b"\r") != ends:
            content = BARE_LINE_END.sub(b"\r\n", content)
        if content.startswith(b".") or b"\n." in content:
            content = LEADING_DOT.sub(b"..", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


class ReplyParser:
    """Cuts what a relay sends into replies, however the network has cut it.

    `wrong` says what was not SMTP, empty while all was: nothing that came behind it is read.
    """

    def __init__(self) -> None:
        self.error = ""
        self._rest = b""
        self._lines: list[bytes] = []

    @property
    def has_partial_reply(self) -> bool:
        """Whether the beginning of a reply has come, and its end has not."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> Sequence[tuple[int, Sequence[bytes]]]:
        """The replies that end in these octets, each as its code and its lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[tuple[int, Sequence[bytes]]] = []
        for ended in lines:
            line = ended.rstrip(b"\r")
            code, sign = CODES.get(line[:3]), line[3:4]
            if code is None or sign not in {b" ", b"", b"-"} or len(line) > MAX_LINE:
                self.error = "the relay sent a line that is not SMTP"
                return found
            if not self._lines and sign != b"-":
                found.append((code, (line,)))
                continue
            self._lines.append(line)
            if line[:3] != self._lines[0][:3] or len(self._lines) > MAX_LINES:
                self.error = "the relay sent a reply that does not hold together"
                return found
            if sign != b"-":
                found.append((code, self._lines))
                self._lines = []
        if len(self._rest) > MAX_LINE:
            self.error = "the relay sent a line without end"
        return found


def make_reply(code: int, lines: Sequence[bytes]) -> Reply:
    """The lines of a reply, read."""
    return Reply.read(code, b" ".join(line[4:] for line in lines).decode("utf-8", "replace"))
