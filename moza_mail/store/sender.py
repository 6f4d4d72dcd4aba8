"""Who sends: one run of a program, as others are told of it."""

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


class Right(StrEnum):
    """What one may be alone in doing: each is a right of its own, so that neither waits for the other."""

    SENDING = "sending"
    CONFIRMING = "confirming"


DOES = {Right.SENDING: "is sending", Right.CONFIRMING: "mails the confirmations"}
THEN = {
    Right.SENDING: "See how far it is with `moza-mail status`, and send again when it is done.",
    Right.CONFIRMING: "There is nothing to do: it mails those that are due.",
}


def account() -> str:
    """The account this process runs under."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What was asked (`who`), and the process that does it."""

    who: str
    account: str = field(default_factory=account)
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)

    @classmethod
    def read(cls, note: bytes) -> Self | None:
        """What `note` wrote, or None when it is not that."""
        try:
            return cls(**json.loads(note))
        except (ValueError, TypeError):
            return None

    def note(self) -> bytes:
        """The sender as one line."""
        return json.dumps(asdict(self)).encode()

    def enrol(self, connection: sa.Connection, since: datetime) -> int:
        """Give this sender a number of its own, which no other ever had."""
        row = {**asdict(self), "since": since}
        made = connection.execute(sa.insert(senders).values(row).returning(senders.c.id))
        return int(made.scalar_one())

    def __str__(self) -> str:
        shown = f"{self.who} ({self.account} on {self.host}, process {self.process})"
        return "".join(sign for sign in shown if sign.isprintable())


def taken(holder: Sender | None, since: datetime, right: Right) -> StoreLocked:
    """Somebody else holds the right, of which there is one."""
    return StoreLocked(
        f"Another moza-mail {DOES[right]}: {holder or 'another process'}, since {since:%Y-%m-%d %H:%M:%S} UTC.",
        hint=THEN[right],
    )
