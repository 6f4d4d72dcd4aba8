"""Publish the files of a website in a folder, all at once or not at all.

The new site is written in a folder next to the old one. Then the two folders are exchanged in one step, so
visitors see either the old site or the new one. Files that another program put in the folder are kept.
"""

import ctypes
import errno
import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _

MANIFEST = ".moza-mail-archive.json"
"""The name of the file that lists our files. Only files in this list are ever deleted."""

AT_WORKING_FOLDER, EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishResult:
    """The numbers of files that were added, changed, left unchanged, and removed."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


def publish_files(folder: Path, files: Mapping[str, bytes]) -> PublishResult:
    """Publish files in a folder, and delete files of earlier runs that are not published now.

    If nothing changed, no file is touched. Raises ProjectError if the folder cannot be written, or if moza-mail
    did not create the folder and it is not empty. After an error the old site is unchanged.

    files: the content of each file, by its path in `folder`.
    """
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.parent):
            return _publish(folder, files)
    except OSError as error:
        raise ProjectError(
            _(
                "{path} cannot be written: {reason}; the archive is unchanged",
                path=str(error.filename or folder),
                reason=describe_os_error(error),
            ),
            hint=_(
                "Name a folder that moza-mail may create and replace, such as one inside that of the site."
            ),
        ) from None


def _publish(folder: Path, files: Mapping[str, bytes]) -> PublishResult:
    before = _read_manifest(folder)
    if clash := next((path for path in files if path not in before and os.path.lexists(folder / path)), ""):
        raise ProjectError(
            _("{path} does not belong to the archive and is not overwritten", path=str(folder / clash)),
            hint=_("Move it, or name another folder."),
        )
    same = {path for path, content in files.items() if _has_content(folder / path, content)}
    removed = before - files.keys()
    result = PublishResult(
        added=len(files.keys() - before),
        changed=len(files.keys() & before) - len(same),
        unchanged=len(same),
        removed=len(removed),
    )
    if len(same) == len(files) and not removed and folder.is_dir():
        return result
    beside = folder.with_name(f".{folder.name}.moza-mail")
    if beside.exists():
        # An interrupted run left this folder. No other run is using it, because we hold the lock.
        shutil.rmtree(beside)
    try:
        _fill(beside, folder, files, same)
        _carry_over(folder, beside, before)
        if not folder.exists():
            beside.rename(folder)
            return result
        _exchange(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    # Other programs may have added files to the old folder meanwhile.
    _carry_over(beside, folder, before)
    shutil.rmtree(beside, ignore_errors=True)
    return result


def _read_manifest(folder: Path) -> frozenset[str]:
    """Return the paths of the files that earlier runs published.

    Raises ProjectError if `folder` is a file, or contains files but no list of published files.
    """
    if not folder.exists():
        return frozenset()
    if not folder.is_dir():
        raise ProjectError(_("{path} is a file, not a folder", path=str(folder)), hint=_("Name a folder."))
    try:
        return frozenset(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        if not any(folder.iterdir()):
            return frozenset()
    except (ValueError, KeyError, TypeError):
        pass
    raise ProjectError(
        _("{path} contains files that moza-mail did not make", path=str(folder)),
        hint=_("Name an empty folder, or one that does not exist yet."),
    )


def _has_content(path: Path, content: bytes) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _fill(beside: Path, folder: Path, files: Mapping[str, bytes], same: set[str]) -> None:
    """Write the files of the new folder.

    Unchanged files become hard links, so they keep their modification time.
    """
    beside.mkdir()
    if folder.exists():
        beside.chmod(stat.S_IMODE(folder.stat().st_mode))
    for parent in {path.rpartition("/")[0] for path in files}:
        (beside / parent).mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        if path not in same or not _link(folder / path, beside / path):
            (beside / path).write_bytes(content)
    manifest = json.dumps({"made by": "moza-mail archive build", "files": sorted(files)}, indent=0)
    (beside / MANIFEST).write_text(manifest + "\n", encoding="utf-8")


def _carry_over(old: Path, new: Path, before: frozenset[str]) -> None:
    """Link or copy the files of other programs from the old folder into the new folder."""
    for path in _walk_files(old) if old.exists() else ():
        shown = path.relative_to(old).as_posix()
        target = new / shown
        if shown in before or shown == MANIFEST or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or not _link(path, target):
            shutil.copy2(path, target, follow_symlinks=False)


def _walk_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, including symbolic links to folders."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk_files(entry)
        else:
            yield entry


def _link(path: Path, target: Path) -> bool:
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError:
        return False
    return True


def _exchange(beside: Path, folder: Path) -> None:
    """Exchange two folders in one step, or in two steps if the system cannot do it in one."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        exchange = None
    names = (AT_WORKING_FOLDER, os.fsencode(beside), AT_WORKING_FOLDER, os.fsencode(folder))
    if exchange is not None and exchange(*names, EXCHANGE) == 0:
        return
    code = ctypes.get_errno() if exchange is not None else errno.ENOSYS
    if code not in {errno.ENOSYS, errno.EINVAL}:
        raise OSError(code, os.strerror(code), str(folder))
    aside = beside.with_name(f"{beside.name}.old")
    folder.rename(aside)
    try:
        beside.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    aside.rename(beside)


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Wait until no other process publishes in this folder, and hold the lock.

    The lock ends with the process.
    """
    handle = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
