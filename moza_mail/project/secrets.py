"""What no shared file may hold: the passwords of the relay and of the bounce mailbox, the secret of links and Message-IDs, and the keys of DKIM."""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.project.config import PREFIX

SHORTEST = 16
LARGEST_KEY = 65_536
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_smtp_password() -> str:
    """MOZA_MAIL_SMTP_PASSWORD, or the first line of the file that MOZA_MAIL_SMTP_PASSWORD_FILE names."""
    return _given("SMTP_PASSWORD")


def read_imap_password() -> str:
    """MOZA_MAIL_IMAP_PASSWORD, or the first line of the file that MOZA_MAIL_IMAP_PASSWORD_FILE names."""
    return _given("IMAP_PASSWORD")


def read_secret(folder: Path) -> bytes:
    """MOZA_MAIL_SECRET[_FILE]; else the one in `folder`/secret, which is made once and readable by its owner alone.

    Message-IDs and unsubscribe links are signed with it: another secret makes the links that were mailed invalid.
    """
    given = _given("SECRET") or _kept(folder / "secret")
    if len(given) < SHORTEST:
        raise ProjectError(
            f"{PREFIX}SECRET is shorter than {SHORTEST} signs", hint="Make one with: openssl rand -hex 32"
        )
    return given.encode()


def read_private_key(name: str, setting: str, root: Path) -> tuple[bytes, str]:
    """The file that MOZA_MAIL_<name>_FILE names, else the setting, relative to `root`, and what to call it in a message.

    Both are empty when neither is set. Raises ProjectError for a file that cannot be read, or that anybody but its owner
    can, or whose owner is somebody else.
    """
    variable = f"{PREFIX}{name}_FILE"
    path, named = os.environ.get(variable), variable
    if not path:
        path, named = setting, name.lower()
    if not path:
        return b"", ""
    where = root / path
    return _private_file(where, f"{named}: {where}"), f"{named}: {where}"


def _private_file(path: Path, named: str) -> bytes:
    try:
        # A pipe would keep us waiting for ever; what is opened is what is looked at.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(LARGEST_KEY + 1) if stat.S_ISREG(found.st_mode) else b""
    except OSError as error:
        raise ProjectError(
            f"{named} cannot be read: {error.strerror}", hint="Make a key with: moza-mail dkim new"
        ) from None
    if not stat.S_ISREG(found.st_mode) or len(content) > LARGEST_KEY:
        raise ProjectError(f"{named} is not a file with a key", hint="Make one with: moza-mail dkim new")
    if found.st_mode & OTHERS:
        raise ProjectError(
            f"{named} can be read by others than its owner (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"Type: chmod 600 {path}. If somebody may have read it, make a new key: moza-mail dkim new",
        )
    if found.st_uid not in {os.geteuid(), 0}:
        raise ProjectError(f"{named} belongs to another user", hint=f"Type: chown $USER {path}")
    return content


def write_private_file(path: Path, content: bytes) -> None:
    """Write a new file that its owner alone can read; raise ProjectError when it is there already or cannot be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ProjectError(
            f"{path} is there already, and a key in use is never written over",
            hint="Name another selector or file: moza-mail dkim new --selector NAME, or --out FILE.",
        ) from None
    except OSError as error:
        raise ProjectError(f"{path} cannot be made: {error.strerror}") from None


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


def find_private_files(root: Path, settings: Mapping[str, str]) -> list[tuple[str, Path]]:
    """The files that nobody but their owner may read, each with what it is; those that are there.

    `settings` are what moza-mail.toml says of the keys' files.
    """
    named = {"the secret": str(root / "subscribers" / "secret")}
    named |= {key: str(root / value) for key, value in settings.items() if value}
    variables = (
        "SECRET_FILE",
        "SMTP_PASSWORD_FILE",
        "IMAP_PASSWORD_FILE",
        "DKIM_KEY_FILE",
        "DKIM_ED25519_KEY_FILE",
    )
    named |= {
        PREFIX + name: str(root / path) for name in variables if (path := os.environ.get(PREFIX + name))
    }
    keys = dict.fromkeys(sorted((root / "subscribers").glob("*.pem")), "a DKIM key")
    found = {Path(path): what for what, path in named.items()}
    return [(what, path) for path, what in {**keys, **found}.items() if path.is_file()]
