"""Relay URLs: which way out a project has chosen, read and refused before anything is sent."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from moza_mail.errors import ProjectError
from moza_mail.model.network import is_private, normalize_host
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Transport

EXAMPLE = 'For example: relay = "smtp+starttls://user@relay.example:587", or relay = "outbox:outbox".'
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A relay that speaks SMTP. `scheme` is smtp, smtp+starttls or smtps; `plaintext` allows smtp beyond our network."""

    scheme: str
    host: str
    port: int
    user: str = ""
    plaintext: bool = False

    def __str__(self) -> str:
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{user}{host}:{self.port}"


def open_transport(
    relay: str,
    *,
    base: Path,
    password: str = "",
    limits: Limits | None = None,
    allow_plaintext: bool = False,
    cafile: str = "",
) -> Transport:
    """Give the way out that a relay URL names; no connection is made yet.

    `outbox:PATH` is a folder, relative to `base`. `smtp://[user@]host[:port]` (25) is not encrypted: it reaches loopback
    and private networks only, unless `allow_plaintext`, and never carries a login. `smtp+starttls://` (587) and
    `smtps://` (465, RFC 8314) verify the relay's certificate, against the authorities in the PEM file `cafile` when
    given. Raises ProjectError, which never shows the URL's password.
    """
    if relay.partition(":")[0].lower() == "outbox":
        from moza_mail.transport.outbox import OutboxTransport

        return OutboxTransport(base / outbox_path(relay), name=relay)
    limits = limits or Limits()
    if limits.connections < 1:
        raise ProjectError("connections: at least 1 is needed.", hint="For example: connections = 8.")
    where = parse_relay(relay, allow_plaintext=allow_plaintext)
    from moza_mail.transport.smtp import SmtpTransport

    return SmtpTransport(where, password=password, cafile=cafile, limits=limits)


def outbox_path(relay: str) -> Path:
    """The folder of `outbox:PATH`."""
    text = relay.partition(":")[2]
    if not text or not text.isprintable() or text.startswith("//"):
        raise _refused("outbox: is followed by the path of a folder")
    return Path(text)


def parse_relay(relay: str, *, allow_plaintext: bool = False) -> Relay:
    """Read the URL of an SMTP relay; raise ProjectError."""
    # urlsplit drops tabs and line ends without a word, so they are refused before it sees them.
    if not relay.isprintable() or " " in relay:
        raise _refused("the URL holds a space or a control character")
    try:
        parts = urlsplit(relay)
        port = parts.port
    except ValueError:
        raise _refused("the URL's host or port is malformed") from None
    if "://" not in relay or parts.scheme not in PORTS:
        raise _refused("the URL must start with outbox:, smtp://, smtp+starttls:// or smtps://")
    if parts.password is not None:
        raise ProjectError(
            "relay: the URL holds a password, and moza-mail.toml is no place for one.",
            hint="Take it out of the URL and put it in the environment as MOZA_MAIL_SMTP_PASSWORD.",
        )
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _refused("the URL has something after the host and port")
    if port == 0:
        raise _refused("the URL's port is 0")
    found = Relay(
        scheme=parts.scheme,
        host=_host(parts.hostname or ""),
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        plaintext=allow_plaintext,
    )
    _guard_plaintext(found)
    return found


def _host(host: str) -> str:
    if found := normalize_host(host):
        return found
    raise _refused("the URL names no host, or one that cannot be a host name")


def _guard_plaintext(relay: Relay) -> None:
    if relay.scheme != "smtp":
        return
    if relay.user:
        raise ProjectError(
            f"relay: smtp:// to {relay.host} would send the password in the clear.",
            hint=f"Use smtp+starttls:// or smtps:// with a user name. {EXAMPLE}",
        )
    if is_private(relay.host) is False and not relay.plaintext:
        raise ProjectError(
            f"relay: smtp:// is not encrypted, and {relay.host} is beyond this machine and its private networks.",
            hint="Use smtp+starttls:// or smtps://, or set allow_plaintext = true when you are sure.",
        )


def _refused(reason: str) -> ProjectError:
    """The URL itself is never shown: a misplaced sign can make any part of it the password."""
    return ProjectError(f"relay: {reason}.", hint=EXAMPLE)
