"""A look at a relay: connect, TLS and login as a mailing would, and goodbye. No mail is sent."""

import os
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from moza_mail.model.health import RelaySeen
from moza_mail.transport.connect import SmtpConnector
from moza_mail.transport.limits import Limits, Timeouts
from moza_mail.transport.url import outbox_path, parse_relay

# A person is waiting.
PROBE_TIMEOUTS = Timeouts(connect=10, command=10)


async def probe_relay(
    relay: str, *, password: str = "", allow_plaintext: bool = False, cafile: str = ""
) -> RelaySeen:
    """Reach the relay of an SMTP URL and say goodbye; raise ProjectError and TransportError as a mailing would."""
    where = parse_relay(relay, allow_plaintext=allow_plaintext)
    door = SmtpConnector(
        where, password=password, cafile=cafile, limits=replace(Limits(), timeouts=PROBE_TIMEOUTS)
    )
    session = await door.connect()
    try:
        tls = session.tls
        certificate = tls.getpeercert() if tls else None
        return RelaySeen(
            relay=str(where),
            tls=(tls.version() or "") if tls else "",
            ends=_parse_certificate_time(str(certificate["notAfter"])) if certificate else None,
            logged_in=bool(where.user),
            extensions={name.lower(): value for name, value in session.extensions.items()},
        )
    finally:
        await session.quit()


def find_outbox_problem(relay: str, base: Path) -> str:
    """Why messages cannot be written to the folder of `outbox:PATH`, empty when they can; nothing is made."""
    folder = base / outbox_path(relay)
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), base)
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} cannot be written"


def _parse_certificate_time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
