"""Find the files of a service's export, on disk or in a ZIP, and read them.

A file in a ZIP is not unpacked to disk, and is read only up to the length that the ZIP states.
"""

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from moza_mail.errors import ProjectError, locate
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file import SubscriberFileError
from moza_mail.subscriber_file.workbook import SHEET_FILES, is_zip

CHUNK_BYTES = 1 << 20
MAX_MEMBERS = 1000
MAX_UNPACKED = 1_000_000_000
"""The largest unpacked size of a ZIP in bytes. A million subscribers take about 150 MB; more than this is an attack."""
DATA_FILE = re.compile(r".*\.(?:csv|tsv|txt|xlsx|ods)", re.IGNORECASE)
# Files of an export that list who opened, clicked or received a mail. Some of these people may have unsubscribed since.
TRACKING = re.compile(
    r"(?:^|[/_.\s-])(?:opens?|opened|clicks?|clicked|delivers|delivered|deliveries|activity|granular_activity|aggregate_activity|"
    r"campaigns?|reports?|posts?|comments?|orders|__macosx)(?:$|[/_.\s-])",
    re.IGNORECASE,
)
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    ValueError,
)
"""Errors of `zipfile` for a file that is damaged, encrypted or compressed in an unknown way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file with subscribers.

    path: the file, or the ZIP that contains it.
    member: the name of the file in the ZIP; "" for a file on disk.
    skipped: the names of the other files in the ZIP, which are not read. They are given only for the first subscriber
        file of a ZIP, and are empty otherwise.
    """

    path: Path
    member: str = ""
    skipped: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file, without its folder."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    def read_chunks(self) -> Iterator[bytes]:
        """Return the content in parts.

        Raises ProjectError or SubscriberFileError if the content cannot be read.
        """
        with self._open() as file:
            try:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
            except DAMAGED as error:
                raise _make_damage_error(self.path, error) from None

    def read_lines(self, codec: str) -> Iterator[str]:
        """Return the lines of the file.

        Raises SubscriberFileError if the file has changed since its encoding was read.
        """
        try:
            with self._open() as file, io.TextIOWrapper(file, encoding=codec, newline="") as text:
                yield from text
        except (OSError, UnicodeError, *DAMAGED) as error:
            raise SubscriberFileError(
                _("{path} changed while it was read: {error}", path=str(self.path), error=str(error)),
                hint=_("Run the same command again."),
            ) from None

    @contextmanager
    def _open(self) -> Generator[IO[bytes]]:
        try:
            if not self.member:
                with self.path.open("rb") as file:
                    yield file
                return
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as part:
                yield part
        except DAMAGED as error:
            if isinstance(error, UnicodeError):
                raise
            raise _make_damage_error(self.path, error) from None
        except OSError as error:
            raise ProjectError(
                _("{path} cannot be read: {reason}", path=str(self.path), reason=describe_os_error(error)),
                hint=_("Name a file with subscribers."),
            ) from None


def list_exported_files(paths: Sequence[Path]) -> list[ExportedFile]:
    """Return the files on disk, and the subscriber files in each ZIP.

    Raises SubscriberFileError for a ZIP that is too large, is damaged, or has no subscriber file.
    """
    return [file for path in paths for file in _list_files(path)]


def _list_files(path: Path) -> Iterable[ExportedFile]:
    single = ExportedFile(path=path)
    if not is_zip(next(single.read_chunks(), b"")):
        return [single]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except DAMAGED:
        # A workbook is a ZIP too. The reader of workbooks reports one that is damaged.
        return [single]
    names = [entry.filename for entry in entries]
    if set(names).intersection(SHEET_FILES):
        return [single]
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED or len(entries) > MAX_MEMBERS:
        raise SubscriberFileError(
            locate(_("the ZIP file is too large"), path.name),
            hint=_("Unpack it, and import the files with subscribers."),
        )
    chosen = [name for name in names if _is_subscriber_file(name)]
    if not chosen:
        raise SubscriberFileError(
            locate(_("the ZIP file has no file of subscribers"), path.name),
            hint=_("Unpack it, and import the files with subscribers."),
        )
    skipped = tuple(name for name in names if name not in chosen and not name.startswith("__MACOSX"))
    return [
        ExportedFile(path=path, member=name, skipped=skipped if number == 0 else ())
        for number, name in enumerate(chosen)
    ]


def _is_subscriber_file(name: str) -> bool:
    hidden = PurePosixPath(name).name.startswith(".")
    return not hidden and DATA_FILE.fullmatch(name) is not None and TRACKING.search(name) is None


def _make_damage_error(path: Path, error: Exception) -> SubscriberFileError:
    return SubscriberFileError(
        locate(_("the ZIP file cannot be read: {reason}", reason=str(error)), path.name),
        hint=_("Unpack it, and import the files with subscribers."),
    )
