"""The URL of a mail server, and settings for TLS and login that relay and mailbox share.

A URL is checked before anything is sent. An error never shows the URL: if a character is misplaced, the password can be in
any part of the URL.
"""

import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.network import normalize_host

# OpenSSL's error codes (X509_V_ERR_...). First: the certificate is self-signed, or its issuer is unknown. Second: it is not
# yet valid, or it has expired.
UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
OUT_OF_DATE = frozenset({9, 10})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """Settings for a connection to a server that are not in its URL.

    cafile: a PEM file with the only authorities to trust; empty for the authorities of the system.
    allow_plaintext: permits connections without TLS that are refused otherwise.
    helo_name: our host name in EHLO (RFC 5321 4.1.1.1), for relays only; empty for the name of the machine.
    get_token: returns an OAuth 2 access token, which then replaces the password. Its argument is a token that the server
        refused, or empty. It may wait for a token server, so an event loop calls it in a thread.
    """

    password: str = field(default="", repr=False)
    cafile: str = ""
    allow_plaintext: bool = False
    helo_name: str = ""
    get_token: Callable[[str], str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlFormat:
    """The URLs of one kind of server.

    name, example, credential_variable, cafile_setting: texts for error messages.
    ports: the schemes with their default ports.
    """

    name: str
    ports: Mapping[str, int]
    example: str
    credential_variable: str
    cafile_setting: str

    def refuse(self, reason: str) -> ProjectError:
        """Return the error for a URL that cannot be used."""
        return ProjectError(_("`{name}`: {reason}", name=self.name, reason=reason), hint=self.example)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUrl:
    """A URL `scheme://[user@]host:port[/path][?query]`.

    `str` returns it without path and query.
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    path: str = ""
    query: str = ""

    def __str__(self) -> str:
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        return f"{self.scheme}://{user}{self.address}"

    @property
    def address(self) -> str:
        """The text `host:port`, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_server_url(text: str, url_format: UrlFormat) -> ServerUrl:
    """Parse the URL of a server.

    Raises ProjectError if the URL cannot be used or contains a password.
    """
    # urlsplit silently removes tabs and line ends.
    if not text.isprintable() or " " in text:
        raise url_format.refuse(_("the URL contains a space or a control character"))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise url_format.refuse(_("the host or port in the URL is malformed")) from None
    if "://" not in text or parts.scheme not in url_format.ports:
        schemes = ", ".join(f"{scheme}://" for scheme in url_format.ports)
        raise url_format.refuse(_("the URL must start with {schemes}", schemes=schemes))
    if parts.password is not None:
        raise ProjectError(
            _(
                "`{name}`: the URL contains a password, which does not belong in a file or on a command line",
                name=url_format.name,
            ),
            hint=_(
                "Remove it from the URL and set {variable} in the environment.",
                variable=url_format.credential_variable,
            ),
        )
    host, user = normalize_host(parts.hostname or ""), unquote(parts.username or "")
    if not host or port == 0:
        raise url_format.refuse(_("the URL has no valid host name or port"))
    if not user.isprintable() or parts.fragment:
        raise url_format.refuse(_("the URL has a control character in its user name, or a part after #"))
    return ServerUrl(
        scheme=parts.scheme,
        host=host,
        port=port or url_format.ports[parts.scheme],
        user=user,
        path=parts.path.strip("/"),
        query=parts.query,
    )


def make_tls_context(access: ServerAccess, url_format: UrlFormat) -> ssl.SSLContext:
    """Return a TLS context that verifies certificates.

    Raises ProjectError if the file with the certificate authorities cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=access.cafile or None)
    except OSError as error:
        raise ProjectError(
            _(
                "`{setting}`: {path} has no certificates that can be read ({reason})",
                setting=url_format.cafile_setting,
                path=access.cafile,
                reason=error.strerror or str(error),
            ),
            hint=_("Name a PEM file with the certificate authority that signed the server's certificate."),
        ) from None


def describe_tls_error(error: ssl.SSLError) -> str:
    """Return why a server cannot be trusted, as a clause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("its certificate is not valid: {reason}", reason=error.verify_message or str(error))
    return _("TLS could not be negotiated ({reason})", reason=error.reason or str(error))


def find_tls_remedy(error: ssl.SSLError, url_format: UrlFormat) -> str:
    """Return what to do about an error of TLS, such as a certificate that is not valid."""
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    if code in UNKNOWN_AUTHORITY:
        return _(
            "This machine does not know the authority that signed the certificate. If it is your own authority, put the authority's certificate in a PEM file and set `{setting}` to that file. Nothing was sent.",
            setting=url_format.cafile_setting,
        )
    if code in OUT_OF_DATE:
        return _(
            "First check this machine's clock: timedatectl. If the clock is right, ask the server's operator to renew the certificate. Nothing was sent."
        )
    return _(
        "Check the host and port in `{name}`, or ask the server's operator. Nothing was sent.",
        name=url_format.name,
    )


def hide_password(text: str, user: str, password: str) -> str:
    """Replace the password in a server's reply by ***.

    The base64 forms that a login uses are replaced too (RFC 4616, RFC 4954).
    """
    if not password:
        return text
    for secret in (
        password,
        *(b64encode(raw.encode()).decode() for raw in (password, f"\0{user}\0{password}")),
    ):
        text = text.replace(secret, "***")
    return text
