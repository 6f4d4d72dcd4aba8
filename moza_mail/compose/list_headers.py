"""The List- headers (RFC 2369) and Feedback-ID of a mailing."""

import re
from dataclasses import dataclass

from moza_mail.compose.dkim_key import DkimKey
from moza_mail.compose.headers import format_field
from moza_mail.errors import AddressError, RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.mailing import Mailing
from moza_mail.model.mailing_list import MailingList

# Google's format of Feedback-ID: up to three identifiers of our choice, then the sender's id of 5 to 15 characters.
SENDER_ID = re.compile(r"[A-Za-z0-9_-]{5,15}")
NOT_IN_FEEDBACK_ID = re.compile(r"[^A-Za-z0-9._-]+")
MAX_IDENTIFIER = 60
WEB_ADDRESS = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderIdentity:
    """The keys and identifiers that a project uses in its messages.

    keys: the DKIM keys that sign.
    bounce_domain: the domain of the return addresses, which are unique for each message. If it is empty,
    the return address is the sender.
    feedback_id: the sender's part of Feedback-ID, by which providers count complaints. If it is empty, the
    header is left out.
    """

    keys: tuple[DkimKey, ...] = ()
    bounce_domain: str = ""
    feedback_id: str = ""


def format_list_fields(mailing: Mailing, mailing_list: MailingList, identity: SenderIdentity) -> bytes:
    """Return the headers List-Help, List-Archive, List-Post and Feedback-ID.

    They are the same for every recipient.
    """
    return b"".join(
        (
            _format_help(mailing_list.contact),
            _format_url_field("List-Archive", mailing_list.archive_url),
            # RFC 2369 3.4: only the sender may post to this list.
            format_field("List-Post", ["NO"]),
            _format_feedback_id(mailing, identity.feedback_id),
        )
    )


def _format_feedback_id(mailing: Mailing, sender_id: str) -> bytes:
    if not sender_id:
        return b""
    if not SENDER_ID.fullmatch(sender_id):
        raise RenderError(
            _("`feedback_id` {sender_id!a} must be 5 to 15 letters, digits, - and _", sender_id=sender_id),
            hint=_('For example: feedback_id = "mozamail".'),
        )
    parts = [_make_identifier(mailing.issue_slug), _make_identifier(mailing.list_slug), "moza", sender_id]
    return format_field("Feedback-ID", [":".join(parts)])


def _make_identifier(text: str) -> str:
    return NOT_IN_FEEDBACK_ID.sub("-", text)[:MAX_IDENTIFIER] or "-"


def _format_help(contact: str) -> bytes:
    """Return List-Help with the contact of the list (RFC 2369 3.1).

    Return nothing if the contact is neither an address nor a web page.
    """
    if contact.startswith(("https://", "http://")):
        return _format_url_field("List-Help", contact)
    try:
        address = Address.parse(contact.removeprefix("mailto:"))
    except AddressError:
        return b""
    return format_field("List-Help", [f"<mailto:{address}>"])


def _format_url_field(name: str, url: str) -> bytes:
    return format_field(name, [f"<{url}>"]) if WEB_ADDRESS.fullmatch(url) else b""
