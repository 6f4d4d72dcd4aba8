"""The table `[oauth]` of moza-mail.toml."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict

from moza_mail.i18n import gettext as _
from moza_mail.model.network import is_loopback
from moza_mail.model.oauth import Grant, OAuthClient

# For each provider: the token server, the page for device codes, the scope for client credentials and the scope for a
# person's consent. Microsoft (learn.microsoft.com) and Google (developers.google.com) documented these values in November
# 2026.
MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
PROVIDERS = {
    "microsoft": (
        f"{MICROSOFT}/token",
        f"{MICROSOFT}/devicecode",
        "https://outlook.office365.com/.default",
        "offline_access https://outlook.office.com/SMTP.Send https://outlook.office.com/IMAP.AccessAsUser.All",
    ),
    "google": (
        "https://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com/device/code",
        "",
        "https://mail.google.com/",
    ),
    "": ("", "", "", ""),
}


def _check_token_server(value: str) -> str:
    parts = urlsplit(value)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if value and not (is_safe and parts.hostname and value.isprintable() and " " not in value):
        raise ValueError(_("must be a web address that begins with https://"))
    return value


TokenServer = Annotated[str, AfterValidator(_check_token_server)]


class OAuthSettings(BaseModel):
    """The table `[oauth]`: how to get access tokens for the relay and the bounce mailbox."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["", "microsoft", "google"] = ""
    tenant: str = ""
    client_id: str = ""
    grant: Literal[Grant.CLIENT_CREDENTIALS, Grant.REFRESH_TOKEN] = Grant.REFRESH_TOKEN
    token_url: TokenServer = ""
    device_url: TokenServer = ""
    scope: str = ""
    token_command: tuple[str, ...] = ()
    use_for: tuple[Literal["relay", "bounce_mailbox"], ...] = ("relay", "bounce_mailbox")

    def find_problem(self) -> str:
        """Return a clause that names the missing setting.

        The result is empty if the table is complete or empty.
        """
        if self.token_command or self == OAuthSettings():
            return ""
        if self.provider == "microsoft" and not self.tenant:
            return _("`tenant` is missing: the tenant's ID or its domain")
        if not (self.provider or self.token_url):
            return _("`provider` is missing: microsoft or google, or `token_url`")
        return "" if self.client_id else _("`client_id` is missing")

    def make_client(self, client_secret: str) -> OAuthClient | None:
        """Return the client; None if the table is empty."""
        if self == OAuthSettings():
            return None
        if self.token_command:
            return OAuthClient(grant=Grant.COMMAND, command=self.token_command)
        token_url, device_url, app_scope, user_scope = PROVIDERS[self.provider]
        by_app = self.grant == Grant.CLIENT_CREDENTIALS
        return OAuthClient(
            grant=Grant(self.grant),
            token_url=self.token_url or token_url.format(tenant=self.tenant),
            device_url=self.device_url or device_url.format(tenant=self.tenant),
            client_id=self.client_id,
            client_secret=client_secret,
            scope=self.scope or (app_scope if by_app else user_scope),
        )
