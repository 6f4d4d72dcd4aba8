"""Publishing: the files of a site in a folder, all at once or not at all.

The new folder is made beside the old one and the two change places in one step, so whoever asks for a page meanwhile gets the
old site or the new one, whole. What is not of the site (a file that somebody else put there) goes along as it is.
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

MARK = ".moza-mail-archive.json"
"""Names the files of the folder that are ours: the only ones that are ever taken away."""

AT_WORKING_FOLDER, EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishResult:
    """What became of a folder: how many files are new, changed, as they were, and gone."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


def publish_files(folder: Path, files: Mapping[str, bytes]) -> PublishResult:
    """Make `folder` hold these files by their path in it, and no file of an earlier time.

    Nothing is touched when they are there already. Raises ProjectError for a folder with files in it that was not made here,
    and when it cannot be written: the old site then stands as it was.
    """
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            return _published(folder, files)
    except OSError as error:
        raise ProjectError(
            f"{error.filename or folder} cannot be written: {error.strerror}; the archive is as it was",
            hint="Name a folder that moza-mail may make and replace, such as one inside the site's own.",
        ) from None


def _published(folder: Path, files: Mapping[str, bytes]) -> PublishResult:
    before = _ours(folder)
    if clash := next((path for path in files if path not in before and os.path.lexists(folder / path)), ""):
        raise ProjectError(
            f"{folder / clash} is in the way: it is not of the archive, and is not written over",
            hint="Move it, or name another folder.",
        )
    same = {path for path, content in files.items() if _holds(folder / path, content)}
    gone = before - files.keys()
    told = PublishResult(
        added=len(files.keys() - before),
        changed=len(files.keys() & before) - len(same),
        unchanged=len(same),
        removed=len(gone),
    )
    if len(same) == len(files) and not gone and folder.is_dir():
        return told
    beside = folder.with_name(f".{folder.name}.moza-mail")
    if beside.exists():
        # Of a run that was broken off; nobody else works here now.
        shutil.rmtree(beside)
    try:
        _fill(beside, folder, files, same)
        _carry_over(folder, beside, before)
        if not folder.exists():
            beside.rename(folder)
            return told
        _change_places(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _carry_over(beside, folder, before)  # what came in while we copied
    shutil.rmtree(beside, ignore_errors=True)
    return told


def _ours(folder: Path) -> frozenset[str]:
    """The files that an earlier time made; raise ProjectError when somebody else's folder is meant."""
    if not folder.exists():
        return frozenset()
    if not folder.is_dir():
        raise ProjectError(f"{folder} is a file, and the archive is a folder", hint="Name a folder.")
    try:
        return frozenset(json.loads((folder / MARK).read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        if not any(folder.iterdir()):
            return frozenset()
    except (ValueError, KeyError, TypeError):
        pass
    raise ProjectError(
        f"{folder} holds files that moza-mail did not put there",
        hint="Name an empty folder, or one that does not exist yet.",
    )


def _holds(path: Path, content: bytes) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _fill(beside: Path, folder: Path, files: Mapping[str, bytes], same: set[str]) -> None:
    """The new folder: what has not changed is the same file, so that it keeps its time."""
    beside.mkdir()
    if folder.exists():
        beside.chmod(stat.S_IMODE(folder.stat().st_mode))
    for parent in {path.rpartition("/")[0] for path in files}:
        (beside / parent).mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        if path not in same or not _linked(folder / path, beside / path):
            (beside / path).write_bytes(content)
    mark = json.dumps({"made by": "moza-mail archive build", "files": sorted(files)}, indent=0)
    (beside / MARK).write_text(mark + "\n", encoding="utf-8")


def _carry_over(old: Path, new: Path, before: frozenset[str]) -> None:
    """Bring along what others put in the folder."""
    for path in _files(old) if old.exists() else ():
        shown = path.relative_to(old).as_posix()
        target = new / shown
        if shown in before or shown == MARK or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or not _linked(path, target):
            shutil.copy2(path, target, follow_symlinks=False)


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, links to folders too; a folder that is empty is not told of."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        else:
            yield entry


def _linked(path: Path, target: Path) -> bool:
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError:
        return False
    return True


def _change_places(beside: Path, folder: Path) -> None:
    """Exchange two folders in one step where the system can, else in two, of which the second hardly fails."""
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
def _alone(parent: Path) -> Iterator[None]:
    """One build at a time: another waits until this one has ended, however it ends."""
    handle = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
