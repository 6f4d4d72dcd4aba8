"""Relay URLs: which way out a project has chosen, read and refused before anything is sent."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from moza_mail.errors import ProjectError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.network import is_private, normalize_host
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Transport

EXAMPLE = _('For example: relay = "smtp+starttls://user@relay.example:587", or relay = "outbox:outbox".')
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
        raise ProjectError(_("`connections` must be at least 1"), hint=_("For example: connections = 8."))
    where = parse_relay(relay, allow_plaintext=allow_plaintext)
    from moza_mail.transport.smtp import SmtpTransport

    return SmtpTransport(where, password=password, cafile=cafile, limits=limits)


def outbox_path(relay: str) -> Path:
    """The folder of `outbox:PATH`."""
    text = relay.partition(":")[2]
    if not text or not text.isprintable() or text.startswith("//"):
        raise _refused(_("outbox: must be followed by the path of a folder"))
    return Path(text)


def parse_relay(relay: str, *, allow_plaintext: bool = False) -> Relay:
    """Read the URL of an SMTP relay; raise ProjectError."""
    # urlsplit drops tabs and line ends without a word, so they are refused before it sees them.
    if not relay.isprintable() or " " in relay:
        raise _refused(_("the URL contains a space or a control character"))
    try:
        parts = urlsplit(relay)
        port = parts.port
    except ValueError:
        raise _refused(_("the host or port in the URL is malformed")) from None
    if "://" not in relay or parts.scheme not in PORTS:
        raise _refused(_("the URL must start with outbox:, smtp://, smtp+starttls:// or smtps://"))
    if parts.password is not None:
        raise ProjectError(
            _("`relay`: the URL contains a password, which does not belong in moza-mail.toml"),
            hint=_("Remove it from the URL and set MOZA_MAIL_SMTP_PASSWORD in the environment."),
        )
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _refused(_("the URL must end after the host and port"))
    if port == 0:
        raise _refused(_("the port in the URL is 0"))
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
    raise _refused(_("the URL has no valid host name"))


def _guard_plaintext(relay: Relay) -> None:
    if relay.scheme != "smtp":
        return
    if relay.user:
        raise ProjectError(
            _("`relay`: smtp:// to {host} would send the password unencrypted", host=relay.host),
            hint=_("Use smtp+starttls:// or smtps:// with a user name. {example}", example=EXAMPLE),
        )
    if is_private(relay.host) is False and not relay.plaintext:
        raise ProjectError(
            _(
                "`relay`: smtp:// is not encrypted, and {host} is outside this machine and its private networks",
                host=relay.host,
            ),
            hint=_("Use smtp+starttls:// or smtps://, or set allow_plaintext = true if you are sure."),
        )


def _refused(reason: Translatable) -> ProjectError:
    """The URL itself is never shown: a misplaced sign can make any part of it the password."""
    return ProjectError(_("`relay`: {reason}", reason=reason), hint=EXAMPLE)
