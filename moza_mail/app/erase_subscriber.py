"""Erase people: from the store, and from the files of the project."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moza_mail import bounces
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store, outbox_folder
from moza_mail.app.process_bounces import PIPED_FOLDER
from moza_mail.errors import AddressError
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.model.address import Address
from moza_mail.model.address_search import AddressSetFinder
from moza_mail.model.file_erasure import ErasureScope, FileErasure
from moza_mail.model.retention import ErasureResult
from moza_mail.project import Project
from moza_mail.subscribe import SubscriberAdmin

MOST_NAMES, MOST_IN_FOLDER = 10, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """Result of erasing a person.

    remarks: sentences about places that may still contain the person's data.
    """

    address: str
    result: ErasureResult
    files: FileErasure
    remarks: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """True if another erasure would change nothing."""
        return self.result.is_complete and self.files.is_complete

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        result = self.result
        return {
            "address": self.address,
            "rows": dict(result.rows),
            "erased_at": result.erased_at,
            "issues": result.issues,
            "files_changed": [str(path) for path in self.files.changed],
            "files_deleted": [str(path) for path in self.files.deleted],
            "files_left": {str(path): str(reason) for path, reason in self.files.left.items()},
            "remains": result.remains,
            "remarks": [str(remark) for remark in self.remarks],
            "complete": self.is_complete,
        }


async def erase_subscriber(project: Project, text: str) -> ErasureReport:
    """Erase all stored data of a person. Erasing the person again changes nothing.

    Raises AddressError if nothing about the address is found in the store or in the project's files.
    """
    address = Address.parse_typed(text)
    unknown: AddressError | None = None
    result = ErasureResult(rows={}, erased_at=None)
    async with open_store(project) as store:
        try:
            result = await SubscriberAdmin(store).erase(text, clock=now)
        except AddressError as error:
            unknown = error
    files = await erase_files(project, [address], is_published=bool(result.issues))
    if unknown and not (files.changed or files.deleted or files.left):
        raise unknown
    remarks = (*_describe_result(result), *describe_files(project, files), *describe_unreachable(project))
    return ErasureReport(address=text, result=result, files=files, remarks=remarks)


async def erase_files(
    project: Project, addresses: Sequence[Address], *, is_published: bool, left_out: Path | None = None
) -> FileErasure:
    """Remove people from the files of the project.

    is_published: True if one of the addresses is in the text of an issue.
    left_out: a file that stays unchanged, even if it contains the people; None if there is none.
    """
    scope = _make_scope(project, is_published=is_published, left_out=left_out)
    return await asyncio.to_thread(project.erase_from_files, AddressSetFinder(addresses), scope)


def _make_scope(project: Project, *, is_published: bool, left_out: Path | None) -> ErasureScope:
    root = project.root.resolve()
    scheme, _colon, path = project.store_url().partition(":///")
    outbox = outbox_folder(project)
    sources = (project.config.bounce_mailbox, f"maildir:{PIPED_FOLDER}")
    maildirs = [source.removeprefix("maildir:") for source in sources if source.startswith("maildir:")]
    return ErasureScope(
        database=Path(path) if scheme == "sqlite" else None,
        outbox=outbox.parent.resolve() if outbox else None,
        bounce_folders=tuple((root / maildir).resolve() for maildir in maildirs),
        left_out=left_out.resolve() if left_out else None,
        is_published=is_published,
    )


def _describe_result(result: ErasureResult) -> Iterator[str]:
    if result.remains:
        yield (
            _("In the database: {remains}.", remains=result.remains)
            if result.is_complete
            else _("Not everything is erased: {remains}.", remains=result.remains)
        )
    if result.issues:
        issues = ", ".join(result.issues)
        yield _(
            "The text of {issues} contains this address. The text was published, so it stays.", issues=issues
        )


def describe_files(project: Project, files: FileErasure) -> Iterator[str]:
    """Yield sentences about files that were changed, were deleted or still have the address."""
    if files.changed:
        count = ngettext("{count} file", "{count} files", len(files.changed))
        yield _("Removed from {count}: {names}.", count=count, names=_list_names(project, files.changed))
    if files.deleted:
        count = ngettext("{count} file", "{count} files", len(files.deleted))
        yield _("Deleted {count}: {names}.", count=count, names=_list_names(project, files.deleted))
    for reason in dict.fromkeys(files.left.values()):
        paths = [path for path, why in files.left.items() if why == reason]
        yield _("Still in {names}: {reason}.", names=_list_names(project, paths), reason=reason)


def _list_names(project: Project, paths: Sequence[Path]) -> str:
    """Return the names of files. If there are many, the files in a full folder are only counted."""
    if len(paths) <= MOST_NAMES:
        return ", ".join(_name_path(project, path) for path in paths)
    folders = Counter(path.parent for path in paths)
    names: list[str] = []
    for folder, count in folders.items():
        if count > MOST_IN_FOLDER:
            is_root = folder == project.root.resolve()
            where = _("the project's folder") if is_root else _name_path(project, folder)
            names.append(_("{count} files in {folder}", count=count, folder=where))
        else:
            names += [_name_path(project, path) for path in paths if path.parent == folder]
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (_(" and {count} more", count=more) if more > 0 else "")


def _name_path(project: Project, path: Path) -> str:
    """Return a path relative to the project's folder, or the whole path if it is outside."""
    root = project.root.resolve()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def describe_unreachable(project: Project) -> Iterator[str]:
    """Yield the places that moza-mail cannot reach, and that the operator must search."""
    yield _("moza-mail cannot reach the following. Search it yourself:")
    yield _("- mail that was sent before, in the person's mailbox and in the logs of your relay")
    yield _("- backups of the database and of this folder")
    yield _(
        "- files outside {folder}: copies of exports and imports, logs of cron, systemd and your proxy",
        folder=str(project.root),
    )
    source = project.config.bounce_mailbox
    if bounces.is_imap_url(source):
        days = project.config.retention_periods.bounces
        yield _(
            "- reports in the bounce mailbox; `privacy retention` deletes the processed ones after {days} days",
            days=days,
        )
    elif source and not source.startswith("maildir:"):
        yield _("- the bounce mailbox {source}, which moza-mail only reads", source=source)
    if (project.root / ".git").exists():
        yield _("- the history of git in this folder")
