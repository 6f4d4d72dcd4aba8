"""Print data on standard output and messages on standard error; map errors to exit codes."""

import errno
import json
import os
import signal
import stat
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from datetime import UTC, tzinfo
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, TextIO

from moza_mail import __version__
from moza_mail.errors import MozaMailError, ProjectError, make_printable
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.i18n.catalog import SOURCE_LANGUAGE, translate
from moza_mail.model.address import find_addresses, mask_addresses
from moza_mail.model.timestamps import localize_times

OUR_BUG = 70
NEEDS_ATTENTION = 3


# The signals that stop a command in good order: from Ctrl-C, from the system, and from a terminal that was closed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A stop signal arrived outside a mailing. `number` is the number of the signal."""

    def __init__(self, number: int) -> None:
        self.number = number


class OutputLanguage:
    """The language and time zone of messages. JSON, help and logs use English and UTC."""

    current: ClassVar[str] = SOURCE_LANGUAGE
    zone: ClassVar[tzinfo] = UTC


def shown(text: str) -> str:
    """Return a text translated to the language of the output, with its times in local time."""
    return localize_times(translate(text, OutputLanguage.current).text, OutputLanguage.zone)


def shown_lines(lines: Iterable[str], separator: str = "\n") -> str:
    """Translate each line, and join the lines to one text."""
    return separator.join(map(shown, lines))


def say(text: str, own: Iterable[str] = ()) -> None:
    """Print a message for a person on standard error.

    The message may end up in a log, so addresses are masked, except the addresses in `own` and in the command's arguments.
    """
    visible = {address.lower() for address in own}.union(*map(find_addresses, sys.argv[1:]))
    _print(mask_addresses(shown(text), visible), sys.stderr)


def say_error(error: MozaMailError) -> None:
    """Print an error, and its hint on the next line."""
    say(f"moza-mail: {shown(error.message)}")
    if error.hint:
        say(f"  {shown(error.hint)}")
    for other in getattr(error, "others", ()):
        say_error(other)


def give(text: str) -> None:
    """Print data on standard output."""
    _print(shown(text), sys.stdout)


def give_json(value: Any) -> None:
    """Print data as indented JSON."""
    _print(json.dumps(value, ensure_ascii=False, indent=2, default=str), sys.stdout)


def give_json_line(value: Any) -> None:
    """Print data as JSON on one line, for output that is read as a stream."""
    _print(json.dumps(value, ensure_ascii=False, default=str), sys.stdout)


def confirm(question: str, otherwise: str) -> None:
    """Ask a question. Unless the answer is yes, raise MozaMailError with the text `otherwise`.

    Raises ProjectError if standard input is not a terminal.
    """
    if not sys.stdin.isatty():
        raise ProjectError(
            _("confirmation is required, but standard input is not a terminal"), hint=_("Add --yes.")
        )
    say(_("{question} [y/N] ", question=question))
    if sys.stdin.readline().strip().lower() not in {"y", "yes", "j", "ja"}:
        raise MozaMailError(otherwise)


@contextmanager
def progress_bar(label: str, total: int, *, quiet: bool = False) -> Generator[Callable[[int], None]]:
    """Show a progress bar on a terminal, and yield a function that advances the bar."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    progress.start()
    task = progress.add_task(label, total=total)
    try:
        yield lambda count: progress.advance(task, count)
    finally:
        with _closed_terminal_ignored():
            progress.stop()


def guarded(command: Callable[[], object]) -> None:
    """Run a command and turn errors into exit codes. Write a bug's traceback to a file."""
    for number in stop_signals():
        signal.signal(number, _interrupt)
    try:
        command()
    except MozaMailError as error:
        say_error(error)
        sys.exit(error.exit_code)
    except Interrupted as error:
        say(_("moza-mail: interrupted."))
        sys.exit(128 + error.number)
    except Exception as error:  # noqa: BLE001  # the last place that can tell a person what to do
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EPIPE, errno.EFBIG}:
            reason = describe_os_error(error)
            say(_("moza-mail: the output could not be written: {reason}", reason=reason))
            sys.exit(MozaMailError.exit_code)
        say(_("moza-mail: this is our mistake, not yours ({error}).", error=type(error).__name__))
        say(_("  Nothing more was done. Please send us this file: {path}", path=str(_write_log(error))))
        sys.exit(OUR_BUG)


def stop_signals() -> list[signal.Signals]:
    """Return the signals that stop a command. Under nohup, SIGHUP is not among them."""
    return [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def leave_terminal() -> None:
    """Discard further output to a closed terminal, because each write would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(number).st_mode):
                os.dup2(nowhere, number)
    os.close(nowhere)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGHUP:
        leave_terminal()
    raise Interrupted(number)


def _print(text: str, stream: TextIO) -> None:
    # A quoted file or reply may contain control characters. Output to a file or another program stays unchanged.
    if stream is sys.stderr or stream.isatty():
        text = make_printable(text, keep="\n\t")
    with _closed_terminal_ignored():
        print(text, file=stream)  # this module is where the command line prints


@contextmanager
def _closed_terminal_ignored() -> Generator[None]:
    """Discard output if the terminal was closed, even if no SIGHUP has arrived."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        leave_terminal()


def _write_log(error: Exception) -> Path:
    """Write the traceback to a file that only its owner can read, with the addresses masked."""
    handle, name = tempfile.mkstemp(prefix="moza-mail-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        lines = mask_addresses("".join(traceback.format_exception(error)))
        file.write(f"moza-mail {__version__}, Python {sys.version}\n{lines}")
    return Path(name)
