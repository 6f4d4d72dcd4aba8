"""Keep tokens in a file that only its owner can read."""

import json
import os
import secrets
from contextlib import suppress
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
    """

    path: Path

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
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise ProjectError(
                _("{path} cannot be written: {reason}", path=str(self.path), reason=describe_os_error(error))
            ) from None
