"""The commands that carry an envelope: MAIL and RCPT, with what the relay offers to be told (RFC 5321 3.3)."""

import re
from collections.abc import Mapping

from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState, Outcome, Phase
from moza_mail.model.message_size import TOO_LARGE, size_limit
from moza_mail.transport.protocol import Submission

# Address keeps anything else out; a command line is where it would do harm, so it is looked at once more. The length is
# that of RFC 5321 4.5.3.1.3 without its brackets.
PATH = re.compile(r"[!-;=?-~]{1,254}")
LONGEST_PATH = 254
# RFC 3461 4: what xtext writes as "+" and two hexadecimal digits.
NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")
# RFC 6533 3: in an address of the kind "utf-8" these are written as a code point.
NOT_IN_UTF8 = re.compile(r"[^!-*,-<>-\[\]-~]")
MAX_ENVID = 100


class EnvelopeCommands:
    """Writes the commands for one relay, by the extensions it offers.

    `notify` is what NOTIFY asks to be told of (RFC 3461 4.1), empty to ask for nothing.
    """

    def __init__(self, extensions: Mapping[str, str], *, notify: str = "") -> None:
        self._size = "size" in extensions
        self._limit = size_limit(extensions.get("size", ""))
        self._international = "smtputf8" in extensions
        self._notify = notify if "dsn" in extensions else ""
        self._sender: Address | None = None
        self._mail = b""

    def make_commands(self, submission: Submission) -> tuple[bytes, bytes] | Outcome:
        """MAIL and RCPT, each with its line end; or, when they cannot be said to this relay, what becomes of the delivery."""
        envelope, size = submission.envelope, len(submission.message.content)
        recipient = str(envelope.recipient)
        plain = recipient.isascii()
        if not _is_path(envelope.sender) or not (
            PATH.fullmatch(recipient) if plain else _is_utf8_path(recipient)
        ):
            return _make_refusal("an address that cannot stand in an envelope")
        if not plain and not self._international:
            return _make_refusal(
                "the relay takes no address with such a sign before the @ (it does not offer SMTPUTF8)"
            )
        if self._limit is not None and size > self._limit:
            detail = f"{TOO_LARGE}: {size} bytes, and its limit is {self._limit}"
            return Outcome(state=DeliveryState.PENDING, phase=Phase.MAIL, detail=detail)
        if envelope.sender is not self._sender:
            self._sender, self._mail = envelope.sender, f"MAIL FROM:<{envelope.sender}>".encode("ascii")
        mail, rcpt = self._mail, f"RCPT TO:<{recipient}>"
        if self._size:
            mail += b" SIZE=%d" % size
        if not plain:
            mail += b" SMTPUTF8"
        if self._notify:
            mail += _format_ret_and_envid(submission.message.message_id).encode("ascii")
            rcpt += f" NOTIFY={self._notify} ORCPT={_format_orcpt(recipient)}"
        return mail + b"\r\n", rcpt.encode() + b"\r\n"


def encode_xtext(text: str) -> str:
    """ASCII text as a parameter of a command may hold it (RFC 3461 4)."""
    return NOT_XTEXT.sub(lambda found: f"+{ord(found.group()):02X}", text)


def _is_path(sender: Address) -> bool:
    return PATH.fullmatch(str(sender)) is not None


def _is_utf8_path(recipient: str) -> bool:
    """Whether an address beyond ASCII can stand in a command (RFC 6531 3.3): no space, no control, not half a character."""
    return (
        recipient.isprintable()
        and not any(sign in recipient for sign in " <>")
        and len(recipient.encode()) <= LONGEST_PATH
    )


def _format_orcpt(recipient: str) -> str:
    """The address as a report is to repeat it (RFC 3461 4.2, RFC 6533 3)."""
    if recipient.isascii():
        return f"rfc822;{encode_xtext(recipient)}"
    return "utf-8;" + NOT_IN_UTF8.sub(lambda found: f"\\x{{{ord(found.group()):X}}}", recipient)


def _make_refusal(detail: str) -> Outcome:
    return Outcome(state=DeliveryState.REFUSED, phase=Phase.MAIL, detail=detail)


def _format_ret_and_envid(message_id: str) -> str:
    """What a report is to bring back: headers only, and the part of the Message-ID that is the delivery's own."""
    name = encode_xtext(message_id.strip("<> ").partition("@")[0])
    return f" RET=HDRS ENVID={name}" if name.isascii() and 0 < len(name) <= MAX_ENVID else " RET=HDRS"
