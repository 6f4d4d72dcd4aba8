"""What a privacy officer types: `moza-mail privacy`."""

from datetime import date
from typing import Annotated

import typer

from moza_mail.cli import options

privacy = typer.Typer(
    no_args_is_help=True, help="For the privacy officer: who did what, and what is kept how long."
)


def _day(text: str | date) -> date:
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write a day such as 2026-01-14") from None


@privacy.command()
def audit(
    context: typer.Context,
    address: Annotated[
        str,
        typer.Option(help="Only what is about this address, also of one who was erased.", metavar="ADDRESS"),
    ] = "",
    since: Annotated[
        date | None, typer.Option(parser=_day, help="Only from this day on (UTC).", metavar="DAY")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that no entry was changed or taken out; 3 when one was.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Show the audit trail: who did what, to whom, when. No address is in it."""
    from moza_mail.cli import privacy as command

    project = options.project(context)
    if verify:
        raise typer.Exit(command.verify(project, as_json=json_))
    command.audit(project, address, since, as_json=json_)


@privacy.command()
def retention(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what has had its time; take nothing away.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Take away what has had its time, by `[retention]` of moza-mail.toml, and say what it was. For cron, each night."""
    from moza_mail.cli.retention import retention

    raise typer.Exit(retention(options.project(context), dry_run=dry_run, as_json=json_))


@privacy.command("adopt-secret")
def adopt_secret(context: typer.Context, yes: options.Yes = False) -> None:
    """Go on with another secret, when the store's own is lost. Links that were mailed before stop working."""
    from moza_mail.cli.privacy import adopt_secret

    adopt_secret(options.project(context), yes=yes)
