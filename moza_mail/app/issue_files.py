"""List, read and save the files of a project's issues, for an editor."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from moza_mail import edit, parse
from moza_mail.app.prepare_issue import find_newest_issue
from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue_header import IssueHeader
from moza_mail.project import Project, printable_path


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueText:
    """The text of an issue's file with Unix line endings, and the digest of the file's bytes."""

    text: str
    digest: str


class EditConflict(Exception):
    """An issue's file has changed since the editor read it.

    current: the current text of the file; None if the file is gone.
    """

    def __init__(self, current: IssueText | None) -> None:
        super().__init__("the file has changed since it was read")
        self.current = current


class IssueFiles:
    """The issues of a project by name. The name is the path of the issue's file.

    The path is relative to the project's folder if the file is inside it.

    first: the issue to show first. It is listed even if its file is outside the folder of the issues.
    """

    def __init__(self, project: Callable[[], Project], first: Path | None = None) -> None:
        self._project = project
        self._first = first.resolve() if first else None
        self._headers: dict[Path, tuple[tuple[int, int], IssueHeader | None]] = {}
        self._listed: dict[str, Path] = {}
        self._saving = Lock()

    def list_paths(self) -> dict[str, Path]:
        """Return the path of every issue's file by issue name, in reverse order of file names."""
        paths = self._project().list_issues()[::-1]
        if self._first and self._first not in paths:
            paths.append(self._first)
        files = {self.name(path): path for path in paths}
        self._listed |= files
        return files

    def name(self, path: Path) -> str:
        """Return the name of the issue in a file."""
        root = self._project().root
        return printable_path(path.relative_to(root) if path.is_relative_to(root) else path)

    def path(self, name: str) -> Path:
        """Return the path of an issue's file; raise IssueError for a name that was never listed."""
        if name not in self._listed:
            self.list_paths()
        path = self._listed.get(name)
        if path is None:
            raise IssueError(_("there is no such issue"), source=name, line=0)
        return path

    @property
    def newest(self) -> str:
        """The name of the issue to show first; empty if there is none."""
        path = self._first or find_newest_issue(self._project())
        return self.name(path) if path else next(iter(self.list_paths()), "")

    def header(self, path: Path) -> IssueHeader | None:
        """Return an issue's front matter; None if it cannot be read.

        The front matter is cached until the file changes.
        """
        try:
            status = path.stat()
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._headers.get(path)
        if known is None or known[0] != stamp:
            try:
                header = parse.parse_issue_header(self._project().read_issue(path), str(path))
            except IssueError:
                header = None
            known = self._headers[path] = (stamp, header)
        return known[1]

    def other_headers(self, path: Path) -> tuple[IssueHeader, ...]:
        """Return the front matter of all readable issues except the issue in `path`."""
        headers = map(self.header, self._project().list_other_issues(path))
        return tuple(header for header in headers if header)

    def read(self, name: str) -> IssueText:
        """Read the text of an issue."""
        return _make_issue_text(self._project().read_issue(self.path(name)))

    def save(self, name: str, text: str, digest: str) -> IssueText:
        """Save an issue's text to its file. Raises EditConflict if the file has changed.

        The file keeps its own line endings.

        digest: the digest of the file when it was read; empty to create a file that is gone.
        """
        path = self.path(name)
        with self._saving:
            try:
                current = self._project().read_issue(path)
            except IssueError:
                current = None
                if path.exists():
                    raise
            if current is None or hash_content(current.encode()) != digest:
                changed = None if current is None else _make_issue_text(current)
                # An empty digest means that the editor knows that the file is gone, and wants to create it.
                if changed or digest:
                    raise EditConflict(changed)
            saved = edit.restore_line_endings(current or "", parse.normalize_line_endings(text))
            content = self._project().save_issue(path, saved)
        return IssueText(text=text, digest=hash_content(content))


def _make_issue_text(text: str) -> IssueText:
    return IssueText(text=parse.normalize_line_endings(text), digest=hash_content(text.encode()))


def hash_content(content: bytes) -> str:
    """Return the digest that identifies a file's bytes."""
    return hashlib.sha256(content).hexdigest()
