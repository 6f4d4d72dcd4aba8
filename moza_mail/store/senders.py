"""Senders: the processes that send, and the two locks that they may hold.

Other processes can read who holds a lock.
"""

import json
import os
import pwd
import socket
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

import sqlalchemy as sa

from moza_mail.errors import StoreLocked
from moza_mail.store.schema import senders


class SenderLock(StrEnum):
    """The kinds of sender lock: one for mailings, and one for confirmations.

    The two locks do not exclude each other.
    """

    MAILINGS = "sending"
    CONFIRMATIONS = "confirming"


ACTIVITY = {
    SenderLock.MAILINGS: "is sending",
    SenderLock.CONFIRMATIONS: "is sending the confirmation mails",
}
HINT = {
    SenderLock.MAILINGS: "Follow it with `moza-mail status`, and send again when it is done.",
    SenderLock.CONFIRMATIONS: "Do nothing: it sends the confirmation mails that are due.",
}


def current_account() -> str:
    """Return the name of the account that runs this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A process that sends messages.

    purpose: the command that the process runs.
    account, host: the account that runs the process, and its machine.
    """

    purpose: str
    account: str = field(default_factory=current_account)
    host: str = field(default_factory=socket.gethostname)
    process_id: int = field(default_factory=os.getpid)

    @classmethod
    def from_json(cls, text: bytes) -> Self | None:
        """Parse the output of `to_json`; None for any other text."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def to_json(self) -> bytes:
        """Return the sender as one line of JSON."""
        return json.dumps(asdict(self)).encode()

    def register(self, connection: sa.Connection, started_at: datetime) -> int:
        """Insert the sender and return its id, which is never reused."""
        row = {**asdict(self), "started_at": started_at}
        inserted = connection.execute(sa.insert(senders).values(row).returning(senders.c.id))
        return int(inserted.scalar_one())

    def __str__(self) -> str:
        text = f"{self.purpose} ({self.account} on {self.host}, process {self.process_id})"
        return "".join(character for character in text if character.isprintable())


def make_locked_error(holder: Sender | None, since: datetime, lock: SenderLock) -> StoreLocked:
    """Return the error for a lock that another process holds."""
    return StoreLocked(
        f"another moza-mail {ACTIVITY[lock]}: {holder or 'another process'}, since {since:%Y-%m-%d %H:%M:%S} UTC",
        hint=HINT[lock],
    )
