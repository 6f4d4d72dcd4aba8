"""Locks between processes, made with flock on a file.

The kernel releases a lock when its holder ends, even if the holder is killed.
"""

import fcntl
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

# A forked child shares its parent's locks and would keep them after the parent died, so it closes them first.
# (A program that is executed closes them by O_CLOEXEC.)
_OPEN: set[int] = set()
# Seconds. Most processes wait for one commit, which takes a few milliseconds. So they poll often at first, and later less often.
SHORT_WAIT, OFTEN, SELDOM = 0.02, 0.0001, 0.001


def _close_in_child() -> None:
    for descriptor in _OPEN:
        with suppress(OSError):
            os.close(descriptor)
    _OPEN.clear()


os.register_at_fork(after_in_child=_close_in_child)


class FileLock:
    """A file with mode 0600 that one process at a time can lock. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        _OPEN.add(self._descriptor)

    def acquire(self, *, seconds: float = 0) -> bool:
        """Lock the file, waiting up to `seconds`; return False if another process holds it."""
        begun = time.monotonic()
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - begun
                if waited >= seconds:
                    return False
                time.sleep(OFTEN if waited < SHORT_WAIT else SELDOM)
            else:
                return True

    def release(self) -> None:
        """Unlock the file."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def write(self, holder: bytes) -> None:
        """Write the holder into the file.

        The modification time of the file then shows when the lock was taken.
        """
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, holder, 0)

    def read(self) -> tuple[bytes, datetime]:
        """Return what the holder wrote, and when the holder wrote it."""
        since = datetime.fromtimestamp(os.fstat(self._descriptor).st_mtime, UTC)
        return os.pread(self._descriptor, 4096, 0), since

    def close(self) -> None:
        """Close the file, which unlocks it. Closing twice is harmless."""
        if self._descriptor >= 0:
            _OPEN.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


class FairLock:
    """A fair lock, made of two files, for processes that commit without pauses.

    With one file, the process that released the lock would usually take it again before the others, because
    they only poll. With one file, a sender once made a server wait for half a second. So a waiting process locks
    the second file, `turn`. A process that wants to take the lock again must get the turn first. Methods raise OSError.
    """

    def __init__(self, path: Path, turn: Path) -> None:
        self._lock = FileLock(path)
        try:
            self._turn = FileLock(turn)
        except BaseException:
            self._lock.close()
            raise

    def acquire(self, *, seconds: float) -> bool:
        """Take the lock, waiting up to `seconds`; return False if another process holds it."""
        end = time.monotonic() + seconds
        if not self._turn.acquire(seconds=seconds):
            return False
        try:
            return self._lock.acquire(seconds=end - time.monotonic())
        finally:
            self._turn.release()

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def close(self) -> None:
        """Close both files. Closing twice is harmless."""
        self._lock.close()
        self._turn.close()
