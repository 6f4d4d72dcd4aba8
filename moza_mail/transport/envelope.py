"""The commands that carry an envelope: MAIL and RCPT, with what the relay offers to be told (RFC 5321 3.3)."""

import re
from collections.abc import Mapping

from moza_mail.model.address import Address
from moza_mail.transport.protocol import Submission

# Address keeps anything else out; a command line is where it would do harm, so it is looked at once more. The length is
# that of RFC 5321 4.5.3.1.3 without its brackets.
PATH = re.compile(r"[!-;=?-~]{1,254}")
# RFC 3461 4: what xtext writes as "+" and two hexadecimal digits.
NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")
MAX_ENVID = 100


class Commands:
    """Writes the commands for one relay, by the extensions it offers."""

    def __init__(self, extensions: Mapping[str, str], *, dsn: bool = False) -> None:
        self._size = "size" in extensions
        self._dsn = dsn and "dsn" in extensions
        self._sender: Address | None = None
        self._mail = b""

    def of(self, submission: Submission) -> tuple[bytes, bytes] | None:
        """MAIL and RCPT, each with its line end; None when an address cannot stand in an envelope."""
        envelope = submission.envelope
        if envelope.sender is not self._sender:
            if not PATH.fullmatch(str(envelope.sender)):
                return None
            self._sender, self._mail = envelope.sender, f"MAIL FROM:<{envelope.sender}>".encode("ascii")
        recipient = str(envelope.recipient)
        if not PATH.fullmatch(recipient):
            return None
        mail, rcpt = self._mail, f"RCPT TO:<{recipient}>"
        if self._size:
            mail += b" SIZE=%d" % len(submission.message.content)
        if self._dsn:
            mail += _identifier(submission.message.message_id).encode("ascii")
            rcpt += f" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{xtext(recipient)}"
        return mail + b"\r\n", rcpt.encode("ascii") + b"\r\n"


def xtext(text: str) -> str:
    """ASCII text as a parameter of a command may hold it (RFC 3461 4)."""
    return NOT_XTEXT.sub(lambda found: f"+{ord(found.group()):02X}", text)


def _identifier(message_id: str) -> str:
    """What a report is to bring back: headers only, and the part of the Message-ID that is the delivery's own."""
    name = xtext(message_id.strip("<> ").partition("@")[0])
    return f" RET=HDRS ENVID={name}" if name.isascii() and 0 < len(name) <= MAX_ENVID else " RET=HDRS"
