"""SMTP framing (RFC 5321 2.4, 4.2, 4.5.2).

Converts a message to the octets to send, and received octets to replies.
"""

import re
from collections.abc import Sequence

from moza_mail.model.message import Message
from moza_mail.model.reply import Reply, decode_octets

CODES = {b"%d" % code: code for code in range(200, 600)}
# RFC 5321 4.5.3.1.5 allows 512 octets a line. We accept more, but no relay can fill our memory.
MAX_LINE, MAX_LINES = 8192, 100
BARE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
LEADING_DOT = re.compile(rb"(?m)^\.")
DOT = b".\r\n"


def encode_content(message: Message) -> bytes:
    """Return a message as it is sent, without the final dot.

    Lines end in CRLF, and a dot at the beginning of a line is doubled. A bare LF or CR becomes CRLF, because
    some relays accept it as a line end. An attacker could otherwise make such a relay see a second message
    (SMTP smuggling). A message with `is_smtp_ready` has this form already.
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
    """Divides received octets into replies. A reply may arrive in any number of segments.

    error: why the octets are not SMTP, empty if they are. After an error, no more octets are parsed.
    """

    def __init__(self) -> None:
        self.error = ""
        self._rest = b""
        self._lines: list[bytes] = []

    @property
    def has_partial_reply(self) -> bool:
        """Return True if the start of a reply was received, but not its end."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> Sequence[tuple[int, Sequence[bytes]]]:
        """Return the replies that these octets complete, each as its code and its lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[tuple[int, Sequence[bytes]]] = []
        for ended in lines:
            line = ended.rstrip(b"\r")
            code, separator = CODES.get(line[:3]), line[3:4]
            if code is None or separator not in {b" ", b"", b"-"} or len(line) > MAX_LINE:
                self.error = "the relay sent a line that is not SMTP"
                return found
            if not self._lines and separator != b"-":
                found.append((code, (line,)))
                continue
            self._lines.append(line)
            if line[:3] != self._lines[0][:3] or len(self._lines) > MAX_LINES:
                self.error = "the relay sent a malformed multi-line reply"
                return found
            if separator != b"-":
                found.append((code, self._lines))
                self._lines = []
        if len(self._rest) > MAX_LINE:
            self.error = "the relay sent a line that does not end"
        return found


def make_reply(code: int, lines: Sequence[bytes]) -> Reply:
    """Return the reply with this code; its lines are joined into one text."""
    return Reply.parse(code, decode_octets(b" ".join(line[4:] for line in lines)))
