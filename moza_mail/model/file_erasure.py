"""The files of a project from which people are removed."""

from dataclasses import dataclass, field
from pathlib import Path

BEFORE_RESTORE = ".before-restore-"
"""The text between the name of a store and the time at which `restore` moved it aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureScope:
    """The parts of a project folder for which an erasure has special rules.

    database: the path of the SQLite file. That file, and files whose names begin with its name, are not searched. But the
        stores that `restore` moved aside are searched, and not changed.
    outbox: the Maildir with messages that were not mailed; None if there is none.
    bounce_folders: Maildirs of bounces.
    own_folders: folders with texts of the author or published pages; they are searched, and not changed.
    own_files: files of the author, such as issues and everything that git tracks.
    private_folders: the folders that never contain files of the author. All files outside these folders are the author's.
        None if git tells which files are the author's.
    left_out: a file that is not searched.
    is_published: True if the address is in the text of an issue, so that every message contains it.
    """

    database: Path | None = None
    outbox: Path | None = None
    bounce_folders: tuple[Path, ...] = ()
    own_folders: tuple[Path, ...] = ()
    own_files: frozenset[Path] = frozenset()
    private_folders: tuple[Path, ...] | None = None
    left_out: Path | None = None
    is_published: bool = False


@dataclass(slots=True, kw_only=True)
class FileErasure:
    """The files from which people were removed, and files that still contain them, with the reason."""

    changed: list[Path] = field(default_factory=list)
    deleted: list[Path] = field(default_factory=list)
    left: dict[Path, str] = field(default_factory=dict)
    is_complete: bool = True
