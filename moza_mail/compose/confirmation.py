"""The mail that asks to confirm a sign-up: what all of them share in a list and a language, and one for each who asked."""

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
    """What all confirmations of one list in one language share; the header fields of each stand between `From` and the rest."""

    sender: Address
    links: SignedLinks
    from_field: bytes
    shared_fields: bytes
    body: Segments
    zone: tzinfo
    bounce_domain: str = ""
    signer: DkimSigner | None = None

    def compose_message(self, confirmation: Confirmation, until: str) -> tuple[Envelope, Message]:
        """The envelope and the message of one; `until` is the sentence that says how long its link holds.

        No name that somebody typed stands in it, for whoever types an address would write to its reader by that. The same
        arguments give the same bytes. Raises AddressError for an address that cannot be mailed.
        """
        # No mailing has a key with a space in it.
        scope = f"confirmation {confirmation.list_slug}"
        message_id = self.links.make_message_id(scope, confirmation.id, self.sender.domain)
        moment = confirmation.created_at.astimezone(self.zone)
        own = b"".join(
            (
                format_address_field("To", confirmation.address),
                format_field("Date", format_datetime(moment).split(" ")),
                format_field("Message-ID", [message_id]),
            )
        )
        values: Mapping[str, str] = {
            "confirm_url": self.links.confirmation_url(confirmation),
            "consent": confirmation.consent,
            "until": until,
        }
        body = fill_placeholders(self.body, values)
        signed = b""
        if self.signer:
            made = replace(self.signer, timestamp=int(confirmation.created_at.timestamp()))
            signed = made.make_signature_fields(own, body)
        content = b"".join((signed, self.from_field, own, self.shared_fields, b"\r\n", *body))
        envelope = Envelope(sender=self._return_path(confirmation), recipient=confirmation.address)
        return envelope, Message(content=content, message_id=message_id, is_smtp_ready=True)

    def _return_path(self, confirmation: Confirmation) -> Address:
        """Where reports about it come: an address of its own when the project takes them in."""
        if not self.bounce_domain:
            return self.sender
        return Address(
            local=self.links.bounce_local_part(NO_MAILING, confirmation.id), domain=self.bounce_domain
        )


def compile_confirmation(
    rendered: Rendered,
    mailing_list: MailingList,
    links: SignedLinks,
    *,
    zone: tzinfo = UTC,
    identity: SenderIdentity = NO_IDENTITY,
) -> CompiledConfirmation:
    """Encode once what all confirmations of a list in a language share.

    It is no mail of the list, so it has none of its fields: nobody can leave what they are not on. Auto-Submitted (RFC 3834 5)
    keeps programs from answering it. Raises RenderError for what cannot stand in a mail, and ProjectError without a public_url.
    """
    if not links.public_url:
        raise ProjectError(
            _("sign-ups cannot be confirmed, because `public_url` is not set"),
            hint=_(
                'Write public_url = "https://newsletter.example.org" in moza-mail.toml: the address at which `moza-mail serve` is reached.'
            ),
        )
    whole = build_body(rendered)
    from_field = format_address_field("From", mailing_list.sender, mailing_list.sender_name)
    shared_fields = b"".join(
        (
            format_address_field("Reply-To", mailing_list.reply_to) if mailing_list.reply_to else b"",
            format_text_field("Subject", rendered.subject),
            format_field("Auto-Submitted", ["auto-generated"]),
            format_field("Content-Language", [check_language_tag(rendered.lang)]),
            format_field("MIME-Version", ["1.0"]),
            whole.fields,
        )
    )
    seal = DkimSigner.prepare(
        identity.keys, timestamp=0, shared_fields=from_field + shared_fields, body=whole.body
    )
    return CompiledConfirmation(
        sender=mailing_list.sender,
        links=links,
        from_field=from_field,
        shared_fields=shared_fields,
        body=whole.body,
        zone=zone,
        bounce_domain=identity.bounce_domain,
        signer=seal if identity.keys else None,
    )
