"""What stops us, as one tree.

What happens to one recipient is an Outcome in the ledger, never an exception.

    MozaMailError                       exit 1
     + ProjectError                     exit 2    no project, a bad setting
     |  + ThemeError                              a theme's file or setting
     + IssueError                                 what we could not read, with its line
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
     |  + SchemaTooNew
     + MailboxError                     exit 75   the bounce mailbox of a server: run the same command again
     + TransportError                   exit 75   the relay: run the same command again
        + RelayUnreachable
        + AuthenticationRefused
        + TlsFailed
"""

from typing import ClassVar

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _


def locate(message: str, place: str, line: int = 0) -> Translatable:
    """Return a message with the file, and its line unless that is 0, before it."""
    if line:
        return _("{place}, line {line}: {message}", place=place, line=line, message=message)
    return _("{place}: {message}", place=place, message=message)


class MozaMailError(Exception):
    """Something stopped us: `message` is one sentence naming the thing, `hint` the command to type next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProjectError(MozaMailError):
    """The project folder or its configuration is not usable; the message names the file and the key."""

    exit_code = 2


class ThemeError(ProjectError):
    """A theme lacks a file or holds a setting that cannot be used."""

    def __init__(self, message: str, *, theme: str, template: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.theme = theme
        self.template = template


class IssueError(MozaMailError):
    """An issue's file holds something we cannot read; `source` is the file, `line` counts from 1 (0: the whole file).

    `quoted` is the line itself, cut short, so that the editor sees what is meant.
    """

    def __init__(self, message: str, *, source: str, line: int = 1, quoted: str = "", hint: str = "") -> None:
        located = locate(message, source, line)
        shown = quoted.strip()[:120]
        super().__init__(
            _("{message}\n    {quoted}", message=located, quoted=shown) if shown else located, hint=hint
        )
        self.source = source
        self.line = line
        self.quoted = quoted
        self.reason = message


class RenderError(MozaMailError):
    """A template could not be rendered, or its output is not fit to send."""

    def __init__(self, message: str, *, template: str = "", line: int = 0, hint: str = "") -> None:
        super().__init__(locate(message, template, line) if template else message, hint=hint)
        self.template = template
        self.line = line
        self.reason = message


class AddressError(MozaMailError, ValueError):
    """A text that is not one mail address; `reason` is a clause that can follow the address."""

    def __init__(self, value: str, reason: str) -> None:
        shown = value if value.isprintable() else ascii(value)
        super().__init__(locate(reason, shown[:80]))
        self.value = value
        self.reason = reason


class SubscriptionError(MozaMailError):
    """A subscription cannot do what was asked of it."""


class InvalidTransition(SubscriptionError):
    """A state that does not lead to the state asked for."""


class InvalidLink(SubscriptionError):
    """A link's token is forged, meant for something else, or `expired`: then it was ours, and no longer holds."""

    def __init__(self, message: str, *, expired: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.expired = expired


class MailingError(MozaMailError):
    """A mailing cannot go on as asked."""


class IssueChanged(MailingError):
    """The issue differs from what its mailing has frozen."""


class EmptyAudience(MailingError):
    """Nobody would be mailed."""


class UnknownMailing(MailingError):
    """There is no mailing of that issue to that list."""


class NotApproved(MailingError):
    """The mailing must be approved as it is now, and is not."""


class SendTimeMissed(MailingError):
    """The time at which the issue was to be sent has passed too long ago."""

    exit_code = 3


class StoreError(MozaMailError):
    """The store cannot be read or written."""


class StoreLocked(StoreError):
    """Another process is sending, or holds the store."""

    exit_code = 75


class SchemaTooNew(StoreError):
    """The store was written by a newer moza-mail."""


class MailboxError(MozaMailError):
    """A mailbox on a server cannot be read now. What was counted stays counted: the same command continues (EX_TEMPFAIL)."""

    exit_code = 75

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(
            message, hint=hint or _("What was counted stays counted: run the same command again.")
        )


class TransportError(MozaMailError):
    """The relay cannot take mail now. Nothing is lost: the same command continues (EX_TEMPFAIL)."""

    exit_code = 75

    def __init__(self, message: str, *, relay: str, hint: str = "") -> None:
        super().__init__(
            message, hint=hint or _("Run the same command again: it continues where it stopped.")
        )
        self.relay = relay


class RelayUnreachable(TransportError):
    """The relay does not answer."""


class AuthenticationRefused(TransportError):
    """The relay does not accept the user name or password."""


class TlsFailed(TransportError):
    """The relay offers no TLS, or a certificate that does not hold."""
