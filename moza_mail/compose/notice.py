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
    """Compose a notice.

    sent_at: the time in the Date header, in the time zone of the project.
    """
    fields = (
        format_address_field("From", sender, "moza-mail"),
        format_address_field("To", recipient),
        format_text_field("Subject", subject),
        f"Date: {format_datetime(sent_at)}\r\n".encode(),
        f"Message-ID: {message_id}\r\n".encode(),
        # RFC 3834: no program answers this mail.
        b"Auto-Submitted: auto-generated\r\n",
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
    )
    content = b"".join(fields) + encode_text(text)
    return Envelope(sender=sender, recipient=recipient), Message(content=content, message_id=message_id)
