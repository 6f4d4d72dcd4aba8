"""`moza-mail subscribers`: the people."""

from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

subscribers = typer.Typer(
    no_args_is_help=True, help="The people: import, add, export, show, unsubscribe, suppress."
)


def _named(pairs: list[str]) -> dict[str, str]:
    """`name=value` of each, the name once."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name.strip() or not equals or not value.strip():
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE")
        if name.strip() in found:
            raise typer.BadParameter(f"{name.strip()} is named twice")
        found[name.strip()] = value.strip()
    return found


@subscribers.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            help="CSV with a column for the address; `,` `;` or a tab between values.", metavar="FILE"
        ),
    ],
    list_: options.List = "",
    consent: Annotated[
        str, typer.Option(help="What they consented to, for rows without a column `consent`.", metavar="TEXT")
    ] = "",
    map_: Annotated[
        list[str],
        typer.Option(
            "--map", help="Which column is the address, the name or another value.", metavar="NAME=COLUMN"
        ),
    ] = [],  # noqa: B006  # typer makes its own
    report: Annotated[
        Path | None, typer.Option(help="Write what became of every row to a new CSV file.", metavar="FILE")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of every row; change nothing.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Bring the people of a file onto a list. Bad rows are reported, good ones go in; doing it twice changes nothing."""
    from moza_mail.cli.bring import Wish, import_file

    wish = Wish(
        file=file,
        list_slug=list_,
        consent=consent,
        columns=_named(map_),
        report=report,
        dry_run=dry_run,
        as_json=json_,
    )
    raise typer.Exit(import_file(options.project(context), wish))


@subscribers.command()
def add(
    context: typer.Context,
    address: options.Address,
    consent: Annotated[str, typer.Option(help="What they consented to, and how.", metavar="TEXT")],
    list_: options.List = "",
    name: Annotated[str, typer.Option(help="Their name.", metavar="NAME")] = "",
    json_: options.Json = False,
) -> None:
    """Bring one person onto a list."""
    from moza_mail.cli.subscribers import add, newcomer

    project = options.project(context)
    person = newcomer(address, name, consent, international=project.config.smtputf8)
    raise typer.Exit(add(project, person, list_, as_json=json_))


@subscribers.command()
def export(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Print everyone of a list, whatever their state, as CSV (one JSON object a line with --json)."""
    from moza_mail.cli.subscribers import export

    export(options.project(context), list_, as_json=json_)


@subscribers.command()
def unsubscribe(
    context: typer.Context, address: options.Address, list_: options.List = "", json_: options.Json = False
) -> None:
    """Take one person off a list, at once; no import brings them back."""
    from moza_mail.cli.subscribers import unsubscribe

    unsubscribe(options.project(context), address, list_, as_json=json_)


@subscribers.command()
def suppress(
    context: typer.Context,
    address: options.Address,
    evidence: Annotated[str, typer.Option(help="Why, for whoever asks later.", metavar="TEXT")],
    json_: options.Json = False,
) -> None:
    """Never mail an address again, on any list."""
    from moza_mail.cli.subscribers import suppress

    suppress(options.project(context), address, evidence, as_json=json_)


@subscribers.command("show")
def show_subscriber(context: typer.Context, address: options.Address, json_: options.Json = False) -> None:
    """Show all that is held about an address."""
    from moza_mail.cli.subscribers import show

    show(options.project(context), address, as_json=json_)


@subscribers.command()
def erase(
    context: typer.Context, address: options.Address, yes: options.Yes = False, json_: options.Json = False
) -> None:
    """Erase a person from everything that is held. Asks first; no import or `add` brings them back."""
    from moza_mail.cli.subscribers import erase

    raise typer.Exit(erase(options.project(context), address, yes=yes, as_json=json_))
