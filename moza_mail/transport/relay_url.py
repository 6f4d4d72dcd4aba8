"""The `relay` setting: the URL of an SMTP relay, or the folder of an outbox."""

from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.network import is_own
from moza_mail.model.server_url import ServerUrl, UrlFormat, parse_server_url

RELAY = UrlFormat(
    name="relay",
    # The default ports of RFC 5321 4.5.4.2, RFC 6409 3.1 and RFC 8314 3.3.
    ports={"smtp": 25, "smtp+starttls": 587, "smtps": 465},
    example=_('For example: relay = "smtp+starttls://user@relay.example:587", or relay = "outbox:outbox".'),
    credential_variable="MOZA_MAIL_SMTP_PASSWORD",
    cafile_setting="relay_ca_file",
)


def is_outbox(relay: str) -> bool:
    """Return True if messages go to a folder."""
    return relay.partition(":")[0].lower() == "outbox"


def parse_outbox(relay: str) -> Path:
    """Return the folder of `outbox:PATH`; raise ProjectError if there is no usable path."""
    path = relay.partition(":")[2]
    if not path or not path.isprintable() or path.startswith("//"):
        raise RELAY.refuse(_("outbox: must be followed by the path of a folder"))
    return Path(path)


def parse_relay(relay: str, *, allow_plaintext: bool = False) -> ServerUrl:
    """Parse the URL of an SMTP relay; raise ProjectError if it cannot be used.

    `smtp://` is not encrypted, so it never has a login. It must be in our own networks, unless `allow_plaintext` is set.
    """
    url = parse_server_url(relay, RELAY)
    if url.path or url.query:
        raise RELAY.refuse(_("the URL must end after the host and port"))
    if url.scheme != "smtp":
        return url
    if url.user:
        raise ProjectError(
            _("`relay`: smtp:// to {host} would send the password unencrypted", host=url.host),
            hint=_("Use smtp+starttls:// or smtps:// with a user name."),
        )
    if is_own(url.host) is False and not allow_plaintext:
        raise ProjectError(
            _("`relay`: smtp:// is not encrypted, and {host} is outside our own networks", host=url.host),
            hint=_("Use smtp+starttls:// or smtps://, or set allow_plaintext = true if you are sure."),
        )
    return url
