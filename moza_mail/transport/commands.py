"""The MAIL and RCPT commands of an envelope (RFC 5321 3.3).

Only parameters that the relay supports are sent.
"""

import re
from collections.abc import Mapping

from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message_size import TOO_LARGE, size_limit
from moza_mail.model.outcome import Outcome
from moza_mail.model.reply import Phase
from moza_mail.transport.protocol import Submission

# The class Address already refuses all other characters. They are checked again here, because they could end a command and
# begin another. The maximum length is from RFC 5321 4.5.3.1.3, without the angle brackets.
PATH = re.compile(r"[!-;=?-~]{1,254}")
MAX_PATH = 254
# RFC 3461 4: characters that xtext writes as "+" and two hexadecimal digits.
NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")
# RFC 6533 3: characters that an address of type "utf-8" writes as a code point.
NOT_IN_UTF8 = re.compile(r"[^!-*,-<>-\[\]-~]")
MAX_ENVID = 100


class EnvelopeCommands:
    """Makes the commands for one relay, depending on the extensions that it offers.

    notify: the value of NOTIFY (RFC 3461 4.1), empty to leave it out.
    """

    def __init__(self, extensions: Mapping[str, str], *, notify: str = "") -> None:
        self._size = "size" in extensions
        self._limit = size_limit(extensions.get("size", ""))
        self._international = "smtputf8" in extensions
        self._notify = notify if "dsn" in extensions else ""
        self._sender: Address | None = None
        self._mail = b""

    def make_commands(self, submission: Submission) -> tuple[bytes, bytes] | Outcome:
        """Return MAIL and RCPT with their line ends.

        If this relay cannot take the message, the outcome is returned instead.
        """
        envelope, size = submission.envelope, len(submission.message.content)
        recipient = str(envelope.recipient)
        plain = recipient.isascii()
        if envelope.sender is not self._sender:
            self._sender, self._mail = envelope.sender, _make_mail(envelope.sender)
        if not self._mail or not (PATH.fullmatch(recipient) if plain else _is_utf8_path(recipient)):
            return _make_refusal("the address cannot be used in an SMTP command")
        if not plain and not self._international:
            return _make_refusal(
                "the relay does not accept this character before the @, because it does not offer SMTPUTF8"
            )
        if self._limit is not None and size > self._limit:
            detail = f"{TOO_LARGE}: {size} bytes, and its limit is {self._limit}"
            return Outcome(state=DeliveryState.PENDING, phase=Phase.MAIL, detail=detail)
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
    """Encode ASCII text as xtext, for a parameter of a command (RFC 3461 4)."""
    return NOT_XTEXT.sub(lambda found: f"+{ord(found.group()):02X}", text)


def _make_mail(sender: Address) -> bytes:
    """Return the beginning of MAIL, empty if the address cannot be used in a command."""
    return f"MAIL FROM:<{sender}>".encode("ascii") if PATH.fullmatch(str(sender)) else b""


def _is_utf8_path(recipient: str) -> bool:
    """Return True if a non-ASCII address can be used in a command (RFC 6531 3.3).

    It may not contain a space, a control character or a lone surrogate.
    """
    return (
        recipient.isprintable()
        and not any(character in recipient for character in " <>")
        and len(recipient.encode()) <= MAX_PATH
    )


def _format_orcpt(recipient: str) -> str:
    """Return the recipient in the form for ORCPT, which a delivery report repeats.

    See RFC 3461 4.2 and RFC 6533 3.
    """
    if recipient.isascii():
        return f"rfc822;{encode_xtext(recipient)}"
    return "utf-8;" + NOT_IN_UTF8.sub(lambda found: f"\\x{{{ord(found.group()):X}}}", recipient)


def _make_refusal(detail: str) -> Outcome:
    return Outcome(state=DeliveryState.REFUSED, phase=Phase.MAIL, detail=detail)


def _format_ret_and_envid(message_id: str) -> str:
    """Return the RET and ENVID parameters of MAIL (RFC 3461 4.3, 4.4).

    With RET=HDRS, a report returns only the headers of the message. ENVID is the local part of the Message-ID, which identifies
    the delivery.
    """
    name = encode_xtext(message_id.strip("<> ").partition("@")[0])
    return f" RET=HDRS ENVID={name}" if name.isascii() and 0 < len(name) <= MAX_ENVID else " RET=HDRS"
