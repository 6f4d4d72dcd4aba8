"""Ask a person for consent in a browser on any device (RFC 8628)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.oauth import OAuthClient, TokenRefused, Tokens, TokenUnavailable
from moza_mail.oauth.token_server import client_parameters, post_form, read_seconds, refuse, utc_now
from moza_mail.oauth.token_server import request_tokens as request

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
# RFC 8628 3.2 and 3.5.
DEFAULT_INTERVAL, SLOWER_BY = timedelta(seconds=5), timedelta(seconds=5)
DEFAULT_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePrompt:
    """The web page that a person opens, and the code to type there."""

    url: str
    code: str


def log_in_by_device(
    client: OAuthClient, show: Callable[[DevicePrompt], None], sleep: Callable[[float], None] = time.sleep
) -> Tokens:
    """Show a web page and a code, and wait until a person has given consent there.

    show: shows the page's address and the code to the person.
    sleep: waits for a number of seconds between two requests.

    Raises TokenRefused if the person refuses or the code expires, and ProjectError if the client has no `device_url`.
    """
    if not client.device_url:
        raise ProjectError(_("`device_url` is missing in the table [oauth]"), hint=_("See docs/oauth.md."))
    start = post_form(client.device_url, client_parameters(client))
    url, code = start.get("verification_uri") or start.get("verification_url"), start.get("user_code")
    if "error" in start or not url or not code or not start.get("device_code"):
        raise refuse(client.device_url, start)
    show(DevicePrompt(url=_printable(url), code=_printable(code)))
    interval = read_seconds(start.get("interval"), DEFAULT_INTERVAL)
    ends = utc_now() + read_seconds(start.get("expires_in"), DEFAULT_LIFE)
    while utc_now() < ends:
        sleep(interval.total_seconds())
        tokens, is_too_fast = _poll(client, str(start["device_code"]))
        if tokens:
            return tokens
        interval += SLOWER_BY if is_too_fast else timedelta()
    raise TokenRefused(
        _("nobody gave consent before the code expired"), hint=_("Type again: moza-mail oauth login")
    )


def _poll(client: OAuthClient, device_code: str) -> tuple[Tokens | None, bool]:
    """Ask once for the tokens. Return them, and True if the next request must wait longer.

    The tokens are None while the person has not answered yet. The next request must wait longer
    if the server asks for that or is unavailable.
    """
    try:
        return request(client, {"grant_type": DEVICE_GRANT, "device_code": device_code}, now=utc_now()), False
    except TokenRefused as error:
        if "slow_down" in str(error):
            return None, True
        if "authorization_pending" in str(error):
            return None, False
        raise
    except TokenUnavailable:
        return None, True


def _printable(value: object) -> str:
    return "".join(char for char in str(value) if char.isprintable())[:300]
