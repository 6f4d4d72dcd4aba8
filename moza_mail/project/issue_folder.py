"""Find the files of the issues by the folder or pattern in the setting `issues`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from moza_mail.project.read_file import is_hidden

SUFFIXES = (".md", ".markdown")
# `index.md` and `index.nl.md`.
BUNDLE = re.compile(r"index(?:\.[a-z]{2}(?:-[A-Za-z]+)?)?\.(?:md|markdown)")
DATED = re.compile(r"\d{4}-\d{2}-\d{2}")
WILDCARD = re.compile(r"[*?\[]")


def fixed_folder(root: Path, setting: str) -> Path:
    """Return the folder in the setting `issues`.

    For a pattern, this is the part before its first wildcard.
    """
    parts = Path(setting).parts
    fixed = next((number for number, part in enumerate(parts) if WILDCARD.search(part)), len(parts))
    return root.joinpath(*parts[:fixed])


def find_issue_files(root: Path, setting: str) -> list[Path]:
    """Return the issue files of a project, sorted by path.

    setting: a folder, which is searched with all folders below it, or a pattern such as `content/*/index.md`.
    """
    if not WILDCARD.search(setting):
        return sorted(_files_below(root / setting))
    found: set[Path] = set()
    for path in root.glob(setting):
        found |= set(_files_below(path)) if path.is_dir() else ({path} if is_issue_file(path) else set())
    return sorted(found)


def is_issue_file(path: Path) -> bool:
    """Return True for the name of a Markdown file that can be an issue.

    README.md is not an issue. Neither is `_index.md`, which describes a folder of a website.
    """
    return (
        path.suffix in SUFFIXES
        and not is_hidden(path)
        and not path.name.startswith("_")
        and path.stem.lower() != "readme"
    )


def _files_below(top: Path) -> Iterator[Path]:
    """Yield the issue files in a folder and the folders below it."""
    for folder, folders, names in os.walk(top):
        paths = [Path(folder, name) for name in names]
        files = [path for path in paths if is_issue_file(path)]
        bundled = [path for path in files if BUNDLE.fullmatch(path.name)]
        if bundled and Path(folder) != top and not any(DATED.match(path.name) for path in files):
            # A page bundle: the other files in it belong to the page.
            folders.clear()
            yield from bundled
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (path for path in files if path not in bundled)
