"""Get a person's consent to use a mail account by OAuth 2, and store the tokens."""

from collections.abc import Callable
from pathlib import Path

from moza_mail import oauth
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.oauth import Grant, TokenRefused
from moza_mail.project import Project


def log_in(project: Project, show: Callable[[oauth.DevicePrompt], None]) -> Path:
    """Ask for consent with a device code (RFC 8628) and return the file that has the tokens.

    show: shows the person the web page and the code.

    Raises ProjectError if the settings are for another grant, and TokenRefused or TokenUnavailable if there are no tokens.
    """
    client = project.read_oauth_client()
    if client is None or client.grant is not Grant.REFRESH_TOKEN:
        raise ProjectError(
            _("the table [oauth] in moza-mail.toml does not ask for a person's consent"),
            hint=_('Write provider, client_id and grant = "refresh_token" (docs/oauth.md).'),
        )
    tokens = oauth.log_in_by_device(client, show)
    if not tokens.refresh:
        raise TokenRefused(
            _("the token server gives no refresh token, so the access would expire within an hour"),
            hint=_("Add the permission for refresh tokens to `scope`; at Microsoft it is offline_access."),
        )
    oauth.TokenFile(path=project.token_file, replace=project.write_token_file).write(client.key, tokens)
    return project.token_file
