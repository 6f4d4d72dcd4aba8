"""Options that several commands share."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moza_mail.app.typed_time import parse_typed_time

if TYPE_CHECKING:
    from moza_mail.project import Project

Issue = Annotated[str, typer.Argument(help="The issue: a file, or its slug.", metavar="ISSUE")]
List = Annotated[
    str, typer.Option("--list", "-l", help="The list, as subscribers/lists.toml names it.", metavar="LIST")
]
Segment = Annotated[
    str,
    typer.Option(
        "--segment", help="Only this segment of the list, as lists.toml names it.", metavar="SEGMENT"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for cron.")]
Folder = Annotated[Path, typer.Option("--output", "-o", help="The folder to write to.", metavar="DIR")]
Address = Annotated[str, typer.Argument(help="One mail address.", metavar="ADDRESS")]


def parse_time(text: str | datetime) -> datetime:
    """Return the time that an option names."""
    if moment := parse_typed_time(text):
        return moment
    raise typer.BadParameter("write a day such as 2026-01-14, or a time such as '2026-01-14 09:30'")


TIME: dict[str, Any] = {"parser": parse_time, "metavar": "TIME"}


def project(context: typer.Context) -> "Project":
    """Load the project; raise ProjectError if there is none."""
    load: Callable[[], Project] = context.obj
    return load()
