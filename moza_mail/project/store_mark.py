"""Read and write the store mark, by which a lost or older store is noticed.

The mark is a file next to the secret. It contains the identity and the generation of the project's store.
"""

import errno
import json
import os
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.store_mark import StoreMark
from moza_mail.project.atomic_write import write_atomically

MARK_FILE = Path("subscribers/store-mark.json")
MAX_BYTES = 10_000
NOT_A_MARK = (ValueError, KeyError, TypeError, RecursionError)
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def read_mark(root: Path) -> StoreMark | None:
    """Return the mark of the store that this project used last; None if there is no mark.

    Raises ProjectError if the file cannot be read or is damaged.
    """
    path = root / MARK_FILE
    try:
        with path.open("rb") as file:
            return _parse(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be read: {reason}", path=str(path), reason=describe_os_error(error))
        ) from None
    except NOT_A_MARK:
        raise ProjectError(
            _("{path} is damaged: it names the store of this project", path=str(path)),
            hint=_("If subscribers/ holds the right store, delete that file. It is made again."),
        ) from None


def write_mark_fast(root: Path, mark: StoreMark) -> None:
    """Overwrite an older mark of the same store, without waiting for the disk.

    The mark is only written if the new text is at least as long as the old text. Then one write replaces the whole text, and
    a reader never finds half a mark. A failure is ignored, because the mark is written again at the end of the run.
    """
    path = root / MARK_FILE
    content = _to_bytes(mark)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        before = os.pread(descriptor, MAX_BYTES, 0)
        known = _parse(before)
        is_newer = known.store_id == mark.store_id and known.generation < mark.generation
        if is_newer and len(before) <= len(content):
            os.pwrite(descriptor, content, 0)
    except (OSError, *NOT_A_MARK):
        pass
    finally:
        os.close(descriptor)


def _parse(content: bytes) -> StoreMark:
    found = json.loads(content)
    return StoreMark(store_id=str(found["store_id"]), generation=int(found["generation"]))


def _to_bytes(mark: StoreMark) -> bytes:
    return f"{json.dumps({'store_id': mark.store_id, 'generation': mark.generation})}\n".encode()


def write_mark(root: Path, mark: StoreMark) -> None:
    """Replace the mark in one step, and sync it to disk; raise ProjectError if that fails.

    If the folder is read-only, as in a container, nothing is written. Later runs then do not recognise the store.
    """
    path = root / MARK_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _to_bytes(mark), new_mode=0o600)
    except OSError as error:
        if error.errno in READ_ONLY:
            return
        raise ProjectError(
            _("{path} cannot be written: {reason}", path=str(path), reason=describe_os_error(error)),
            hint=_("Free some space on the disk. Then run the same command again: nothing was lost."),
        ) from None
