"""The exceptions of moza-mail, as one tree.

The result for one recipient is an Outcome in the ledger, never an exception.

    MozaMailError                       exit 1
     + ProjectError                     exit 2    no project, a bad setting
     |  + ThemeError                              a missing file or a wrong setting of a theme
     |  + ListError                               a wrong table in lists.toml; it stops only that list
     + IssueError                                 a file of an issue that cannot be read, with its line
     + RenderError                                a template that cannot be rendered
     + AddressError                               also a ValueError
     + SubscriptionError
     |  + InvalidTransition
     |  + InvalidLink
     + MailingError
     |  + IssueChanged
     |  + EmptyAudience
     |  + UnknownMailing
     |  + NotApproved
     |  + SendTimeMissed
     + StoreError
     |  + StoreLocked                   exit 75
     |  + StoreUnavailable              exit 75   the database server: run the same command again
     |  + StoreFailedOver               exit 3    a standby became the primary, and may lack commits
     |  + SchemaTooNew
     |  + DeliverySkipped                         the recipient was erased while a sender had the delivery
     + MailboxError                     exit 75   the server of the bounce mailbox: run the same command again
     |  + MailboxLoginRefused           exit 3    the server refuses the login
     + TransportError                   exit 75   the relay: run the same command again
        + RelayUnreachable
        + AuthenticationRefused         exit 3
        + SenderRefused             exit 3
        + TlsFailed
"""

import re
from collections.abc import Iterable
from typing import ClassVar

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _

# Control characters, line and paragraph separators, changes of the text direction, and halves of UTF-16 characters.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def make_printable(text: str, *, keep: str = "") -> str:
    """Escape control characters, except those in `keep`, so that a text cannot change a terminal."""
    return UNPRINTABLE.sub(lambda found: found[0] if found[0] in keep else f"\\u{ord(found[0]):04x}", text)


def locate(message: str, place: str, line: int = 0) -> Translatable:
    """Return a message preceded by the file and the line number, which is left out if 0."""
    if line:
        return _("{place}, line {line}: {message}", place=place, line=line, message=message)
    return _("{place}: {message}", place=place, message=message)


