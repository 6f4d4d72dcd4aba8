"""Move all subscribers to another project with a move file.

The file has their states, consent and suppressions, and the hashes of erased addresses.
"""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moza_mail import sending
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.errors import MozaMailError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.move_file import read_header
from moza_mail.project import Project, write_private_file
from moza_mail.store import Store

MAX_HEADER = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFile:
    """A move file before its import.

    secret_id: the id of the secret of the project that exported the file.
    counts: the number of rows by table, from the last line of the file.
    """

    path: Path
    secret_id: str
    counts: Mapping[str, int]

    def as_data(self) -> dict[str, Any]:
        """Return the file as JSON values."""
        return {"file": self.path.name, "secret_id": self.secret_id, "counts": dict(self.counts)}


async def export_everything(store: Store) -> AsyncIterator[str]:
    """Record the access in the audit log, then yield the lines of a move file.

    Queued sign-up forms are handled first, so that the file contains everybody.
    """
    await store.sign_ups.handle_requests(now=now())
    await sending.log_access(store, "everything about all subscribers, to move", now=now())
    async for line in store.move.iter_lines():
        yield line


def find_move_file(path: Path) -> MoveFile | None:
    """Read the header and the counts of a move file. Return None if the file is not a move file."""
    try:
        with path.open(encoding="utf-8") as file:
            header = read_header(file.readline(MAX_HEADER))
            last = deque(file, maxlen=1) if header else ()
    except (OSError, UnicodeError):
        return None
    if header is None:
        return None
    try:
        counts = json.loads("".join(last)).get("end", {})
    except ValueError:
        counts = {}
    return MoveFile(path=path, secret_id=str(header.get("secret_id", "")), counts=counts)


async def import_move_file(project: Project, file: MoveFile, secret_file: Path | None) -> Mapping[str, int]:
    """Import a move file into an empty project; return the number of rows by table.

    secret_file: the secret of the exporting project; None if this project has the same secret.
    """
    with _use_secret(project, file, secret_file):
        async with open_store(project, any_secret=True) as store:
            return await store.move.import_lines(_read_lines(file.path), file.path.name, now=now())


def find_missing_lists(project: Project, file: MoveFile) -> list[str]:
    """Return the lists of a move file that the project does not have."""
    known = {*project.read_lists(), *project.find_list_faults()}
    missing = []
    for line in _read_lines(file.path):
        record = json.loads(line)
        if record.get("table") == "lists":
            missing += [record["slug"]] if record["slug"] not in known else []
        elif "move_file" not in record:
            break
    return missing


@contextmanager
def _use_secret(project: Project, file: MoveFile, secret_file: Path | None) -> Generator[None]:
    """Use the secret in `secret_file`. Restore the project's own secret if the import fails."""
    if secret_file is None:
        yield
        return
    try:
        given = secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        raise ProjectError(
            _("{file} cannot be read", file=str(secret_file)),
            hint=_("Name the file `subscribers/secret` of the other project."),
        ) from None
    if AddressHasher(secret=given.encode()).fingerprint != file.secret_id:
        raise ProjectError(
            _(
                "{file} is not the secret with which {move} was made",
                file=str(secret_file),
                move=file.path.name,
            ),
            hint=_("Name the file `subscribers/secret` of the other project."),
        )
    restore = _replace_secret(project, given)
    try:
        yield
    except MozaMailError:
        restore()
        raise
    (project.root / "subscribers" / "secret.before-import").unlink(missing_ok=True)


def _replace_secret(project: Project, given: str) -> Callable[[], None]:
    """Write the given secret into the project. Return a function that restores the old secret."""
    path = project.root / "subscribers" / "secret"
    own = path.with_name("secret.before-import")
    if path.exists():
        path.replace(own)

    def restore() -> None:
        path.unlink()
        if own.exists():
            own.replace(path)

    write_private_file(path, f"{given}\n".encode())
    if project.read_secret() != given.encode():
        restore()
        raise ProjectError(
            _("MOZA_MAIL_SECRET is set to another secret"),
            hint=_("Set it to the secret of the other project."),
        )
    return restore


def _read_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from file
