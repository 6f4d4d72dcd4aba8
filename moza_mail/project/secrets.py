"""What only the environment may hold: the relay's password, and the secret that signs links and Message-IDs."""

import os
import secrets
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.project.config import PREFIX

SHORTEST = 16


def smtp_password() -> str:
    """MOZA_MAIL_SMTP_PASSWORD, or the first line of the file that MOZA_MAIL_SMTP_PASSWORD_FILE names."""
    return _given("SMTP_PASSWORD")


def secret(folder: Path) -> bytes:
    """MOZA_MAIL_SECRET[_FILE]; else the one in `folder`/secret, which is made once and readable by its owner alone.

    Message-IDs and unsubscribe links are signed with it: another secret makes the links that were mailed invalid.
    """
    given = _given("SECRET") or _kept(folder / "secret")
    if len(given) < SHORTEST:
        raise ProjectError(
            f"{PREFIX}SECRET is shorter than {SHORTEST} signs", hint="Make one with: openssl rand -hex 32"
        )
    return given.encode()


def _given(name: str) -> str:
    if value := os.environ.get(PREFIX + name):
        return value
    path = os.environ.get(f"{PREFIX}{name}_FILE")
    return _first_line(Path(path), f"{PREFIX}{name}_FILE") if path else ""


def _first_line(path: Path, named: str) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ProjectError(f"{named}: {path} cannot be read: {reason}") from None


def _kept(path: Path) -> str:
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # O_EXCL and a rename-free write: of two first runs at once, the second reads what the first has made.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _first_line(path, "the secret")
        except OSError as error:
            raise ProjectError(
                f"{path} cannot be made: {error.strerror}", hint=f"Or set {PREFIX}SECRET."
            ) from None
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(32) + "\n")
    return _first_line(path, "the secret")
