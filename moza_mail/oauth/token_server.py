"""Ask a token server over HTTPS (RFC 6749 5, RFC 8628 3)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from moza_mail.i18n import gettext as _
from moza_mail.model.oauth import (
    BEARER_TOKEN,
    OAuthClient,
    TokenRefused,
    Tokens,
    TokenUnavailable,
    find_token_remedy,
)

TIMEOUT = 30.0
MAX_REPLY = 65_536
# RFC 6749 4.2.2 lets a server omit the lifetime of a token. One hour is usual.
DEFAULT_LIFE = timedelta(hours=1)
# A token is renewed this long before it expires, so that it cannot expire between the request and the login.
RENEW_BEFORE = timedelta(minutes=5)


def request_tokens(client: OAuthClient, parameters: Mapping[str, str], *, now: datetime) -> Tokens:
    """Ask for an access token.

    parameters: the parameters of the grant. The client's id, scope and secret are added to them.
    Raises TokenRefused or TokenUnavailable.
    """
    reply = post_form(client.token_url, {**client_parameters(client), **parameters})
    if "error" in reply:
        raise refuse(client.token_url, reply)
    access = reply.get("access_token")
    if not isinstance(access, str) or not BEARER_TOKEN.fullmatch(access):
        raise TokenUnavailable(_("{url} does not answer with a token", url=client.token_url))
    return Tokens(
        access=access,
        access_ends=now + _read_life(reply) - RENEW_BEFORE,
        refresh=str(reply.get("refresh_token") or parameters.get("refresh_token", "")),
    )


def client_parameters(client: OAuthClient) -> dict[str, str]:
    """Return the client's id, scope and secret as form parameters (RFC 6749 2.3.1).

    A public client has no secret.
    """
    named = {"client_id": client.client_id, "scope": client.scope}
    return {**named, "client_secret": client.client_secret} if client.client_secret else named


def post_form(url: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Post a form and return the JSON object in the reply, which may be a refusal.

    Raises TokenUnavailable if the server does not reply, fails, or replies with anything but a JSON object.
    """
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=False) as http,
            http.stream("POST", url, data=dict(parameters), headers={"Accept": "application/json"}) as answer,
        ):
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MAX_REPLY:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TokenUnavailable(
            _("the token server {url} does not answer ({reason})", url=url, reason=_describe(error)),
            hint=_("Nothing is lost. Run the same command again when the token server is back."),
        ) from None
    try:
        reply = json.loads(body[:MAX_REPLY])
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict) or answer.status_code >= 500:
        raise TokenUnavailable(
            _("the token server {url} answers with status {status}", url=url, status=answer.status_code),
            hint=_("Check the address, or run the same command again later."),
        )
    return reply


def refuse(url: str, reply: Mapping[str, Any]) -> TokenRefused:
    """Return the error for a refusal (RFC 6749 5.2), with the server's message and a remedy."""
    words = f"{reply.get('error', '')}: {reply.get('error_description', '')}"
    shown = " ".join("".join(char if char.isprintable() else " " for char in words).split())[:300]
    return TokenRefused(
        _("the token server {url} gives no token: {reason}", url=url, reason=shown.rstrip(": ")),
        hint=find_token_remedy(words),
    )


def read_seconds(value: object, default: timedelta) -> timedelta:
    """Parse a server's number of seconds, limited to between one second and one day.

    Return `default` if the value is not a number.
    """
    try:
        return timedelta(seconds=min(max(float(str(value)), 1), 86_400))
    except ValueError:
        return default


def _read_life(reply: Mapping[str, Any]) -> timedelta:
    return read_seconds(reply.get("expires_in"), DEFAULT_LIFE)


def _describe(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:200]


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
