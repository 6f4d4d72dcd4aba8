"""Write the result of every imported row to a CSV file."""

import csv
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.subscribe import ImportedRow
from moza_mail.subscriber_file import guard_formula


@contextmanager
def write_row_report(path: Path | None) -> Generator[Callable[[ImportedRow], None] | None]:
    """Create a CSV file with mode 0600, and yield a function that writes a row to it.

    Yields None if `path` is None. Raises ProjectError if the file exists, because a report never replaces a file.
    """
    if path is None:
        yield None
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = (
            _("{path} exists already", path=str(path))
            if isinstance(error, FileExistsError)
            else _("{path} cannot be created: {reason}", path=str(path), reason=describe_os_error(error))
        )
        raise ProjectError(message, hint=_("Name a new file: --report FILE")) from None
    # The byte order mark tells Excel that the file is UTF-8.
    with os.fdopen(number, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "address", "result", "reason"))
        yield lambda row: writer.writerow(
            (row.line, guard_formula(row.address), row.result, guard_formula(row.reason))
        )
