"""A transport that writes messages to a Maildir instead of sending them.

New projects use this transport.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from moza_mail.errors import TransportError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.transport.dispatcher import SubmissionQueue, dispatch
from moza_mail.transport.protocol import Outcomes, RecordIntents, Submission

WORKERS = 8
UNSAFE = re.compile(r"[^A-Za-z0-9@._-]+")

T = TypeVar("T")


def make_file_name(message_id: str) -> str:
    """Return the file name of a message.

    It is unique for each Message-ID, even if the file system ignores case.
    """
    digest = hashlib.sha256(message_id.encode()).hexdigest()
    readable = UNSAFE.sub("-", message_id.strip("<> ")).strip(".-")[:80]
    return f"{readable}.{digest[:16]}.eml"


class OutboxTransport:
    """A Transport that writes each message to `new/` of a Maildir.

    A message is complete and synced to disk, or not there at all. A message that is already in `new` or `cur` is not written
    again. Folders have mode 0700, files 0600.
    """

    def __init__(self, path: Path, *, name: str = "") -> None:
        self._path = path
        self._name = name or f"outbox:{path}"
        self._pool: ThreadPoolExecutor | None = None
        self._read_names: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the URL of the outbox."""
        return self._name

    async def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """Write the messages; see Transport.send.

        Raises TransportError with the path if the outbox cannot be written.
        """
        try:
            self._read_names = await self._run(lambda: prepare_maildir(self._path))
        except OSError as error:
            raise self._make_error(error) from None
        outcomes = dispatch(submissions, record_intents, [self._run_worker] * WORKERS, stop)
        try:
            async for batch in outcomes:
                yield batch
        finally:
            await outcomes.aclose()

    async def check_sender(self, sender: Address) -> None:
        """Do nothing: every sender is accepted."""

    async def close(self) -> None:
        """Stop the writer threads; see Transport.close."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    async def _run_worker(self, queue: SubmissionQueue) -> None:
        while (submission := await queue.take()) is not None:
            try:
                outcome = await self._deliver(submission)
            except OSError as error:
                failure = self._make_error(error)
                # The file may have been moved into place despite the error. The next attempt then writes a
                # file of the same name.
                queue.report_not_sent(submission, failure.message, Phase.BODY)
                raise failure from None
            queue.report(submission, outcome)

    async def _deliver(self, submission: Submission) -> Outcome:
        """Write the file to `tmp` and move it to `new`."""
        name = make_file_name(submission.message.message_id)
        if name not in self._read_names:
            temporary, target = self._path / "tmp" / f"{submission.key}.{name}", self._path / "new" / name
            await self._run(lambda: _write_and_move(temporary, target, submission.message.content))
        return to_outcome(Reply.parse(250, f"2.0.0 Ok: queued as {name}"), Phase.BODY)

    async def _run(self, work: Callable[[], T]) -> T:
        self._pool = self._pool or ThreadPoolExecutor(WORKERS, thread_name_prefix="outbox")
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _make_error(self, error: OSError) -> TransportError:
        path = error.filename or self._path
        return TransportError(
            _(
                "the outbox cannot be written: {path}: {reason}",
                path=str(path),
                reason=describe_os_error(error),
            ),
            relay=self._name,
            hint=_("Make room or give write access there, then run the same command again."),
        )


def prepare_maildir(path: Path) -> frozenset[str]:
    """Create missing folders of the Maildir and return the names of the messages in `cur`.

    A mail program moves messages from `new` to `cur` when it has seen them.
    """
    for folder in (path, *(path / name for name in ("tmp", "new", "cur"))):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync_folder(path)
    return frozenset(entry.name.partition(":")[0] for entry in os.scandir(path / "cur"))


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that only we can read and sync it to disk. On an error, no file is left."""
    # A killed run may have left the file. O_EXCL refuses a symbolic link of this name, which could lead
    # anywhere.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def move_into_place(temporary: Path, target: Path) -> None:
    """Move a written file to its folder and sync the folder to disk."""
    temporary.replace(target)
    _sync_folder(target.parent)


def _write_and_move(temporary: Path, target: Path, content: bytes) -> None:
    write_durably(temporary, content)
    move_into_place(temporary, target)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
