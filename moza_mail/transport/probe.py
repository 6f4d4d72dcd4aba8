"""Probe a relay: connect, start TLS and log in as a mailing would, without sending mail."""

import os
import ssl
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from moza_mail.model.address import Address
from moza_mail.model.health import AddressRefusal, RelayStatus
from moza_mail.model.server_url import ServerAccess
from moza_mail.transport.connect import SmtpConnector
from moza_mail.transport.limits import Limits, Timeouts
from moza_mail.transport.relay_url import parse_outbox, parse_relay

# These timeouts are short, because a person waits for the result.
PROBE_TIMEOUTS = Timeouts(connect=10, greeting=30, command=10)


async def probe_relay(
    relay: str, access: ServerAccess, envelopes: Iterable[tuple[Address, Address]] = ()
) -> RelayStatus:
    """Connect to the relay and return what it offers.

    Raises ProjectError or TransportError, as a mailing would.

    envelopes: pairs of a return address and a recipient, to try with MAIL, RCPT and RSET. No message is sent.
    """
    url = parse_relay(relay, allow_plaintext=access.allow_plaintext)
    connector = SmtpConnector(url, access=access, limits=replace(Limits(), timeouts=PROBE_TIMEOUTS))
    session = await connector.connect()
    try:
        tls = session.tls
        certificate = tls.getpeercert() if tls else None
        return RelayStatus(
            relay=str(url),
            tls=(tls.version() or "") if tls else "",
            certificate_ends=_parse_certificate_time(str(certificate["notAfter"])) if certificate else None,
            logged_in=bool(url.user),
            extensions={name.lower(): value for name, value in session.extensions.items()},
            refusals=tuple([refusal async for refusal in _try_envelopes(connector, envelopes)]),
        )
    finally:
        await session.quit()


async def _try_envelopes(
    connector: SmtpConnector, envelopes: Iterable[tuple[Address, Address]]
) -> AsyncGenerator[AddressRefusal]:
    for sender, recipient in dict.fromkeys(envelopes):
        session, replies = await connector.try_envelope(sender, recipient)
        if session is not None:
            await session.quit()
        if replies.mail is not None and replies.mail.code >= 400:
            yield AddressRefusal(address=sender, reply=str(replies.mail), is_sender=True)
        elif replies.rcpt is not None and replies.rcpt.code >= 400:
            yield AddressRefusal(address=recipient, reply=str(replies.rcpt), is_sender=False)


def find_outbox_problem(relay: str, base: Path) -> str:
    """Return why messages cannot be written to the folder of `outbox:PATH`; empty if they can.

    The function only looks, and creates no folder.
    """
    folder = base / parse_outbox(relay)
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), base)
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} cannot be written"


def _parse_certificate_time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
