"""OAuth 2 for mail servers: the settings of a client, its tokens, and known causes of a refusal."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from moza_mail.errors import MozaMailError
from moza_mail.i18n import gettext as _

# RFC 6750 2.1: the characters of a bearer token. The longest tokens seen have some 4,000.
BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,16384}=*")


class Grant(StrEnum):
    """The ways to get an access token (RFC 6749 4.4 and 6)."""

    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  (the name of a grant)
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """A client that gets access tokens for a mail server.

    token_url, device_url: the endpoints of the token server (RFC 6749 3.2, RFC 8628 3.1).
    scope: the rights to ask for, with spaces between them.
    command: a program and its arguments that print an access token; for Grant.COMMAND only.
    """

    grant: Grant
    token_url: str = ""
    device_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scope: str = ""
    command: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return a text that identifies this client. Its tokens are stored under this text."""
        return f"{self.grant} {self.token_url} {self.client_id} {self.scope}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of a client.

    refresh: the refresh token, with which the client gets further access tokens. Empty for the client credentials grant.
    access_ends: the time from which the access token is no longer used; None if there is no access token.
    """

    access: str = field(default="", repr=False)
    access_ends: datetime | None = None
    refresh: str = field(default="", repr=False)


class TokenUnavailable(MozaMailError):
    """The token server does not answer. A later attempt may succeed."""

    exit_code = 75


class TokenRefused(MozaMailError):
    """The token server gives no token until a person changes something."""

    exit_code = 3


LOG_IN_AGAIN = _("Log in and give consent again: moza-mail oauth login")
# Words in a refusal and the remedy. The numbers are those of Microsoft Entra ID (learn.microsoft.com, reference of AADSTS
# codes, read in November 2026); the words below are from RFC 6749 5.2. The first match counts.
TOKEN_REMEDIES = (
    ("AADSTS7000222", _("The client secret has expired. Make a new one in Microsoft Entra ID.")),
    (
        "AADSTS7000215",
        _("The client secret is wrong. Set MOZA_MAIL_OAUTH_CLIENT_SECRET to its value, not its ID."),
    ),
    ("AADSTS7000218", _('Set "Allow public client flows" to yes for the app in Microsoft Entra ID.')),
    (
        "AADSTS700016",
        _(
            "The tenant has no app with this `client_id`. Compare `tenant` and `client_id` with those of the app."
        ),
    ),
    ("AADSTS90002", _("There is no such tenant. Correct `tenant` in moza-mail.toml.")),
    ("AADSTS65001", _('An administrator must press "Grant admin consent" for the app.')),
    ("AADSTS53003", _("A rule of Conditional Access blocks the app. Ask the tenant's administrator.")),
    ("AADSTS500", LOG_IN_AGAIN),
    ("AADSTS7000", LOG_IN_AGAIN),
    ("invalid_client", _("Check `client_id` in moza-mail.toml and MOZA_MAIL_OAUTH_CLIENT_SECRET.")),
    ("invalid_grant", LOG_IN_AGAIN),
    ("invalid_scope", _("Correct `scope` in moza-mail.toml, or leave it out.")),
    ("unauthorized_client", _("The app may not use this grant. Correct `grant`, or the app's rights.")),
)
SEE_MANUAL = _("See docs/oauth.md.")
# Words in a mail server's reply to a login, and the remedy.
LOGIN_REMEDIES = (
    (
        "SmtpClientAuthentication is disabled",
        _(
            "SMTP AUTH is switched off. An administrator types: Set-CASMailbox USER -SmtpClientAuthenticationDisabled $false"
        ),
    ),
    (
        "basic authentication is disabled",
        _("The server no longer accepts passwords. Set up OAuth 2 instead (docs/oauth.md)."),
    ),
    (
        "5.7.139",
        _("SMTP AUTH is switched off for the mailbox or the tenant (docs/oauth.md)."),
    ),
    (
        "5.7.9",
        _("The account accepts app passwords and OAuth 2 only (docs/oauth.md)."),
    ),
)


def find_token_remedy(reply: str) -> str:
    """Return what to do about a refusal of the token server."""
    return next((remedy for words, remedy in TOKEN_REMEDIES if words in reply), SEE_MANUAL)


def find_login_remedy(reply: str, *, with_token: bool) -> str:
    """Return what to do about a login that a mail server refuses; empty if nothing special is known.

    with_token: the login used an OAuth 2 token, not a password.
    """
    known = next((remedy for words, remedy in LOGIN_REMEDIES if words in reply), "")
    if known or not with_token:
        return known
    return _(
        "The token is valid, but gives no access to this mailbox. Check the user name, the scope, and the app's rights to the mailbox (docs/oauth.md)."
    )
