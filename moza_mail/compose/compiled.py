"""Compile a mailing: encode the shared parts of its messages once.

After that, composing a message only joins bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from email.utils import format_datetime

from moza_mail.compose.dkim import DkimSigner
from moza_mail.compose.headers import encode_phrase, format_address_field, format_field, format_text_field
from moza_mail.compose.list_headers import SenderIdentity, format_list_fields
from moza_mail.compose.mime import build_body
from moza_mail.compose.quoted_printable import BodyFormat, OpenPlaceholder, Segments
from moza_mail.compose.signed_links import SignedLinks
from moza_mail.errors import AddressError, RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.mailing import Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import PLACEHOLDER, Envelope, Message, Recipient, Rendered, make_placeholder

UNSUBSCRIBE_URL = "unsubscribe_url"
# Lone surrogates cannot be encoded. All other characters that a mail cannot contain are control characters.
NOT_MAILABLE = re.compile(f"{CONTROL_CHARACTER.pattern}|[\ud800-\udfff]")
LIST_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
NO_IDENTITY = SenderIdentity()
LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledMailing:
    """The parts that all messages of a mailing share.

    from_field: the From header, which comes before the headers that differ for each recipient.
    shared_fields: the other shared headers, which come after those headers.
    body: encoded pieces of the body, and between them the placeholders to fill in.
    subject: pieces of text, and between them the names of placeholders. Empty if the subject has no merge fields.
    """

    mailing_key: str
    list_slug: str
    sender: Address
    links: SignedLinks
    from_field: bytes
    shared_fields: bytes
    body: Segments
    fields_by_placeholder: Mapping[str, MergeField]
    subject: tuple[str, ...] = ()
    mailing_id: int = 0
    bounce_domain: str = ""
    signer: DkimSigner | None = None

    @property
    def is_signed(self) -> bool:
        """True if messages are signed. Signing is slow, so compose such messages in a thread."""
        return self.signer is not None

    def compose_message(self, recipient: Recipient) -> tuple[Envelope, Message]:
        """Return the envelope of one recipient and the final bytes of the message.

        The same recipient always gives the same bytes. They are ASCII, except for a non-ASCII address.
        Signing takes ten times as long as the rest, and releases the interpreter lock. Raises AddressError
        if the name, the address or a value cannot be written in a mail, or if a merge field has neither a
        value nor a default.
        """
        own = self._fill_fields(recipient) if self.fields_by_placeholder else {}
        message_id = self.links.make_message_id(self.mailing_key, recipient.subscriber_id, self.sender.domain)
        unsubscribe_url = self._make_unsubscribe_url(recipient)
        to = format_address_field("To", recipient.address, recipient.name) + self._make_subject(own)
        last = format_field("Message-ID", [message_id])
        last += self._make_unsubscribe_fields(unsubscribe_url, recipient.subscriber_id)
        body = fill_placeholders(self.body, {UNSUBSCRIBE_URL: unsubscribe_url, **own})
        signatures = self.signer.make_signature_fields(to + last, body) if self.signer else b""
        content = b"".join((signatures, self.from_field, to, self.shared_fields, last, b"\r\n", *body))
        envelope = Envelope(
            sender=self.make_return_path(recipient.subscriber_id),
            recipient=recipient.address,
            author=self.sender,
        )
        return envelope, Message(content=content, message_id=message_id, is_smtp_ready=True)

    def make_return_path(self, subscriber: int) -> Address:
        """Return the address to which bounces of one message are sent.

        With a bounce domain the address is unique, otherwise it is the address of the sender.
        """
        if not self.bounce_domain:
            return self.sender
        return Address(
            local=self.links.make_bounce_local_part(self.mailing_id, subscriber), domain=self.bounce_domain
        )

    def _make_unsubscribe_url(self, recipient: Recipient) -> str:
        """Return the recipient's unsubscribe link, empty if the project has no public pages."""
        if not self.links.public_url:
            return ""
        return self.links.make_unsubscribe_url(self.list_slug, recipient.subscriber_id)

    def _make_unsubscribe_fields(self, url: str, subscriber: int) -> bytes:
        """Return the headers for the unsubscribe button of mail programs.

        The button opens the link or sends a mail (RFC 2369 3.2, RFC 8058 3.1).
        """
        targets = [f"<{url}>"] if url else []
        if self.bounce_domain:
            local = self.links.make_unsubscribe_local_part(self.mailing_id, subscriber)
            targets.append(f"<mailto:{local}@{self.bounce_domain}?subject=unsubscribe>")
        if not targets:
            return b""
        fields = format_field("List-Unsubscribe", [*(f"{target}," for target in targets[:-1]), targets[-1]])
        if url and self.links.supports_one_click:
            fields += b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        return fields

    def _fill_fields(self, recipient: Recipient) -> dict[str, str]:
        """Return the recipient's value of each merge field, by the name of its placeholder."""
        return {name: _require_value(recipient, field) for name, field in self.fields_by_placeholder.items()}

    def _make_subject(self, own: Mapping[str, str]) -> bytes:
        if not self.subject:
            return b""
        text = "".join(own[piece] if index % 2 else piece for index, piece in enumerate(self.subject))
        return format_text_field("Subject", text)


