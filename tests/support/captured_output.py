"""Record the output of a test run that may end in a log: standard error of commands, log records and audit logs.

Texts are sent to a logger with a fixed name, so that there is one recorder even if this module is imported under two names.
"""

import logging
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.child_process import ChildProcess

LOGGER_NAME = "tests.captured_output"
LIBRARIES = ("moza_mail", "uvicorn", "starlette", "asyncio", "sqlalchemy", "httpx", "py.warnings")
ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"'@|/\\]+@[\w-]+(?:\.[\w-]+)+")
MASKED = re.compile(r".?\*\*\*@")


@dataclass(frozen=True, kw_only=True)
class CapturedText:
    """A text that may end in a log.

    allowed: the addresses that the text may contain: those in the command and those of the project itself.
    """

    source: str
    text: str
    allowed: frozenset[str] = frozenset()

    def unmasked_addresses(self) -> set[str]:
        """Return the addresses in the text that are neither masked nor allowed."""
        # A user name and host in the URL of a server are not a mail address.
        text = re.sub(r"\w://[^\s/]*@", "://", self.text)
        found = {address.lower().rstrip(".") for address in ADDRESS.findall(text)}
        return {address for address in found if not MASKED.match(address)} - self.allowed


def find_unmasked(texts: Iterable[CapturedText]) -> dict[str, list[str]]:
    """Return the addresses that should have been masked, by the source of the text."""
    return {one.source: sorted(addresses) for one in texts if (addresses := one.unmasked_addresses())}


@dataclass(kw_only=True)
class OutputRecorder(logging.Handler):
    """Keep every recorded text until the run ends."""

    texts: list[CapturedText] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, CapturedText):
            self.texts.append(record.msg)
        elif record.name.startswith(LIBRARIES):
            self.texts.append(CapturedText(source=f"log of {record.name}", text=record.getMessage()))

    __hash__ = logging.Handler.__hash__


def record_text(source: str, text: str, arguments: Iterable[str] = (), folder: Path | None = None) -> None:
    """Record a text. `folder` is the project folder of the command that printed it."""
    if not text:
        return
    typed = list(arguments)
    for name in ("moza-mail.toml", "subscribers/lists.toml") if folder else ():
        with suppress(OSError, UnicodeDecodeError):
            typed.append((folder / name).read_text())
    allowed = frozenset(address.lower() for address in ADDRESS.findall(" ".join(typed)))
    logging.getLogger(LOGGER_NAME).info(CapturedText(source=source, text=text, allowed=allowed))


def read_audit_logs(folder: Path) -> Iterator[CapturedText]:
    """Yield the audit logs of the SQLite stores in a folder."""
    for path in folder.rglob("*.db"):
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            rows = store.execute("SELECT * FROM audit_log").fetchall()
            yield CapturedText(
                source=f"audit log of {path.parent.parent.name}", text="\n".join(map(str, rows))
            )


class RecordedProcess(ChildProcess):
    """A command in its own process, whose standard error is recorded."""

    def communicate(self, *arguments, **more):
        out, err = super().communicate(*arguments, **more)
        self._record(err)
        return out, err

    def __exit__(self, *error):
        if self.stderr and not self.stderr.closed:
            with suppress(ValueError):
                self._record(self.stderr.read())
        return super().__exit__(*error)

    def _record(self, err) -> None:
        text = err.decode(errors="replace") if isinstance(err, bytes) else err or ""
        command = [str(each) for each in self.args][3:]
        record_text(
            f"standard error of {' '.join(command[:2])}", text, command, getattr(self, "folder", None)
        )
