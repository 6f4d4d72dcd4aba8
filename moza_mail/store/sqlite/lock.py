"""A lock between processes: flock on a file, which the kernel lets go of when its holder ends, however it ends."""

import fcntl
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

# A forked child shares its parent's locks and would keep them after the parent's death, so it closes them at birth.
# (A program that is started closes them by O_CLOEXEC.)
_OPEN: set[int] = set()
# Most wait for no more than a commit, which takes a few milliseconds; in seconds.
SOON, OFTEN, SELDOM = 0.02, 0.0001, 0.001


def _close_in_child() -> None:
    for descriptor in _OPEN:
        with suppress(OSError):
            os.close(descriptor)
    _OPEN.clear()


os.register_at_fork(after_in_child=_close_in_child)


class FileLock:
    """One file (mode 0600) that one holder at a time may lock; raises OSError."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        _OPEN.add(self._descriptor)

    def acquire(self, *, seconds: float = 0) -> bool:
        """Lock the file, trying for that long; tell whether it is ours."""
        begun = time.monotonic()
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - begun
                if waited >= seconds:
                    return False
                time.sleep(OFTEN if waited < SOON else SELDOM)
            else:
                return True

    def release(self) -> None:
        """Let others lock the file."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def sign(self, note: bytes) -> None:
        """Write into the file who holds it; the file's own time says since when."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, note, 0)

    def signed(self) -> tuple[bytes, datetime]:
        """What the holder wrote, and when."""
        since = datetime.fromtimestamp(os.fstat(self._descriptor).st_mtime, UTC)
        return os.pread(self._descriptor, 4096, 0), since

    def close(self) -> None:
        """Let go of the file and its lock; closing twice is closing once."""
        if self._descriptor >= 0:
            _OPEN.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


class FairLock:
    """A lock between processes that commit without a pause, each after the other: two files.

    Of one file, whoever let go of it would mostly be the first to have it again, for those who wait look now and then: a
    sender kept a server waiting for half a second. So who waits holds the turn to be next, and who has just had it must get
    a turn first. Raises OSError.
    """

    def __init__(self, path: Path, turn: Path) -> None:
        self._lock = FileLock(path)
        try:
            self._turn = FileLock(turn)
        except BaseException:
            self._lock.close()
            raise

    def acquire(self, *, seconds: float) -> bool:
        """Have it, trying for that long; tell whether it is ours."""
        end = time.monotonic() + seconds
        if not self._turn.acquire(seconds=seconds):
            return False
        try:
            return self._lock.acquire(seconds=end - time.monotonic())
        finally:
            self._turn.release()

    def wanted(self) -> bool:
        """Whether somebody waits for it, as far as one can see from outside; for who has it."""
        free = self._turn.acquire()
        if free:
            self._turn.release()
        return not free

    def release(self) -> None:
        """Let others have it."""
        self._lock.release()

    def close(self) -> None:
        """Let go of both files; closing twice is closing once."""
        self._lock.close()
        self._turn.close()
