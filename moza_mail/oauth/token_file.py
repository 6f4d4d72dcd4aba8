"""Keep tokens in a file that only its owner can read."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.oauth import Tokens

MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFile:
    """The file with the tokens of one client.

    Two processes may renew a token at the same time. The file then contains the newer token, and both tokens are valid.

    replace: replaces the file in one step, and lets only its owner read it; raises OSError if that fails.
    """

    path: Path
    replace: Callable[[bytes], None]

    def read(self, key: str) -> Tokens:
        """Return the tokens for `key`, empty if there are none. A damaged file counts as empty."""
        try:
            with self.path.open("rb") as file:
                found = json.loads(file.read(MAX_BYTES))
            if found["client"] != key:
                return Tokens()
            ends = found["access_ends"]
            return Tokens(
                access=str(found["access"]),
                access_ends=datetime.fromisoformat(ends) if ends else None,
                refresh=str(found["refresh"]),
            )
        except FileNotFoundError:
            return Tokens()
        except OSError as error:
            raise ProjectError(
                _("{path} cannot be read: {reason}", path=str(self.path), reason=describe_os_error(error))
            ) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            return Tokens()

    def write(self, key: str, tokens: Tokens) -> None:
        """Replace the file in one step; raise ProjectError if it cannot be written."""
        content = json.dumps(
            {
                "client": key,
                "access": tokens.access,
                "access_ends": tokens.access_ends.isoformat() if tokens.access_ends else "",
                "refresh": tokens.refresh,
            }
        )
        try:
            self.replace(content.encode())
        except OSError as error:
            raise ProjectError(
                _("{path} cannot be written: {reason}", path=str(self.path), reason=describe_os_error(error))
            ) from None
