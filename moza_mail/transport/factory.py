"""Open the transport that the `relay` setting names."""

from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.server_url import ServerAccess
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Transport
from moza_mail.transport.relay_url import is_outbox, parse_outbox, parse_relay


def open_transport(
    relay: str, *, base: Path, access: ServerAccess | None = None, limits: Limits | None = None
) -> Transport:
    """Return the transport of a relay URL, without connecting yet.

    Raises ProjectError if the URL cannot be used. `outbox:PATH` is a folder, relative to `base`. `smtp://` (port 25) is
    unencrypted; `smtp+starttls://` (587) and `smtps://` (465) verify the relay's certificate.
    """
    # aiosmtplib is slow to import, and most commands do not send.
    if is_outbox(relay):
        from moza_mail.transport.outbox import OutboxTransport

        return OutboxTransport(base / parse_outbox(relay), name=relay)
    access, limits = access or ServerAccess(), limits or Limits()
    if limits.connections < 1:
        raise ProjectError(_("`connections` must be at least 1"), hint=_("For example: connections = 8."))
    url = parse_relay(relay, allow_plaintext=access.allow_plaintext)
    from moza_mail.transport.smtp import SmtpTransport

    return SmtpTransport(url, access=access, limits=limits)
