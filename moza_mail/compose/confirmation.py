"""Compile and compose confirmation mails, which ask a person to confirm their sign-up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from email.utils import format_datetime

from moza_mail.compose.compiled import check_language_tag, fill_placeholders
from moza_mail.compose.dkim import DkimSigner
from moza_mail.compose.headers import format_address_field, format_field, format_text_field
from moza_mail.compose.list_headers import SenderIdentity
from moza_mail.compose.mime import build_body
from moza_mail.compose.quoted_printable import Segments
from moza_mail.compose.signed_links import SignedLinks
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Envelope, Message, Rendered
from moza_mail.model.sign_up import NO_MAILING, Confirmation

NO_IDENTITY = SenderIdentity()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledConfirmation:
    """The parts that all confirmation mails of one list in one language share."""

    sender: Address
    links: SignedLinks
    from_field: bytes
    shared_fields: bytes
    body: Segments
    zone: tzinfo
    bounce_domain: str = ""
    signer: DkimSigner | None = None

    def compose_message(self, confirmation: Confirmation, until: str) -> tuple[Envelope, Message]:
        """Return the envelope and the message of one confirmation mail.

        until: the sentence that says how long the link is valid.

        The mail does not contain the name that was typed in the sign-up form. Otherwise anyone could use the
        form to send text to another person's address. The same arguments always give the same bytes. Raises
        AddressError for an address that cannot be mailed.
        """
        # The keys of mailings contain no space, so the scopes cannot collide.
        scope = f"confirmation {confirmation.list_slug}"
        message_id = self.links.make_message_id(scope, confirmation.id, self.sender.domain)
        date = confirmation.created_at.astimezone(self.zone)
        own = b"".join(
            (
                format_address_field("To", confirmation.address),
                format_field("Date", format_datetime(date).split(" ")),
                format_field("Message-ID", [message_id]),
            )
        )
        values: Mapping[str, str] = {
            "confirm_url": self.links.make_confirmation_url(confirmation),
            "consent": confirmation.consent,
            "until": until,
        }
        body = fill_placeholders(self.body, values)
        signatures = b""
        if self.signer:
            signer = replace(self.signer, timestamp=int(confirmation.created_at.timestamp()))
            signatures = signer.make_signature_fields(own, body)
        content = b"".join((signatures, self.from_field, own, self.shared_fields, b"\r\n", *body))
        envelope = Envelope(
            sender=self._make_return_path(confirmation), recipient=confirmation.address, author=self.sender
        )
        return envelope, Message(content=content, message_id=message_id, is_smtp_ready=True)

    def _make_return_path(self, confirmation: Confirmation) -> Address:
        """Return the address to which bounces of a confirmation mail are sent.

        With a bounce domain the address is unique, otherwise it is the address of the sender.
        """
        if not self.bounce_domain:
            return self.sender
        return Address(
            local=self.links.make_bounce_local_part(NO_MAILING, confirmation.id), domain=self.bounce_domain
        )


def compile_confirmation(
    rendered: Rendered,
    mailing_list: MailingList,
    links: SignedLinks,
    *,
    zone: tzinfo = UTC,
    identity: SenderIdentity = NO_IDENTITY,
) -> CompiledConfirmation:
    """Encode the parts that all confirmation mails of one list in one language share.

    The mail has no List- headers, because its recipient is not subscribed yet. The header Auto-Submitted
    keeps vacation programs from replying (RFC 3834 5). Raises RenderError for text that cannot be written
    in a mail, and ProjectError without a `public_url`.
    """
    if not links.public_url:
        raise ProjectError(
            _("sign-ups cannot be confirmed, because `public_url` is not set"),
            hint=_(
                'Write public_url = "https://newsletter.example.org" in moza-mail.toml: the address at which `moza-mail serve` is reached.'
            ),
        )
    entity = build_body(rendered)
    from_field = format_address_field("From", mailing_list.sender, mailing_list.sender_name)
    shared_fields = b"".join(
        (
            format_address_field("Reply-To", mailing_list.reply_to) if mailing_list.reply_to else b"",
            format_text_field("Subject", rendered.subject),
            format_field("Auto-Submitted", ["auto-generated"]),
            format_field("Content-Language", [check_language_tag(rendered.lang)]),
            format_field("MIME-Version", ["1.0"]),
            entity.fields,
        )
    )
    signer = DkimSigner.prepare(
        identity.keys, timestamp=0, shared_fields=from_field + shared_fields, body=entity.body
    )
    return CompiledConfirmation(
        sender=mailing_list.sender,
        links=links,
        from_field=from_field,
        shared_fields=shared_fields,
        body=entity.body,
        zone=zone,
        bounce_domain=identity.bounce_domain,
        signer=signer if identity.keys else None,
    )
