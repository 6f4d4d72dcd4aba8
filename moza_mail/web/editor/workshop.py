"""What the desk asks of the project it stands in, and the nouns it shows. The command line gives it one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from moza_mail.app.issue_status import IssueState, IssueStatus
from moza_mail.errors import IssueError, MozaMailError, RenderError, ThemeError
from moza_mail.model.address import Address
from moza_mail.model.finding import Finding
from moza_mail.model.mailing import Mailing, Outcome
from moza_mail.model.message import Recipient, Rendered
from moza_mail.model.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An issue in the list: `name` is its file's path below the project's folder.

    One that cannot be read has its file's name for a title, no day, and is `broken`.
    """

    name: str
    title: str
    day: date | None
    state: IssueState = IssueState.DRAFT
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An issue's file as an editor types in it: its text with plain line ends, and the digest of its bytes."""

    text: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message in the outbox: `name` is its file's."""

    name: str
    subject: str
    recipient: str
    moment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """An issue dressed for one reader, as a browser shows it; what is seldom asked for is made when it is.

    `sender` is whom a mail program lists it from. `missing` are the fields for which this reader has no value: with one they
    would not be mailed. `rows` are the lines of the text. `calendar` gives None when no event is dated. `standing` is
    that of the text as it is dressed. `mail_test` mails one marked copy.
    """

    title: str
    sender: str
    rendered: Rendered
    missing: Sequence[str]
    rows: Sequence[str]
    message: Callable[[], bytes]
    calendar: Callable[[], bytes | None]
    findings: Callable[[], tuple[Finding, ...]]
    standing: Callable[[], Awaitable[IssueStatus]]
    mail_test: Callable[[Address], Awaitable[Outcome]]


class Conflict(Exception):
    """A file has changed since its text was read; `theirs` is what it holds now, None when it is gone."""

    def __init__(self, theirs: Source | None) -> None:
        super().__init__("the file has changed meanwhile")
        self.theirs = theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What happened to a mailing, and which others there are, newest first."""

    mailing: Mailing
    summary: Summary
    mailings: tuple[Mailing, ...]


class Workshop(Protocol):
    """The project, for the desk. What goes wrong is raised as MozaMailError."""

    @property
    def root(self) -> Path:
        """The project's folder."""

    @property
    def outbox(self) -> Path | None:
        """The folder of the outbox's messages, None when the relay is a real one."""

    @property
    def ledger(self) -> Path | None:
        """The file of the store, None when it is on a server."""

    def reopen(self) -> None:
        """Read the project's settings anew."""

    @property
    def agenda_headings(self) -> Sequence[str]:
        """What the heading of an agenda may be called."""

    @property
    def lists(self) -> Sequence[str]:
        """The lists that an issue can name."""

    @property
    def newest(self) -> str:
        """The issue to begin with, empty when there is none."""

    def names(self) -> tuple[str, ...]:
        """The issues, newest first."""

    def path(self, name: str) -> Path:
        """The file of an issue; raise IssueError for a name that is none of them."""

    def name(self, path: Path) -> str:
        """What an issue's file is called on the desk."""

    async def cards(self) -> tuple[Card, ...]:
        """The issues with their states, newest first."""

    def source(self, name: str) -> Source:
        """The text of an issue."""

    def save(self, name: str, text: str, digest: str) -> Source:
        """Write an issue whose file still has that digest; raise Conflict when it has another."""

    def dress(self, name: str, text: str, reader: Recipient | None) -> Showing:
        """Dress a text for a reader, the invented one when there is none."""

    async def readers(self, name: str, words: str) -> tuple[Recipient, ...]:
        """A few confirmed readers of an issue's list whose name or address holds the words."""

    async def happened(self, mailing: int | None) -> Happened | None:
        """What happened to a mailing by its number, the newest when it is none; None when nothing was mailed yet."""

    async def reader(self, address: Address) -> Recipient | None:
        """The subscriber with that address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why an issue cannot be shown: what is wrong, in which file and line, and what to do."""

    message: str
    hint: str = ""
    source: str = ""
    line: int = 0
    quoted: str = ""

    @classmethod
    def of(cls, error: MozaMailError) -> "Trouble":
        """What an error says, its place told apart."""
        match error:
            case IssueError():
                return cls(
                    message=error.reason,
                    hint=error.hint,
                    source=error.source,
                    line=error.line,
                    quoted=error.quoted.strip()[:200],
                )
            case RenderError(template=template, line=line):
                return cls(message=error.reason, hint=error.hint, source=template, line=line)
            case ThemeError(template=template):
                return cls(message=error.message, hint=error.hint, source=template)
            case _:
                return cls(message=error.message, hint=error.hint)
