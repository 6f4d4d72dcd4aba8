"""The command line as a whole: what all commands share, and where each stands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import moza_mail
from moza_mail.cli.commands import issue, mailing, privacy, server, subscribers
from moza_mail.cli.commands import project as setup

if TYPE_CHECKING:
    from moza_mail.project import Project

app = typer.Typer(
    name="moza-mail",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compose a Markdown newsletter and mail it, so that nobody is skipped silently and nobody is mailed twice.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"moza-mail {moza_mail.__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", help="The newsletter's folder; otherwise the nearest with a moza-mail.toml."
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember which project is meant; it is read when a command needs it."""

    def opened() -> "Project":
        from moza_mail.project import find

        return find(project)

    context.obj = opened


app.add_typer(setup.app)
app.add_typer(issue.app)
app.add_typer(mailing.app)
app.add_typer(subscribers.subscribers, name="subscribers")
app.add_typer(server.app)
app.add_typer(privacy.privacy, name="privacy")
app.add_typer(server.dkim, name="dkim")
app.add_typer(server.archive, name="archive")
