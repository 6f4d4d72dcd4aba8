"""Remove people from the files of a project folder.

These files are exports, reports, caches, messages in the outbox and processed bounces.
"""

import gzip
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.address_search import AddressSetFinder
from moza_mail.model.erased_text import (
    delete_from_json,
    delete_records,
    is_list_of_people,
    is_sent_to,
    message_mentions,
)
from moza_mail.model.file_erasure import BEFORE_RESTORE, ErasureScope, FileErasure
from moza_mail.project.atomic_write import write_atomically
from moza_mail.project.publish_folder import MANIFEST

SKIPPED_FOLDERS = {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__"}
SETTINGS = ("moza-mail.toml", "subscribers/lists.toml", "subscribers/secret")
MAIL_FOLDERS = {"new", "cur", "tmp"}
PROCESSED = ".processed"
TABLES = {".csv", ".tsv", ".jsonl", ".ndjson"}
SOURCES = {".md", ".markdown", ".rst", ".toml", ".yaml", ".yml", ".j2", ".mjml", ".css", ".js", ".py"}
"""Suffixes of files that only a person writes. These files are not changed."""
MAX_BYTES = 64_000_000
"""A file with more bytes is searched but not changed."""

YOURS = _("it is your own text or setting: change it yourself, if it should not be there")
NOT_PROCESSED = _("it was not processed yet: run `moza-mail bounces`, then erase again")
PUBLISHED = _("it is a message to somebody else, with the published text")
NOT_TEXT = _("it is not a text: delete the person in the program that made it, or delete the file")
TOO_LARGE = _("it is too large to change: delete it, or the lines in it")
MAYBE_NAMED = _("its name may contain the address: delete it, if it is about the person")
EARLIER_STORE = _(
    "it is the database from before a restore: delete it, with the files -wal and -shm beside it"
)
OTHERS_MESSAGE = _("it is a message to somebody else: delete it yourself")


def erase_from_files(root: Path, finder: AddressSetFinder, scope: ErasureScope) -> FileErasure:
    """Remove people from every file below `root`, and find them in stores that `restore` moved aside.

    Symbolic links are not followed.
    """
    done = FileErasure()
    for path in (*_iter_files(root, scope), *_find_stores_elsewhere(root, scope)):
        try:
            _erase_from_file(path, root, finder, scope, done)
        except FileNotFoundError:
            # Another process deleted the file meanwhile.
            continue
        except OSError as error:
            done.left[path] = describe_os_error(error)
            done.is_complete = False
    return done


def _iter_files(root: Path, scope: ErasureScope) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(folder, name)
            is_database = scope.database and path.parent == scope.database.parent
            is_own_file = is_database and scope.database and name.startswith(scope.database.name)
            if is_own_file and not _is_earlier_store(path, scope):
                continue
            if path != scope.left_out and path.is_file() and not path.is_symlink():
                yield path


def _is_earlier_store(path: Path, scope: ErasureScope) -> bool:
    """Return True if a file is a store that `restore` moved aside, or a file of its log."""
    if scope.database is None or path.parent != scope.database.parent:
        return False
    return path.name.startswith(f"{scope.database.name}{BEFORE_RESTORE}")


def _find_stores_elsewhere(root: Path, scope: ErasureScope) -> Iterator[Path]:
    """Yield the stores that `restore` moved aside outside the project's folder."""
    if scope.database and not scope.database.is_relative_to(root):
        yield from (
            path for path in sorted(scope.database.parent.iterdir()) if _is_earlier_store(path, scope)
        )


def _erase_from_file(
    path: Path, root: Path, finder: AddressSetFinder, scope: ErasureScope, done: FileErasure
) -> None:
    is_earlier_store = _is_earlier_store(path, scope)
    if is_earlier_store or path.stat().st_size > MAX_BYTES:
        if _large_file_mentions(path, finder):
            done.left[path] = EARLIER_STORE if is_earlier_store else TOO_LARGE
            done.is_complete = done.is_complete and not is_earlier_store
        return
    found = _read_file(path, finder)
    is_named = finder.is_in(path.name)
    if not (found.mentions or is_named):
        if _may_be_named(path.name, finder):
            done.left[path] = MAYBE_NAMED
    elif _is_own(path, root, scope):
        done.left[path] = YOURS
    elif found.is_message:
        _erase_message(path, found.content, finder, scope, done)
    elif is_named:
        path.unlink()
        done.deleted.append(path)
    elif found.text is None:
        done.left[path] = NOT_TEXT
    else:
        _erase_from_text(path, found.text, found.encoding, finder, done)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FileContent:
    """The content of a file.

    is_message: True if the file is a mail message.
    mentions: True if the file contains one of the addresses.
    text: None if the file is not a text or is a message.
    encoding: the encoding of `text`.
    """

    content: bytes
    is_message: bool
    mentions: bool
    text: str | None = None
    encoding: str = ""


def _read_file(path: Path, finder: AddressSetFinder) -> _FileContent:
    content = path.read_bytes()
    if path.parent.name in MAIL_FOLDERS or path.suffix == ".eml":
        return _FileContent(content=content, is_message=True, mentions=message_mentions(content, finder))
    decoded = _decode(content)
    if decoded is None:
        return _FileContent(content=content, is_message=False, mentions=_bytes_mention(content, finder))
    text, encoding = decoded
    return _FileContent(
        content=content,
        is_message=False,
        mentions=finder.is_in(text),
        text=text,
        encoding=encoding,
    )


def _may_be_named(name: str, finder: AddressSetFinder) -> bool:
    """Return True if one of the addresses follows a `-`, `_`, `.` or `+` in a file name.

    The name may then contain a longer address that ends in the found address. So the result is not
    certain.
    """
    return any(finder.is_in(part[1:]) for part in re.findall(r"(?=([-_.+].*))", name))


def _is_own(path: Path, root: Path, scope: ErasureScope) -> bool:
    is_setting = any(path == root / name for name in SETTINGS) or path.suffix == ".pem"
    is_archive = any((folder / MANIFEST).exists() for folder in path.parents if root in folder.parents)
    is_elsewhere = scope.private_folders is not None and not any(
        folder in path.parents for folder in scope.private_folders
    )
    is_source = path in scope.own_files or path.suffix.lower() in SOURCES or is_elsewhere
    is_own = any(folder in path.parents for folder in scope.own_folders)
    return is_setting or is_archive or is_source or is_own


def _erase_message(
    path: Path, content: bytes, finder: AddressSetFinder, scope: ErasureScope, done: FileErasure
) -> None:
    if any(folder in path.parents for folder in scope.bounce_folders):
        if PROCESSED in path.parts:
            path.unlink()
            done.deleted.append(path)
        else:
            done.left[path] = NOT_PROCESSED
            done.is_complete = False
        return
    in_outbox = scope.outbox is not None and scope.outbox in path.parents
    if is_sent_to(content, finder) or (in_outbox and not scope.is_published):
        path.unlink()
        done.deleted.append(path)
    else:
        done.left[path] = PUBLISHED if in_outbox else OTHERS_MESSAGE


def _erase_from_text(
    path: Path, text: str, encoding: str, finder: AddressSetFinder, done: FileErasure
) -> None:
    suffix = path.suffix.lower()
    if suffix == ".log" and encoding == "utf-8":
        _overwrite(path, finder.mask(text))
        done.changed.append(path)
        return
    clean = delete_from_json(text, finder) if suffix == ".json" else None
    if clean is None:
        is_table = suffix in TABLES or (suffix == ".txt" and is_list_of_people(text))
        clean = delete_records(text, finder) if is_table else finder.remove(text)
    if clean:
        write_atomically(path, clean.encode(encoding))
        done.changed.append(path)
    else:
        path.unlink()
        done.deleted.append(path)


def _overwrite(path: Path, text: str) -> None:
    """Overwrite a file in place with a text of the same length.

    The file is not replaced, because another process may be appending to it.
    """
    with path.open("r+b") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _decode(content: bytes) -> tuple[str, str] | None:
    """Return the text of a file and its encoding; None if it is not a text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in content:
        return None
    else:
        encodings = ["utf-8", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return None


def _bytes_mention(content: bytes, finder: AddressSetFinder) -> bool:
    parts = [content, *_iter_members(content)]
    return any(_raw_mentions(part, finder) for part in parts)


def _raw_mentions(content: bytes, finder: AddressSetFinder) -> bool:
    return _SpellingIndex.of(finder).is_in(content.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class _SpellingIndex:
    """Spellings of addresses as bytes in lower case.

    by_shape: the spellings by two numbers: the bytes before the @, and the bytes from the @ on. With this
    index, the time of a search does not grow with the number of addresses.
    """

    by_shape: Mapping[tuple[int, int], AbstractSet[bytes]]

    @classmethod
    def of(cls, finder: AddressSetFinder) -> "_SpellingIndex":
        by_shape: dict[tuple[int, int], set[bytes]] = {}
        for text in finder.spellings():
            for encoding in ("utf-8", "utf-16-le"):
                spelling = text.encode(encoding).lower()
                before = spelling.rindex(b"@")
                by_shape.setdefault((before, len(spelling) - before), set()).add(spelling)
        return cls(by_shape=by_shape)

    @property
    def longest(self) -> int:
        """The number of bytes of the longest spelling."""
        return max(before + after for before, after in self.by_shape)

    def is_in(self, lower: bytes) -> bool:
        """Return True if `lower`, bytes in lower case, contains one of the spellings."""
        return any(
            found.start() >= before and lower[found.start() - before : found.start() + after] in spellings
            for found in re.finditer(b"@", lower)
            for (before, after), spellings in self.by_shape.items()
        )


def _iter_members(content: bytes) -> Iterator[bytes]:
    """Yield the content of each file in a ZIP or gzip archive, up to MAX_BYTES."""
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(BytesIO(content)) as archive:
                for member in archive.infolist():
                    with archive.open(member) as file:
                        yield file.read(MAX_BYTES)
        elif content.startswith(b"\x1f\x8b"):
            with gzip.open(BytesIO(content)) as file:
                yield file.read(MAX_BYTES)
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return


def _large_file_mentions(path: Path, finder: AddressSetFinder) -> bool:
    index = _SpellingIndex.of(finder)
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            whole = (rest + piece).lower()
            if index.is_in(whole):
                return True
            rest = whole[-index.longest :]
    return False
