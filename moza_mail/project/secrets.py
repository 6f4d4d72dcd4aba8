"""Read the secrets: passwords, DKIM keys, and the secret that signs links and Message-IDs.

They come from environment variables or from files that only their owner can read.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.project.config import PREFIX

MIN_SECRET_LENGTH = 16
TOKEN_FILE = Path("subscribers/oauth-tokens.json")
MAX_KEY_SIZE = 65_536
GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_smtp_password() -> str:
    """Return the password for the relay, empty if there is none."""
    return _read_variable("SMTP_PASSWORD")


def read_imap_password() -> str:
    """Return the password of the bounce mailbox, empty if there is none."""
    return _read_variable("IMAP_PASSWORD")


def read_oauth_client_secret() -> str:
    """Return the client secret for OAuth 2, empty if there is none."""
    return _read_variable("OAUTH_CLIENT_SECRET")


def has_secret(folder: Path) -> bool:
    """Return True if MOZA_MAIL_SECRET is set or the file `secret` exists in `folder`."""
    return bool(_read_variable("SECRET")) or (folder / "secret").exists()


def read_secret(folder: Path, *, may_create: bool = True) -> bytes:
    """Return MOZA_MAIL_SECRET, else the content of the file `secret` in `folder`.

    A missing file is created, or is a ProjectError if `may_create` is False. The secret signs Message-IDs and
    unsubscribe links, so a new secret makes the links in earlier mails invalid.
    """
    given = _read_variable("SECRET")
    path = folder / "secret"
    if not given and not may_create and not path.exists():
        raise ProjectError(
            _("{path} is gone: it is the secret of this project's store", path=str(path)),
            hint=_(
                "Put the file back from your backup, or set MOZA_MAIL_SECRET. With another secret, links in sent mails stop working."
            ),
        )
    given = given or _read_or_create(path)
    if len(given) < MIN_SECRET_LENGTH:
        raise ProjectError(
            _(
                "{variable} has fewer than {minimum} characters",
                variable=f"{PREFIX}SECRET",
                minimum=MIN_SECRET_LENGTH,
            ),
            hint=_("Make one with: openssl rand -hex 32"),
        )
    return given.encode()


def read_private_key(name: str, setting: str, root: Path) -> tuple[bytes, str]:
    """Return the content of a key file and its name for errors, both empty if no path is set.

    The path comes from MOZA_MAIL_<name>_FILE, else from `setting`, relative to `root`. Raises ProjectError
    if the file cannot be read, belongs to another user, or can be read by others.
    """
    variable = f"{PREFIX}{name}_FILE"
    path, origin = os.environ.get(variable), variable
    if not path:
        path, origin = setting, name.lower()
    if not path:
        return b"", ""
    file = root / path
    return _read_private_file(file, f"{origin}: {file}"), f"{origin}: {file}"


def _read_private_file(path: Path, named: str) -> bytes:
    try:
        # O_NONBLOCK, because opening a pipe would wait forever. fstat examines the file that is read, not the path.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(MAX_KEY_SIZE + 1) if stat.S_ISREG(found.st_mode) else b""
    except OSError as error:
        raise ProjectError(
            _("{file} cannot be read: {reason}", file=named, reason=describe_os_error(error)),
            hint=_("Make a key with: moza-mail dkim new"),
        ) from None
    if not stat.S_ISREG(found.st_mode) or len(content) > MAX_KEY_SIZE:
        raise ProjectError(
            _("{file} does not contain a key", file=named), hint=_("Make a key with: moza-mail dkim new")
        )
    if found.st_mode & GROUP_AND_OTHERS:
        raise ProjectError(
            _(
                "{file} can be read by other users (mode {mode})",
                file=named,
                mode=f"{stat.S_IMODE(found.st_mode):04o}",
            ),
            hint=_(
                "Type: chmod 600 {path}. If another person may have read it, make a new key: moza-mail dkim new",
                path=str(path),
            ),
        )
    if found.st_uid not in {os.geteuid(), 0}:
        raise ProjectError(
            _("{file} belongs to another user", file=named),
            hint=_("Type: chown $USER {path}", path=str(path)),
        )
    return content


def write_private_file(path: Path, content: bytes) -> None:
    """Create a file that only its owner can read; raise ProjectError if it exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ProjectError(
            _("{path} exists already, and a key in use is never overwritten", path=str(path)),
            hint=_("Name another selector or file: moza-mail dkim new --selector NAME, or --out FILE."),
        ) from None
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be created: {reason}", path=str(path), reason=describe_os_error(error))
        ) from None


def _read_variable(name: str) -> str:
    """Return MOZA_MAIL_<name>, else the first line of the file in MOZA_MAIL_<name>_FILE."""
    if value := os.environ.get(PREFIX + name):
        return value
    path = os.environ.get(f"{PREFIX}{name}_FILE")
    return _read_first_line(Path(path), f"{PREFIX}{name}_FILE") if path else ""


def _read_first_line(path: Path, named: str) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = describe_os_error(error) if isinstance(error, OSError) else _("it is not UTF-8")
        raise ProjectError(
            _("{name}: {path} cannot be read: {reason}", name=named, path=str(path), reason=reason)
        ) from None


def _read_or_create(path: Path) -> str:
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _create_secret(path)
        except OSError as error:
            raise ProjectError(
                _("{path} cannot be created: {reason}", path=str(path), reason=describe_os_error(error)),
                hint=_(
                    "Free some space, or get write access there. Or set {variable}.",
                    variable=f"{PREFIX}SECRET",
                ),
            ) from None
    return _read_first_line(path, _("the secret"))


def _create_secret(path: Path) -> None:
    """Create the file with a new secret in one step.

    If two processes do this at the same time, the secret of the first one is kept.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except OSError:
            # Some file systems have no hard links.
            if not path.exists():
                temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def find_private_files(root: Path, settings: Mapping[str, str]) -> list[tuple[str, Path]]:
    """Return the existing files that only their owner may read, each with a description.

    settings: the paths of key files in moza-mail.toml, by key.
    """
    named: dict[str, str] = {
        _("the secret"): str(root / "subscribers" / "secret"),
        _("the OAuth tokens"): str(root / TOKEN_FILE),
    }
    named |= {key: str(root / value) for key, value in settings.items() if value}
    variables = (
        "SECRET_FILE",
        "SMTP_PASSWORD_FILE",
        "IMAP_PASSWORD_FILE",
        "OAUTH_CLIENT_SECRET_FILE",
        "DKIM_KEY_FILE",
        "DKIM_ED25519_KEY_FILE",
    )
    named |= {
        PREFIX + name: str(root / path) for name in variables if (path := os.environ.get(PREFIX + name))
    }
    keys: dict[Path, str] = dict.fromkeys(sorted((root / "subscribers").glob("*.pem")), _("a DKIM key"))
    found = {Path(path): description for description, path in named.items()}
    return [(description, path) for path, description in {**keys, **found}.items() if path.is_file()]
