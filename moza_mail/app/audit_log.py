"""Read, verify and anchor the audit log, and adopt a new secret."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path

from moza_mail import sending
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store, open_transport
from moza_mail.errors import ProjectError, StoreError, TransportError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit import AuditEntry
from moza_mail.model.audit_seal import AuditAnchor, AuditCheck, parse_anchors
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message import Envelope, Message
from moza_mail.project import Project


async def read_audit_log(project: Project, address: str, since: date | None) -> AsyncIterator[AuditEntry]:
    """Yield the audit entries, oldest first.

    address: yield only the entries about this address; it may belong to an erased person.
    since: yield only the entries since this day.
    """
    about = Address.parse(address, international=True) if address else None
    start = datetime.combine(since, time(tzinfo=UTC)) if since else None
    async with open_store(project) as store:
        async for entry in store.audit_log.iter_entries(about, start):
            yield entry


async def verify_audit_log(project: Project, anchor: str = "") -> AuditCheck:
    """Check that no entry was changed, deleted or inserted.

    anchor: text with one or more anchors, or the path of a file with them; empty for none.
    """
    anchors = parse_anchors(_read_text(anchor)) if anchor else ()
    async with open_store(project) as store:
        return await store.audit_log.verify(anchors)


def _read_text(anchor: str) -> str:
    if " " in anchor.strip():
        return anchor
    try:
        return Path(anchor).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be read: {reason}", path=anchor, reason=describe_os_error(error)),
            hint=_("Give the line that `moza-mail privacy anchor` printed, or a file that contains it."),
        ) from None


async def make_anchor(project: Project, mail_to: str = "") -> tuple[AuditCheck, AuditAnchor]:
    """Verify the log. Return the result and the anchor of the last entry.

    mail_to: also mail the anchor to this address, unless the log has a problem.

    Raises ProjectError if the log is empty, and TransportError if the relay did not accept the mail.
    """
    recipient = Address.parse(mail_to, international=project.config.smtputf8) if mail_to else None
    async with open_store(project) as store:
        check = await store.audit_log.verify()
    hasher = AddressHasher(secret=project.read_secret())
    anchor = AuditAnchor.of_head(check.head, hasher, now())
    if check.is_intact and not anchor.number:
        raise ProjectError(
            _("the audit log has no entries yet"), hint=_("Make an anchor after the first change.")
        )
    if recipient and check.is_intact:
        await _mail(project, anchor, recipient)
    return check, anchor


async def _mail(project: Project, anchor: AuditAnchor, recipient: Address) -> None:
    sender = project.read_list("").sender
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = str(sender), str(recipient)
    message["Subject"] = f"moza-mail: audit log, entry {anchor.number}"
    message["Date"] = format_datetime(now())
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"
    explanation = _(
        "Keep this mail. The line below can later prove which entries the audit log contains now. Verify it with: moza-mail privacy audit --verify --anchor FILE"
    )
    message.set_content(f"{explanation}\n\n{anchor}\n")
    async with open_transport(project) as transport:
        outcome = await sending.send_one(
            transport,
            Envelope(sender=sender, recipient=recipient),
            Message(content=message.as_bytes(), message_id=message["Message-ID"]),
        )
    if outcome.state is not DeliveryState.ACCEPTED:
        raise TransportError(
            _("the anchor was not mailed: {reason}", reason=str(outcome.reply or outcome.detail)),
            relay=project.config.relay,
            hint=_("Run the same command again."),
        )


async def find_secret_warning(project: Project) -> str:
    """Return what stops working with the configured secret; empty if that secret is the store's own."""
    try:
        async with open_store(project):
            return ""
    except StoreError:
        return _(
            "With another secret, the unsubscribe links in mails that were sent stop working, bounces of those mails are not recognised, and an import can bring back people who were erased."
        )


async def adopt_secret(project: Project) -> bool:
    """Make the store use the configured secret, and seal the audit log again.

    Changes nothing and returns False if the store has that secret already and the log has no problems.
    """
    async with open_store(project, any_secret=True) as store:
        return await store.audit_log.adopt_secret(now=now())
