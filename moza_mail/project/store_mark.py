"""The file beside the secret that names the project's store, so that a lost or older store is noticed."""

import errno
import json
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.store_mark import StoreMark
from moza_mail.project.atomic_write import write_atomically

MARK_FILE = Path("subscribers/store-mark.json")
MAX_BYTES = 10_000
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def read_mark(root: Path) -> StoreMark | None:
    """Return the mark of the store that this project used last; None if it never had one."""
    path = root / MARK_FILE
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_BYTES))
        return StoreMark(store_id=str(found["store_id"]), generation=int(found["generation"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be read: {reason}", path=str(path), reason=describe_os_error(error))
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProjectError(
            _("{path} is damaged: it names the store of this project", path=str(path)),
            hint=_("If subscribers/ holds the right store, delete that file. It is made again."),
        ) from None


def write_mark(root: Path, mark: StoreMark) -> None:
    """Replace the mark in one step, on the disk; raise ProjectError.

    In a folder that may not be written, such as that of a container, no mark is kept. The store is then not recognised.
    """
    path = root / MARK_FILE
    text = json.dumps({"store_id": mark.store_id, "generation": mark.generation})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{text}\n".encode(), new_mode=0o600)
    except OSError as error:
        if error.errno in READ_ONLY:
            return
        raise ProjectError(
            _("{path} cannot be written: {reason}", path=str(path), reason=describe_os_error(error))
        ) from None
