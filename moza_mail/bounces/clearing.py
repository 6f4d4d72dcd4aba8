"""What has had its time in a bounce mailbox: letters that we know we have counted, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from moza_mail.bounces.imap_url import PORTS, Access, parse_imap_url
from moza_mail.bounces.mailbox import told


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """How many letters of a mail server were (or, when only looking, would be) deleted, and how many as old stay, by folder and why."""

    taken: int = 0
    stay: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def old_letters(source: str, root: Path, before: datetime) -> list[Path]:
    """The files of letters that came before a moment and are done: what `done` has put into `.processed` of a Maildir."""
    scheme, _, path = source.partition(":")
    if scheme != "maildir":
        return []
    processed = root / path / ".processed"
    with told(processed):
        # Moved, a file keeps the time at which it came.
        found = [file for folder in ("cur", "new") for file in (processed / folder).glob("*")]
        return sorted(file for file in found if file.lstat().st_mtime < before.timestamp())


def on_server(source: str) -> bool:
    """Whether a mailbox is asked for over a network."""
    return source.partition(":")[0].lower() in PORTS


def clear_server(source: str, access: Access, before: datetime, *, dry_run: bool) -> Cleared:
    """Delete the letters of a mail server that came before a moment and carry our mark of what is counted; with `dry_run` only look.

    Raise MailboxError when the server does not answer, ProjectError for a URL that cannot be.
    """
    from moza_mail.bounces.imap import Imap

    mailbox = Imap(parse_imap_url(source, plaintext=access.plaintext), access)
    try:
        return mailbox.clear(before, dry_run=dry_run)
    finally:
        mailbox.close()
