"""How the command line speaks: data on standard output, talk on standard error, one place that turns errors into exit codes."""

import errno
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from moza_mail import __version__
from moza_mail.errors import MozaMailError, ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.i18n.catalog import SOURCE_LANGUAGE, translate
from moza_mail.model.address import find_addresses, mask_addresses

OUR_BUG = 70
NEEDS_A_HUMAN = 3


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM outside a mailing; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        self.number = number


class Language:
    """The language of what is shown. `--json`, `--help` and logs stay English."""

    current: ClassVar[str] = SOURCE_LANGUAGE


def shown(text: str) -> str:
    """Return a text in the language of the command line, for a line that is made of several."""
    return translate(text, Language.current).text


def say(text: str, own: Iterable[str] = ()) -> None:
    """Tell the person something; never data.

    It may end in a log, so every address in it is masked, but for those that were typed in this command and our `own`.
    """
    known = {address.lower() for address in own}.union(*map(find_addresses, sys.argv[1:]))
    print(mask_addresses(shown(text), known), file=sys.stderr)  # noqa: T201  # this module is where the command line prints


def give(text: str) -> None:
    """Hand out data."""
    print(shown(text))  # noqa: T201  # this module is where the command line prints


def give_json(value: Any) -> None:
    """Hand out data for a program, in the order given."""
    give(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def json_line(value: Any) -> str:
    """Data as one line, for output that is read as a stream."""
    return json.dumps(value, ensure_ascii=False, default=str)


def confirm(question: str, otherwise: str) -> None:
    """Ask before something that cannot be undone; raise MozaMailError saying what did not happen unless the answer is yes.

    Without a terminal nobody can answer, so that is an error.
    """
    if not sys.stdin.isatty():
        raise ProjectError(
            _("confirmation is required, but standard input is not a terminal"), hint=_("Add --yes.")
        )
    say(_("{question} [y/N] ", question=question))
    if sys.stdin.readline().strip().lower() not in {"y", "yes", "j", "ja"}:
        raise MozaMailError(otherwise)


def guarded(command: Callable[[], object]) -> None:
    """Run a command and leave with the exit code of DESIGN section 6; no traceback for what a person did."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        command()
    except MozaMailError as error:
        say(f"moza-mail: {shown(error.message)}")
        if error.hint:
            say(f"  {shown(error.hint)}")
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
        say(_("  Nothing more was done. Please send us this file: {path}", path=str(_log(error))))
        sys.exit(OUR_BUG)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def _log(error: Exception) -> Path:
    """Write what happened to a file only its owner reads, addresses masked, ready to paste."""
    handle, name = tempfile.mkstemp(prefix="moza-mail-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        lines = mask_addresses("".join(traceback.format_exception(error)))
        file.write(f"moza-mail {__version__}, Python {sys.version}\n{lines}")
    return Path(name)