class MozaMailError(Exception):
    """An error that a person can fix. `hint` says how, with the command to type."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProjectError(MozaMailError):
    """The project or its configuration cannot be used; the message names the file and the key."""

    exit_code = 2


class ThemeError(ProjectError):
    """A theme lacks a file, or one of its settings cannot be used."""

    def __init__(
        self, message: str, *, theme: str, template: str = "", line: int = 0, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.theme = theme
        self.template = template
        self.line = line


class ListError(ProjectError):
    """The table of one list in lists.toml cannot be used; the message names the file and the line."""


class IssueError(MozaMailError):
    """An issue's file cannot be parsed.

    source: the file.
    line: counts from 1; 0 means the whole file.
    quoted: the text of the line, which is shown below the message.
    reason: the message without file and line.
    others: further errors of the same file, in the order of their lines.
    """

    def __init__(self, message: str, *, source: str, line: int = 1, quoted: str = "", hint: str = "") -> None:
        located = locate(message, source, line)
        shown = make_printable(quoted.strip()[:120])
        super().__init__(
            _("{message}\n    {quoted}", message=located, quoted=shown) if shown else located, hint=hint
        )
        self.source = source
        self.line = line
        self.quoted = quoted
        self.reason = message
        self.others: tuple[IssueError, ...] = ()

    @property
    def together(self) -> "tuple[IssueError, ...]":
        """This error, followed by the other errors of the file."""
        return (self, *self.others)

    @staticmethod
    def raise_together(errors: "Iterable[IssueError]") -> None:
        """Raise the first of several errors of a file, with the others in it. Do nothing if there are none."""
        distinct = {(error.line, error.reason): error for error in errors}
        if distinct:
            first, *others = sorted(distinct.values(), key=lambda error: error.line)
            for other in others:
                other.others = ()
            first.others = tuple(others)
            raise first


class RenderError(MozaMailError):
    """A template cannot be rendered, or its output must not be sent.

    reason: the message without theme, file and line.
    written: the faulty text, by which its line in the theme can be found.
    """

    def __init__(
        self,
        message: str,
        *,
        template: str = "",
        line: int = 0,
        hint: str = "",
        theme: str = "",
        written: str = "",
    ) -> None:
        place = _("theme {theme}, {template}", theme=theme, template=template) if theme else template
        super().__init__(locate(message, place, line) if template else message, hint=hint)
        self.place = place
        self.written = written
        self.template = template
        self.line = line
        self.reason = message


class AddressError(MozaMailError, ValueError):
    """A text is not an email address. `reason` is a clause to print after the text."""

    def __init__(self, value: str, reason: str) -> None:
        shown = value if value.isprintable() else ascii(value)
        is_empty = not shown.strip()
        super().__init__(_("the address {reason}", reason=reason) if is_empty else locate(reason, shown[:80]))
        self.value = value
        self.reason = reason


class SubscriptionError(MozaMailError):
    """A subscription cannot be changed as requested."""


class InvalidTransition(SubscriptionError):
    """The current state of a subscription or delivery does not allow the requested one."""


class InvalidLink(SubscriptionError):
    """The token of a link is forged, has another purpose, or has expired (`expired` is True)."""

    def __init__(self, message: str, *, expired: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.expired = expired


class MailingError(MozaMailError):
    """A mailing cannot start or continue."""


class IssueChanged(MailingError):
    """The issue has changed since its mailing began."""


class EmptyAudience(MailingError):
    """No subscriber is eligible for the mailing."""


class UnknownMailing(MailingError):
    """The issue has no mailing to the list."""


class NotApproved(MailingError):
    """The list requires approval, and the issue is not approved with its current text."""


class SendTimeMissed(MailingError):
    """The issue's send time is too long ago, so the issue is not sent automatically."""

    exit_code = 3


class StoreError(MozaMailError):
    """The store cannot be read or written."""


class StoreLocked(StoreError):
    """Another process is sending, or holds the store."""

    exit_code = 75


class StoreUnavailable(StoreError):
    """The database server cannot be reached, or has ended the connection. Run the command again (EX_TEMPFAIL)."""

    exit_code = 75


class StoreFailedOver(StoreError):
    """A standby became the primary during a mailing, and may lack the last commits.

    A person must decide how to continue.
    """

    exit_code = 3


class SchemaTooNew(StoreError):
    """The store was written by a newer moza-mail."""


class DeliverySkipped(StoreError):
    """A delivery was skipped after a sender had claimed it. Its message must not be sent."""


class MailboxError(MozaMailError):
    """The server of a mailbox fails temporarily. Run the command again (EX_TEMPFAIL)."""

    exit_code = 75

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(
            message, hint=hint or _("Run the same command again: it continues where it stopped.")
        )


class MailboxLoginRefused(MailboxError):
    """The server of a mailbox refuses the login. A person must correct something."""

    exit_code = 3


class TransportError(MozaMailError):
    """The relay fails temporarily. Run the command again to continue (EX_TEMPFAIL)."""

    exit_code = 75

    def __init__(self, message: str, *, relay: str, hint: str = "") -> None:
        super().__init__(
            message, hint=hint or _("Run the same command again: it continues where it stopped.")
        )
        self.relay = relay


class RelayUnreachable(TransportError):
    """The relay does not answer."""


class AuthenticationRefused(TransportError):
    """The relay does not accept the user name, the password or the token. A person must correct something."""

    exit_code = 3


class SenderRefused(TransportError):
    """The relay refuses mail from the list's sender. A person must correct something before the next try."""

    exit_code = 3


class TlsFailed(TransportError):
    """The relay does not offer TLS, or its certificate is not valid."""