def fill_placeholders(body: Segments, values: Mapping[str, str]) -> list[bytes]:
    """Return a body with its placeholders filled in.

    A value that occurs twice is encoded once.
    """
    encoded: dict[tuple[str, bool], bytes] = {}
    pieces = []
    for piece in body:
        if isinstance(piece, OpenPlaceholder):
            key = piece.name, piece.body_format is BodyFormat.HTML
            value = encoded.get(key)
            if value is None:
                value = encoded[key] = piece.encode_value(values[piece.name])
            pieces.append(value)
        else:
            pieces.append(piece)
    return pieces


def _require_value(recipient: Recipient, field: MergeField) -> str:
    value = recipient.value_of(field)
    if value is None:
        raise AddressError(str(recipient.address), _("has no value for `{field}`", field=field.name))
    if found := NOT_MAILABLE.search(value):
        raise AddressError(
            str(recipient.address),
            _(
                "has a control character (U+{code:04X}) in `{field}`",
                code=ord(found.group()),
                field=field.name,
            ),
        )
    return value


def compile_mailing(
    mailing: Mailing,
    mailing_list: MailingList,
    links: SignedLinks,
    *,
    subject_prefix: str = "",
    zone: tzinfo = UTC,
    identity: SenderIdentity = NO_IDENTITY,
) -> CompiledMailing:
    """Encode the parts that all messages of a mailing share.

    zone: the time zone of the Date header.

    The Date header has the time at which the mailing was created, also in later attempts. Raises
    RenderError if a header has a control character or is too long, or if a placeholder is unknown.
    """
    rendered = mailing.rendered
    subject = PLACEHOLDER.split(subject_prefix + rendered.subject)
    _check_placeholders(rendered, subject[1::2], links)
    entity = build_body(rendered)
    from_field = format_address_field("From", mailing_list.sender, mailing_list.sender_name)
    shared_fields = b"".join(
        (
            format_address_field("Reply-To", mailing_list.reply_to) if mailing_list.reply_to else b"",
            format_text_field("Subject", subject[0]) if len(subject) == 1 else b"",
            format_field("Date", format_datetime(mailing.created_at.astimezone(zone)).split(" ")),
            format_field("List-Id", _make_list_id(mailing_list)),
            format_list_fields(mailing, mailing_list, identity),
            # List-Id should keep vacation programs from replying (RFC 3834 2), but older programs look only at Precedence.
            format_field("Precedence", ["bulk"]),
            format_field("Content-Language", [check_language_tag(rendered.lang)]),
            format_field("MIME-Version", ["1.0"]),
            entity.fields,
        )
    )
    return CompiledMailing(
        mailing_id=mailing.id,
        mailing_key=mailing.key,
        list_slug=mailing_list.slug,
        sender=mailing_list.sender,
        links=links,
        from_field=from_field,
        shared_fields=shared_fields,
        body=entity.body,
        fields_by_placeholder=rendered.fields_by_placeholder,
        subject=tuple(subject) if len(subject) > 1 else (),
        bounce_domain=identity.bounce_domain,
        signer=DkimSigner.prepare(
            identity.keys,
            timestamp=int(mailing.created_at.timestamp()),
            shared_fields=from_field + shared_fields,
            body=entity.body,
        )
        if identity.keys
        else None,
    )


def _check_placeholders(rendered: Rendered, in_subject: list[str], links: SignedLinks) -> None:
    """Raise RenderError for an unknown placeholder, or for an unsubscribe link without `public_url`."""
    in_bodies = set(PLACEHOLDER.findall(rendered.html + rendered.text))
    if unknown := set(in_subject) - rendered.fields_by_placeholder.keys():
        raise RenderError(
            _(
                "the subject contains {placeholder}, but only merge fields are allowed in a header",
                placeholder=make_placeholder(min(unknown)),
            )
        )
    if unknown := in_bodies - {UNSUBSCRIBE_URL} - rendered.fields_by_placeholder.keys():
        raise RenderError(
            _(
                "the theme has the unknown placeholder {placeholder}",
                placeholder=make_placeholder(min(unknown)),
            ),
            hint=_("Remove it from the theme."),
        )
    if UNSUBSCRIBE_URL in in_bodies and not links.public_url:
        raise RenderError(
            _("the mail has an unsubscribe link, but `public_url` is not set"),
            hint=_("Set public_url in moza-mail.toml, or render the issue again without the link."),
        )


def _make_list_id(mailing_list: MailingList) -> list[str]:
    """Return the words of the List-Id header: the title and the identifier of the list.

    The identifier of a list must never change (RFC 2919 2).
    """
    identifier = mailing_list.identifier
    if not LIST_ID.fullmatch(identifier) or len(identifier) > 255:
        raise RenderError(
            _(
                "the list `{list_slug}` has the `list_id` {identifier!a}, which is not of the form name.domain",
                identifier=identifier,
                list_slug=mailing_list.slug,
            ),
            hint=_('Write list_id = "weekly.example.org" in subscribers/lists.toml.'),
        )
    return [*encode_phrase("List-Id", mailing_list.title), f"<{identifier}>"]


def check_language_tag(tag: str) -> str:
    """Return the tag if it is a valid language tag, else raise RenderError."""
    if not LANGUAGE.fullmatch(tag):
        raise RenderError(
            _("the language {tag!a} is not a language tag such as nl or en-GB (RFC 5646)", tag=tag)
        )
    return tag
