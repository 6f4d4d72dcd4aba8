"""Outbox: a Maildir of .eml files, for looking at what would be sent; the way out of a fresh project."""

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
from moza_mail.model.mailing import Outcome, Phase, Reply, classify
from moza_mail.transport.dispatcher import SubmissionQueue, dispatch
from moza_mail.transport.protocol import Outcomes, RecordIntents, Submission

WORKERS = 8
UNSAFE = re.compile(r"[^A-Za-z0-9@._-]+")

T = TypeVar("T")


def make_file_name(message_id: str) -> str:
    """The one file name of a message: readable, and different for every Message-ID even where case is ignored."""
    digest = hashlib.sha256(message_id.encode()).hexdigest()
    readable = UNSAFE.sub("-", message_id.strip("<> ")).strip(".-")[:80]
    return f"{readable}.{digest[:16]}.eml"


class OutboxTransport:
    """A Transport that writes each message as a file in `new/` of a Maildir, complete and durable or not at all.

    A message that is there already, read or unread, is not written a second time. Folders are 0700, files 0600.
    """

    def __init__(self, path: Path, *, name: str = "") -> None:
        self._path = path
        self._name = name or f"outbox:{path}"
        self._pool: ThreadPoolExecutor | None = None
        self._delivered: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The outbox as reports show it: its URL."""
        return self._name

    async def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """See Transport.send; TransportError names the path when it cannot be written."""
        try:
            self._delivered = await self._run(lambda: prepare_maildir(self._path))
        except OSError as error:
            raise self._make_error(error) from None
        outcomes = dispatch(submissions, record_intents, [self._run_worker] * WORKERS, stop)
        try:
            async for found in outcomes:
                yield found
        finally:
            await outcomes.aclose()

    async def close(self) -> None:
        """See Transport.close."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    async def _run_worker(self, feed: SubmissionQueue) -> None:
        while (submission := await feed.take()) is not None:
            try:
                outcome = await self._deliver(submission)
            except OSError as error:
                failure = self._make_error(error)
                # Even a file that did appear is safe to give back: the next attempt lands on the same name.
                feed.report_not_sent(submission, failure.message, Phase.BODY)
                raise failure from None
            feed.report(submission, outcome)

    async def _deliver(self, submission: Submission) -> Outcome:
        """Write the file aside, and let it appear."""
        name = make_file_name(submission.message.message_id)
        if name not in self._delivered:
            aside, there = self._path / "tmp" / f"{submission.key}.{name}", self._path / "new" / name
            await self._run(lambda: _write_and_move(aside, there, submission.message.content))
        return classify(Reply.read(250, f"2.0.0 Ok: queued as {name}"), Phase.BODY)

    async def _run(self, work: Callable[[], T]) -> T:
        self._pool = self._pool or ThreadPoolExecutor(WORKERS, thread_name_prefix="outbox")
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _make_error(self, error: OSError) -> TransportError:
        where = error.filename or self._path
        return TransportError(
            _(
                "the outbox cannot be written: {path}: {reason}",
                path=str(where),
                reason=describe_os_error(error),
            ),
            relay=self._name,
            hint=_("Make room or give write access there, then run the same command again."),
        )


def prepare_maildir(path: Path) -> frozenset[str]:
    """Make the Maildir's folders where they are missing; give the names of the messages a mail reader has moved."""
    for folder in (path, *(path / name for name in ("tmp", "new", "cur"))):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync_folder(path)
    return frozenset(entry.name.partition(":")[0] for entry in os.scandir(path / "cur"))


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that only we can read, and see it on the disk; on a failure nothing is left behind."""
    # What a kill left behind goes first; O_EXCL, because a symbolic link laid here could lead anywhere.
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


def move_into_place(aside: Path, there: Path) -> None:
    """Let a written file appear in its folder, and see that on the disk."""
    aside.replace(there)
    _sync_folder(there.parent)


def _write_and_move(aside: Path, there: Path, content: bytes) -> None:
    write_durably(aside, content)
    move_into_place(aside, there)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
