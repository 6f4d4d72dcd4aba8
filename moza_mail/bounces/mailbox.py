"""The mailboxes from which reports are read.

A mailbox is a Maildir, an mbox or a folder on a mail server. One message can also be saved from standard input.
"""

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from moza_mail.bounces.imap_url import is_imap_url, parse_imap_url
from moza_mail.bounces.message import ClearingResult, MailboxMessage, read_lines
from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.server_url import ServerAccess

MAILBOX_FORMS = _(
    "Write maildir:PATH, mbox:PATH, imaps://USER@HOST/INBOX, or - for one message on standard input."
)
PROCESSED = ".processed"


class Mailbox(Protocol):
    """A mailbox to read. A message changes only when it is marked, never when it is read."""

    name: str

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Yield each message that was not processed before.

        Raises ProjectError or MailboxError if the mailbox cannot be read.
        """

    def mark_processed(self, message: MailboxMessage) -> None:
        """Mark a message, so that it is not read again.

        Called after the bounce in the message has been stored. Raises ProjectError or MailboxError.
        """

    def mark_unrecognized(self, message: MailboxMessage) -> None:
        """Leave a message for a person to read."""

    def check_login(self) -> None:
        """Log in at the server and log out again. Files need no login.

        Raises ProjectError or MailboxError if the login fails.
        """

    def close(self) -> None:
        """Close the connection. May be called while another thread uses the mailbox."""


def open_mailbox(source: str, root: Path, access: ServerAccess | None = None) -> Mailbox:
    """Return the mailbox of `maildir:PATH`, `mbox:PATH` or an IMAP URL.

    A relative path starts at `root`. This function does not contact a server. Raises ProjectError if `source` has
    none of these forms, or if its folder or file is not a mailbox.
    """
    if is_imap_url(source):
        from moza_mail.bounces.imap import ImapMailbox

        access = access or ServerAccess()
        return ImapMailbox(parse_imap_url(source, allow_plaintext=access.allow_plaintext), access)
    scheme, _colon, path = source.partition(":")
    if scheme == "maildir" and path:
        return Maildir(root / path)
    if scheme == "mbox" and path:
        return Mbox(root / path)
    raise ProjectError(_("{source!a} is not a mailbox", source=source[:80]), hint=MAILBOX_FORMS)


def find_processed_files(source: str, root: Path, before: datetime) -> list[Path]:
    """Return the files of processed messages that arrived before a time.

    Only a Maildir has such files.
    """
    scheme, _colon, path = source.partition(":")
    if scheme != "maildir":
        return []
    processed = root / path / PROCESSED
    with translate_file_errors(processed):
        # Moving a file keeps its modification time, which is when the message arrived.
        found = [file for folder in ("cur", "new") for file in (processed / folder).glob("*")]
        return sorted(file for file in found if file.lstat().st_mtime < before.timestamp())


def delete_processed_messages(
    source: str, access: ServerAccess, before: datetime, *, dry_run: bool
) -> ClearingResult:
    """Delete processed messages that arrived on a server before a time.

    With `dry_run`, they are only counted. Raises MailboxError if the server does not answer, and ProjectError for a URL that
    cannot be used.
    """
    from moza_mail.bounces.imap import ImapMailbox

    mailbox = ImapMailbox(parse_imap_url(source, allow_plaintext=access.allow_plaintext), access)
    try:
        return mailbox.delete_processed(before, dry_run=dry_run)
    finally:
        mailbox.close()


class _FileMailbox:
    """A mailbox of files. It has no flag for unrecognised messages and no connection."""

    def check_login(self) -> None:
        """Do nothing: files need no login."""

    def mark_unrecognized(self, message: MailboxMessage) -> None:
        """Do nothing: the message is read again the next time."""

    def close(self) -> None:
        """Do nothing."""


class Maildir(_FileMailbox):
    """Reads `new` and `cur` of a Maildir.

    Processed messages move to its folder `.processed`, marked as seen.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"maildir:{path}"
        self._path = path
        if not (path / "new").is_dir() or not (path / "cur").is_dir():
            raise ProjectError(
                _("{path} is not a Maildir: it has no `new` or `cur`", path=str(path)),
                hint=MAILBOX_FORMS,
            )

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Yield each message in order of its file name.

        Messages that another program has moved meanwhile are left out.
        """
        for folder in ("new", "cur"):
            with translate_file_errors(self._path / folder):
                names = sorted(path.name for path in (self._path / folder).iterdir())
            for name in names:
                if message := self._read_message(f"{folder}/{name}"):
                    yield message

    def _read_message(self, name: str) -> MailboxMessage | None:
        with translate_file_errors(self._path / name):
            try:
                # A named pipe would block for ever, and a symbolic link could lead elsewhere.
                handle = os.open(
                    self._path / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
                )
            except FileNotFoundError:
                return None
            with os.fdopen(handle, "rb") as file:
                if name.startswith(("new/.", "cur/.")) or not stat.S_ISREG(os.fstat(handle).st_mode):
                    return None
                return MailboxMessage.from_lines(name, read_lines(file))

    def mark_processed(self, message: MailboxMessage) -> None:
        """Move a message to `.processed`, unless another program has moved or deleted it."""
        processed = self._path / PROCESSED
        with translate_file_errors(processed):
            for folder in ("cur", "new", "tmp"):
                (processed / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            (processed / "maildirfolder").touch()
            unique = message.name.partition("/")[2].partition(":2,")[0]
            target = processed / "cur" / f"{unique}:2,S"
            if target.exists():
                target = target.with_name(f"{unique}.{message.digest[:16]}:2,S")
            try:
                (self._path / message.name).rename(target)
            except FileNotFoundError:
                return


class Mbox(_FileMailbox):
    """An mbox file (RFC 4155), which is never changed.

    The store recognises processed messages by their digest.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"mbox:{path}"
        self._path = path
        if not path.is_file():
            raise ProjectError(_("{path} is not a file", path=str(path)), hint=MAILBOX_FORMS)

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Yield each message.

        A lock keeps other programs from writing the file during this time, if they use POSIX locks.
        """
        with translate_file_errors(self._path), self._path.open("rb") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ProjectError(
                    _("{path} is being written by another program", path=str(self._path)),
                    hint=_("Run the same command again."),
                ) from None
            yield from _split_mbox(file)

    def mark_processed(self, message: MailboxMessage) -> None:
        """Do nothing: the store recognises the message by its digest."""


def _split_mbox(file: BinaryIO) -> Iterator[MailboxMessage]:
    """Yield the messages of an mbox.

    A message begins with a line `From ` at the start of the file or after an empty line.
    """
    reader = MboxReader(file)
    first = reader.next_line()
    if first and not first.startswith(b"From "):
        raise ProjectError(
            _("{path} is not an mbox: it does not begin with `From `", path=file.name), hint=MAILBOX_FORMS
        )
    number = 0
    while first:
        number += 1
        yield MailboxMessage.from_lines(f"message {number}", reader.lines_until_from())
        first = reader.next_line()


class MboxReader:
    """Reads the lines of an mbox.

    The first line of the next message ends the current message. The reader puts this line back, and returns it again.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._lines = read_lines(file)
        self._put_back = b""

    def next_line(self) -> bytes:
        """Return the next line, empty at the end."""
        line, self._put_back = self._put_back or next(self._lines, b""), b""
        return line

    def lines_until_from(self) -> Iterator[bytes]:
        """Yield lines up to the end of the current message."""
        was_empty = False
        while line := self.next_line():
            if was_empty and line.startswith(b"From "):
                self._put_back = line
                return
            was_empty = line in {b"\n", b"\r\n"}
            yield line


def save_to_maildir(file: BinaryIO, folder: Path) -> tuple[MailboxMessage, Path]:
    """Write one message from a stream to a Maildir; return the message and its file.

    The file is synced to disk. Raises ProjectError if the message cannot be written, and leaves no partial
    file.
    """
    with translate_file_errors(folder):
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{time.time_ns()}.", dir=folder / "tmp")
        written = Path(name)
        try:
            with os.fdopen(handle, "wb") as copy:
                message = MailboxMessage.from_lines(f"new/{written.name}", _copy_lines(file, copy))
                copy.flush()
                os.fsync(handle)
            saved = folder / "new" / written.name
            written.rename(saved)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
    return message, saved


def _copy_lines(file: BinaryIO, copy: BinaryIO) -> Iterator[bytes]:
    for line in read_lines(file):
        copy.write(line)
        yield line


@contextmanager
def translate_file_errors(path: Path) -> Generator[None]:
    """Raise errors of the file system as ProjectError with the path."""
    try:
        yield
    except OSError as error:
        raise ProjectError(
            _(
                "{path} cannot be read or written: {reason}",
                path=str(path),
                reason=describe_os_error(error),
            ),
            hint=_("Run moza-mail as the user whose mailbox it is."),
        ) from None
