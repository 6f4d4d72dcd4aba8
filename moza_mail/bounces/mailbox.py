"""Where reports come in: a Maildir, an mbox, a mail server, or one message on standard input. Reading deletes nothing."""

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from moza_mail.bounces.imap_url import PORTS, MailboxAccess, parse_imap_url
from moza_mail.bounces.message import MailboxMessage, read_lines
from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _

MAILBOX_FORMS = _(
    "Write maildir:PATH, mbox:PATH, imaps://USER@HOST/INBOX, or - for one message on standard input."
)


class Mailbox(Protocol):
    """Letters to be read, and what becomes of one when its fact is stored."""

    name: str

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Each message in turn; raise ProjectError, naming the mailbox, when it cannot be read."""

    def mark_counted(self, message: MailboxMessage) -> None:
        """The letter's fact is committed: it need not be read again. Raise ProjectError when it cannot be put away."""

    def mark_unrecognized(self, message: MailboxMessage) -> None:
        """Nothing is known of the letter: it stays for a human to look at."""

    def close(self) -> None:
        """Let go of the mailbox, also while another thread waits for it."""


def open_mailbox(source: str, root: Path, access: MailboxAccess | None = None) -> Mailbox:
    """The mailbox of `maildir:PATH`, `mbox:PATH` or an IMAP URL; a path that is not absolute counts from `root`.

    No server is asked yet. Raise ProjectError for another form, or when there is no such mailbox.
    """
    scheme, _colon, path = source.partition(":")
    if scheme.lower() in PORTS:
        from moza_mail.bounces.imap import ImapMailbox

        access = access or MailboxAccess()
        return ImapMailbox(parse_imap_url(source, plaintext=access.allow_plaintext), access)
    if scheme == "maildir" and path:
        return Maildir(root / path)
    if scheme == "mbox" and path:
        return Mbox(root / path)
    raise ProjectError(_("{source!a} is not a mailbox", source=source[:80]), hint=MAILBOX_FORMS)


class _FileMailbox:
    """What a mailbox of files need not do: what is left stays as it is, and nothing is kept open."""

    def mark_unrecognized(self, message: MailboxMessage) -> None:
        """Nothing: it is read again the next time."""

    def close(self) -> None:
        """Nothing."""


class Maildir(_FileMailbox):
    """A Maildir, of which `new` and `cur` are read. What is done is moved into its folder `.processed`, marked as seen."""

    def __init__(self, path: Path) -> None:
        self.name = f"maildir:{path}"
        self._path = path
        if not (path / "new").is_dir() or not (path / "cur").is_dir():
            raise ProjectError(
                _("{path} is not a Maildir: it has no `new` or `cur`", path=str(path)), hint=MAILBOX_FORMS
            )

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Each message, by name; one that was moved away meanwhile is passed over."""
        for folder in ("new", "cur"):
            with translate_file_errors(self._path / folder):
                names = sorted(path.name for path in (self._path / folder).iterdir())
            for name in names:
                if letter := self._read_message(f"{folder}/{name}"):
                    yield letter

    def _read_message(self, name: str) -> MailboxMessage | None:
        with translate_file_errors(self._path / name):
            try:
                # A pipe would keep us waiting for ever, and a link lead elsewhere.
                handle = os.open(
                    self._path / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
                )
            except FileNotFoundError:
                return None
            with os.fdopen(handle, "rb") as file:
                if name.startswith(("new/.", "cur/.")) or not stat.S_ISREG(os.fstat(handle).st_mode):
                    return None
                return MailboxMessage.from_lines(name, read_lines(file))

    def mark_counted(self, message: MailboxMessage) -> None:
        """Move the message; one that somebody else moved or deleted since is theirs."""
        processed = self._path / ".processed"
        with translate_file_errors(processed):
            for folder in ("cur", "new", "tmp"):
                (processed / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            (processed / "maildirfolder").touch()
            unique = message.name.partition("/")[2].partition(":2,")[0]
            goal = processed / "cur" / f"{unique}:2,S"
            if goal.exists():
                goal = goal.with_name(f"{unique}.{message.digest[:16]}:2,S")
            try:
                (self._path / message.name).rename(goal)
            except FileNotFoundError:
                return


class Mbox(_FileMailbox):
    """An mbox file (RFC 4155), which is only read: each message is known by its digest."""

    def __init__(self, path: Path) -> None:
        self.name = f"mbox:{path}"
        self._path = path
        if not path.is_file():
            raise ProjectError(_("{path} is not a file", path=str(path)), hint=MAILBOX_FORMS)

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Each message in turn, while the file is kept from being written by who keeps to such locks."""
        with translate_file_errors(self._path), self._path.open("rb") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ProjectError(
                    _("{path} is being written by another program", path=str(self._path)),
                    hint=_("Run the same command again."),
                ) from None
            yield from _split_mbox(file)

    def mark_counted(self, message: MailboxMessage) -> None:
        """Nothing: the digest that is stored keeps the message from being counted twice."""


def _split_mbox(file: BinaryIO) -> Iterator[MailboxMessage]:
    """The messages of an mbox, each between lines that begin with `From ` at the start or behind an empty line."""
    source = MboxReader(file)
    first = source.next_line()
    if first and not first.startswith(b"From "):
        raise ProjectError(
            _("{path} is not an mbox: it does not begin with `From `", path=file.name), hint=MAILBOX_FORMS
        )
    number = 0
    while first:
        number += 1
        yield MailboxMessage.from_lines(f"message {number}", source.lines_until_from())
        first = source.next_line()


class MboxReader:
    """The pieces of a file, of which one that begins the next message is kept back."""

    def __init__(self, file: BinaryIO) -> None:
        self._pieces = read_lines(file)
        self._kept = b""

    def next_line(self) -> bytes:
        """The next piece, empty at the end."""
        piece, self._kept = self._kept or next(self._pieces, b""), b""
        return piece

    def lines_until_from(self) -> Iterator[bytes]:
        """The pieces of one message."""
        was_empty = False
        while piece := self.next_line():
            if was_empty and piece.startswith(b"From "):
                self._kept = piece
                return
            was_empty = piece in {b"\n", b"\r\n"}
            yield piece


def save_to_maildir(file: BinaryIO, folder: Path) -> tuple[MailboxMessage, Path]:
    """Write one message from a stream into the Maildir `folder`, durably, before anything is done with it; give both.

    Raise ProjectError when it cannot be written: then nothing of it is kept.
    """
    with translate_file_errors(folder):
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{time.time_ns()}.", dir=folder / "tmp")
        written = Path(name)
        try:
            with os.fdopen(handle, "wb") as copy:
                letter = MailboxMessage.from_lines(f"new/{written.name}", _copy_lines(file, copy))
                copy.flush()
                os.fsync(handle)
            kept = folder / "new" / written.name
            written.rename(kept)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
    return letter, kept


def _copy_lines(file: BinaryIO, copy: BinaryIO) -> Iterator[bytes]:
    for piece in read_lines(file):
        copy.write(piece)
        yield piece


@contextmanager
def translate_file_errors(path: Path) -> Generator[None]:
    """Turn an error of the file system into a ProjectError that names the file."""
    try:
        yield
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be read or written: {reason}", path=str(path), reason=describe_os_error(error)),
            hint=_("Run moza-mail as the user whose mailbox it is."),
        ) from None
