"""What has had its time in a bounce mailbox: letters that we know we have counted, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from moza_mail.bounces.imap_url import PORTS, MailboxAccess, parse_imap_url
from moza_mail.bounces.mailbox import translate_file_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingResult:
    """How many letters of a mail server were (or, when only looking, would be) deleted, and how many as old stay, by folder and why."""

    deleted: int = 0
    kept: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def find_processed_files(source: str, root: Path, before: datetime) -> list[Path]:
    """The files of letters that came before a moment and are done: what `done` has put into `.processed` of a Maildir."""
    scheme, _, path = source.partition(":")
    if scheme != "maildir":
        return []
    processed = root / path / ".processed"
    with translate_file_errors(processed):
        # Moved, a file keeps the time at which it came.
        found = [file for folder in ("cur", "new") for file in (processed / folder).glob("*")]
        return sorted(file for file in found if file.lstat().st_mtime < before.timestamp())


def is_on_server(source: str) -> bool:
    """Whether a mailbox is asked for over a network."""
    return source.partition(":")[0].lower() in PORTS


def delete_processed_messages(
    source: str, access: MailboxAccess, before: datetime, *, dry_run: bool
) -> ClearingResult:
    """Delete the letters of a mail server that came before a moment and carry our mark of what is counted; with `dry_run` only look.

    Raise MailboxError when the server does not answer, ProjectError for a URL that cannot be.
    """
    from moza_mail.bounces.imap import ImapMailbox

    mailbox = ImapMailbox(parse_imap_url(source, plaintext=access.allow_plaintext), access)
    try:
        return mailbox.delete_counted(before, dry_run=dry_run)
    finally:
        mailbox.close()
