"""A mailing compiled: everything its recipients share is in its final bytes, and one more recipient costs a join."""

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
# Half a character cannot be encoded, and everything else that no mail may hold is a control character.
NOT_MAILABLE = re.compile(f"{CONTROL_CHARACTER.pattern}|[\ud800-\udfff]")
LIST_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
NO_IDENTITY = SenderIdentity()
LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledMailing:
    """What all messages of a mailing share. `From` stands before a recipient's own headers, the rest behind.

    `body` is literal bytes and open slots by turns: up to the first slot it is the same for everybody. `fields` says what a
    merge field's slot stands for. `subject` is text and slots by turns when the subject has fields, and else empty: then
    it stands among the shared headers.
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
        """Whether a message is signed, so that composing many is better done in other threads."""
        return self.signer is not None

    def compose_message(self, recipient: Recipient) -> tuple[Envelope, Message]:
        """One recipient's envelope and message: final bytes, CRLF, with its own To and Message-ID, signed.

        They are ASCII but for an address that is not. The same recipient gives the same bytes. Signing takes ten times as
        long as the rest, and lets other threads go on. Raises AddressError when the name, the address or a value cannot
        stand in a mail, or when a field has neither a value nor a default: it is about this recipient alone.
        """
        own = self._own(recipient) if self.fields_by_placeholder else {}
        message_id = self.links.make_message_id(self.mailing_key, recipient.subscriber_id, self.sender.domain)
        leave = self._leave(recipient)
        to = format_address_field("To", recipient.address, recipient.name) + self._subject(own)
        last = format_field("Message-ID", [message_id]) + self._list_unsubscribe(
            leave, recipient.subscriber_id
        )
        body = fill_placeholders(self.body, {UNSUBSCRIBE_URL: leave, **own})
        signatures = self.signer.make_signature_fields(to + last, body) if self.signer else b""
        content = b"".join((signatures, self.from_field, to, self.shared_fields, last, b"\r\n", *body))
        envelope = Envelope(sender=self._return_path(recipient.subscriber_id), recipient=recipient.address)
        return envelope, Message(content=content, message_id=message_id, is_smtp_ready=True)

    def _return_path(self, subscriber: int) -> Address:
        """Where reports about one message come: an address of its own when the project takes them in."""
        if not self.bounce_domain:
            return self.sender
        return Address(
            local=self.links.bounce_local_part(self.mailing_id, subscriber), domain=self.bounce_domain
        )

    def _leave(self, recipient: Recipient) -> str:
        """The recipient's own link to leave, empty when the project has no web."""
        if not self.links.public_url:
            return ""
        return self.links.unsubscribe_url(self.list_slug, recipient.subscriber_id)

    def _list_unsubscribe(self, leave: str, subscriber: int) -> bytes:
        """The headers behind a reader's own unsubscribe button: by a link, by mail, or by either (RFC 2369 3.2, RFC 8058 3.1)."""
        ways = [f"<{leave}>"] if leave else []
        if self.bounce_domain:
            local = self.links.unsubscribe_local_part(self.mailing_id, subscriber)
            ways.append(f"<mailto:{local}@{self.bounce_domain}?subject=unsubscribe>")
        if not ways:
            return b""
        fields = format_field("List-Unsubscribe", [*(f"{way}," for way in ways[:-1]), ways[-1]])
        if leave and self.links.supports_one_click:
            fields += b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        return fields

    def _own(self, recipient: Recipient) -> dict[str, str]:
        """What fills each merge field's slot."""
        return {name: _value(recipient, field) for name, field in self.fields_by_placeholder.items()}

    def _subject(self, own: Mapping[str, str]) -> bytes:
        if not self.subject:
            return b""
        text = "".join(own[piece] if index % 2 else piece for index, piece in enumerate(self.subject))
        return format_text_field("Subject", text)


def fill_placeholders(body: Segments, values: Mapping[str, str]) -> list[bytes]:
    """A body with every slot filled; a value that stands in it twice is encoded once."""
    known: dict[tuple[str, bool], bytes] = {}
    pieces = []
    for piece in body:
        if isinstance(piece, OpenPlaceholder):
            key = piece.name, piece.body_format is BodyFormat.HTML
            value = known.get(key)
            if value is None:
                value = known[key] = piece.encode_value(values[piece.name])
            pieces.append(value)
        else:
            pieces.append(piece)
    return pieces


def _value(recipient: Recipient, field: MergeField) -> str:
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
    """Encode once what all recipients of a mailing share.

    `zone` is the time zone in which Date shows the moment the mailing was made, the same on every attempt. Raises
    RenderError when a header has a control character, a slot can never be filled, or a line would be too long.
    """
    rendered = mailing.rendered
    subject = PLACEHOLDER.split(subject_prefix + rendered.subject)
    _refuse_unfillable(rendered, subject[1::2], links)
    whole = build_body(rendered)
    from_field = format_address_field("From", mailing_list.sender, mailing_list.sender_name)
    shared_fields = b"".join(
        (
            format_address_field("Reply-To", mailing_list.reply_to) if mailing_list.reply_to else b"",
            format_text_field("Subject", subject[0]) if len(subject) == 1 else b"",
            format_field("Date", format_datetime(mailing.created_at.astimezone(zone)).split(" ")),
            format_field("List-Id", _list_id(mailing_list)),
            format_list_fields(mailing, mailing_list, identity),
            # RFC 3834 2 makes List-Id enough, but older vacation programs are only quieted by this.
            format_field("Precedence", ["bulk"]),
            format_field("Content-Language", [check_language_tag(rendered.lang)]),
            format_field("MIME-Version", ["1.0"]),
            whole.fields,
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
        body=whole.body,
        fields_by_placeholder=rendered.fields_by_placeholder,
        subject=tuple(subject) if len(subject) > 1 else (),
        bounce_domain=identity.bounce_domain,
        signer=DkimSigner.prepare(
            identity.keys,
            timestamp=int(mailing.created_at.timestamp()),
            shared_fields=from_field + shared_fields,
            body=whole.body,
        )
        if identity.keys
        else None,
    )


def _refuse_unfillable(rendered: Rendered, in_subject: list[str], links: SignedLinks) -> None:
    """Raise RenderError for a slot that nothing will fill; better now than at the first recipient."""
    in_bodies = set(PLACEHOLDER.findall(rendered.html + rendered.text))
    if unknown := set(in_subject) - rendered.fields_by_placeholder.keys():
        raise RenderError(
            _(
                "the subject contains {placeholder}, but only merge fields are allowed in a header",
                placeholder=make_placeholder(min(unknown)),
            )
        )
    if (
        unknown := set(PLACEHOLDER.findall(rendered.html + rendered.text))
        - {UNSUBSCRIBE_URL}
        - rendered.fields_by_placeholder.keys()
    ):
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


def _list_id(mailing_list: MailingList) -> list[str]:
    """The list's title and its identifier, which stays the same for ever (RFC 2919 2)."""
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
    """A language tag as a header has it; raise RenderError for anything else."""
    if not LANGUAGE.fullmatch(tag):
        raise RenderError(
            _("the language {tag!a} is not a language tag such as nl or en-GB (RFC 5646)", tag=tag)
        )
    return tag
