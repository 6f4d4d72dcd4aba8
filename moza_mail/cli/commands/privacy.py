"""Commands for the privacy officer: `moza-mail privacy`."""

from datetime import datetime
from typing import Annotated

import typer

from moza_mail.cli import options

privacy = typer.Typer(no_args_is_help=True, help="Show who did what, and delete what has expired.")


@privacy.command()
def audit(
    context: typer.Context,
    address: Annotated[
        str, typer.Option(help="Only entries about this address, also if erased.", metavar="ADDRESS")
    ] = "",
    since: Annotated[
        datetime | None, typer.Option(help="Only from this day on (UTC).", **options.TIME)
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that no entry was changed; return 3 if one was.")
    ] = False,
    anchor: Annotated[
        str, typer.Option(help="With --verify: compare with these anchors.", metavar="TEXT|FILE")
    ] = "",
    json_: options.Json = False,
) -> None:
    """Show the audit log: who did what, and when."""
    from moza_mail.cli import privacy as command

    project = options.project(context)
    if verify or anchor:
        raise typer.Exit(command.verify(project, anchor, as_json=json_))
    command.audit(project, address, since.date() if since else None, as_json=json_)


@privacy.command()
def anchor(
    context: typer.Context,
    mail: Annotated[str, typer.Option(help="Mail it to this address too.", metavar="ADDRESS")] = "",
) -> None:
    """Print a line that can later prove what the audit log contains now; for cron."""
    from moza_mail.cli.privacy import anchor

    raise typer.Exit(anchor(options.project(context), mail))


@privacy.command()
def retention(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be deleted, without deleting it.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Delete expired data by the retention settings; for cron."""
    from moza_mail.cli.retention import retention

    raise typer.Exit(retention(options.project(context), dry_run=dry_run, as_json=json_))


@privacy.command("adopt-secret")
def adopt_secret(context: typer.Context, yes: options.Yes = False) -> None:
    """Continue with another secret if the store's own is lost."""
    from moza_mail.cli.privacy import adopt_secret

    adopt_secret(options.project(context), yes=yes)
