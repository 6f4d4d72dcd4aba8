"""The `moza-mail` command: the options that all commands share, and all command groups."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import moza_mail
from moza_mail.cli import output
from moza_mail.cli.commands import issue, mailing, privacy, server, subscribers
from moza_mail.cli.commands import project as setup
from moza_mail.cli.usage import CommandGroup
from moza_mail.i18n.catalog import SOURCE_LANGUAGE, languages, match_language

if TYPE_CHECKING:
    from moza_mail.project import Project

# Without rich, --help takes half the time, and a screen reader reads no boxes.
app = typer.Typer(
    name="moza-mail",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Compose a Markdown newsletter and mail it, so that nobody is skipped silently and nobody is mailed twice.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"moza-mail {moza_mail.__version__}")
        raise typer.Exit


def _choose_language(context: typer.Context, parameter: typer.CallbackParam, tag: str) -> str:
    """Set the language of all output, before the first message is printed."""
    lang = match_language(tag)
    source = context.get_parameter_source(str(parameter.name))
    if lang is None and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter(f"no texts in {tag}; choose from {', '.join(languages())}")
    output.OutputLanguage.current = lang or SOURCE_LANGUAGE
    return output.OutputLanguage.current


@app.callback()
def common(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", help="The newsletter's folder; otherwise the nearest with a moza-mail.toml."
        ),
    ] = None,
    _lang: Annotated[
        str,
        typer.Option(
            "--lang",
            envvar=["LC_ALL", "LC_MESSAGES", "LANG"],
            show_envvar=False,
            callback=_choose_language,
            is_eager=True,
            help="The language of messages: en or nl; otherwise that of your system.",
            metavar="LANG",
        ),
    ] = "",
    new_store: Annotated[
        bool,
        typer.Option("--new-store", help="Use the store that is there, although another was used before."),
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember the project's folder. The project is read when a command needs it."""

    def opened() -> "Project":
        from moza_mail.project import find_project

        found = replace(find_project(project), is_new_store=new_store)
        output.OutputLanguage.zone = found.config.zone
        return found

    context.obj = opened


app.add_typer(setup.app)
app.add_typer(issue.app)
app.add_typer(mailing.app)
app.add_typer(subscribers.subscribers, name="subscribers", cls=CommandGroup)
app.add_typer(server.app)
app.add_typer(privacy.privacy, name="privacy", cls=CommandGroup)
app.add_typer(server.dkim, name="dkim", cls=CommandGroup)
app.add_typer(server.oauth, name="oauth", cls=CommandGroup)
app.add_typer(server.archive, name="archive", cls=CommandGroup)
app.add_typer(server.store, name="store", cls=CommandGroup)
