"""Provide a valid access token, and renew it before it expires."""

import subprocess
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from moza_mail.i18n import gettext as _
from moza_mail.model.oauth import (
    BEARER_TOKEN,
    LOG_IN_AGAIN,
    Grant,
    OAuthClient,
    TokenRefused,
    Tokens,
    TokenUnavailable,
)
from moza_mail.oauth.token_file import TokenFile
from moza_mail.oauth.token_server import request_tokens, utc_now

COMMAND_TIMEOUT = 60.0


class TokenSource:
    """Gives access tokens for one client, to any number of threads."""

    def __init__(self, client: OAuthClient, file: TokenFile, clock: Callable[[], datetime] = utc_now) -> None:
        self._client = client
        self._file = file
        self._clock = clock
        self._lock = Lock()

    def get_token(self, rejected: str = "") -> str:
        """Return an access token that has not expired.

        rejected: a token that the mail server refused; a new token replaces it.
        Raises TokenRefused or TokenUnavailable. Waits for the token server, at most 30 seconds.
        """
        with self._lock:
            if self._client.grant is Grant.COMMAND:
                return _run_command(self._client.command)
            now = self._clock()
            kept = self._file.read(self._client.key)
            if kept.access and kept.access != rejected and kept.access_ends and now < kept.access_ends:
                return kept.access
            tokens = self._request(kept, now)
            self._file.write(self._client.key, tokens)
            return tokens.access

    def _request(self, kept: Tokens, now: datetime) -> Tokens:
        parameters = {"grant_type": self._client.grant.value}
        if self._client.grant is Grant.REFRESH_TOKEN:
            if not kept.refresh:
                raise TokenRefused(
                    _("nobody has given moza-mail access to the mail account yet"), hint=LOG_IN_AGAIN
                )
            parameters["refresh_token"] = kept.refresh
        return request_tokens(self._client, parameters, now=now)


def _run_command(command: tuple[str, ...]) -> str:
    """Return the first line that the command prints.

    The command runs without a shell. Its own cache decides when a token is renewed.
    """
    shown = command[0]
    try:
        done = subprocess.run(  # noqa: S603  (the operator's own setting)
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=COMMAND_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise TokenUnavailable(
            _("`token_command`: {command} does not end within 60 seconds", command=shown)
        ) from None
    except OSError as error:
        raise TokenRefused(
            _(
                "`token_command`: {command} cannot run: {reason}",
                command=shown,
                reason=error.strerror or str(error),
            ),
            hint=_("Write the whole path of the program in moza-mail.toml."),
        ) from None
    token = done.stdout.partition(b"\n")[0].decode("ascii", "replace").strip()
    if done.returncode or not BEARER_TOKEN.fullmatch(token):
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        reason = "".join(char for char in last if char.isprintable())[:200]
        raise TokenRefused(
            _(
                "`token_command`: {command} prints no token (exit code {code}; {reason})",
                command=shown,
                code=done.returncode,
                reason=reason or _("it says nothing"),
            ),
            hint=_("Run the command yourself: its first line must be the access token alone."),
        )
    return token
