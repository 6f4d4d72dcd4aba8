"""Compose a notice to the operator: a short mail in plain text."""

from datetime import datetime
from email.utils import format_datetime

from moza_mail.compose.headers import format_address_field, format_text_field
from moza_mail.compose.quoted_printable import encode_text
from moza_mail.model.address import Address
from moza_mail.model.message import Envelope, Message


def compose_notice(
    sender: Address, recipient: Address, *, subject: str, text: str, sent_at: datetime, message_id: str
) -> tuple[Envelope, Message]:
    """Return the envelope and the message of a notice, in plain text.

    sent_at: the time in the Date header, in the time zone of the project.
    message_id: in angle brackets.
    """
    fields = (
        format_address_field("From", sender, "moza-mail"),
        format_address_field("To", recipient),
        format_text_field("Subject", subject),
        f"Date: {format_datetime(sent_at)}\r\n".encode(),
        f"Message-ID: {message_id}\r\n".encode(),
        # Auto-Submitted keeps programs from replying (RFC 3834 5).
        b"Auto-Submitted: auto-generated\r\n",
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
    )
    content = b"".join(fields) + encode_text(text)
    return Envelope(sender=sender, recipient=recipient), Message(content=content, message_id=message_id)
