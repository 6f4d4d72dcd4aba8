"""Commands for the author, about one issue before it is sent."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

app = typer.Typer()


@app.command()
def new(
    context: typer.Context,
    date: Annotated[
        datetime | None,
        typer.Option(
            parser=options.parse_time,
            help="The date of the issue; by default a week after the last.",
            metavar="DAY",
        ),
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", help="The issue to start from; by default the newest.", metavar="ISSUE")
    ] = "",
    json_: options.Json = False,
) -> None:
    """Write the next issue from the last one."""
    from moza_mail.cli.new import new

    new(options.project(context), from_, date.date() if date else None, as_json=json_)


@app.command()
def show(context: typer.Context, issue: options.Issue, json_: options.Json = False) -> None:
    """Show how moza-mail reads an issue."""
    from moza_mail.cli.show import show

    show(options.project(context), issue, as_json=json_)


@app.command()
def render(
    context: typer.Context,
    issue: options.Issue,
    output: options.Folder = Path("out"),
    list_: options.List = "",
) -> None:
    """Write an issue as HTML, text, a mail and a calendar."""
    from moza_mail.cli.render import render

    render(options.project(context), issue, list_, output)


@app.command()
def check(
    context: typer.Context,
    issue: options.Issue,
    list_: options.List = "",
    strict: Annotated[bool, typer.Option("--strict", help="Return 3 for a warning too.")] = False,
    links: Annotated[
        bool, typer.Option("--links", help="Check that each link answers, except private addresses.")
    ] = False,
    statement: Annotated[
        bool, typer.Option("--privacy-statement", help="Print what the mail reveals about its readers.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Repair bullets and no-break spaces first.")] = False,
    json_: options.Json = False,
) -> None:
    """Check an issue before anyone receives it."""
    from moza_mail.cli import check as command

    if statement and links:
        raise typer.BadParameter("--privacy-statement and --links cannot be combined")
    arguments = command.CheckCommand(
        issue=issue, list_slug=list_, strict=strict, links=links, statement=statement, as_json=json_, fix=fix
    )
    raise typer.Exit(command.check(options.project(context), arguments))


@app.command()
def approve(
    context: typer.Context,
    issue: options.Issue,
    list_: options.List = "",
    as_: Annotated[
        str, typer.Option("--as", help="Who approves; by default this account.", metavar="NAME")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    segment: options.Segment = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw every approval.")] = False,
    json_: options.Json = False,
) -> None:
    """Approve an issue as it is now, after showing what goes to whom."""
    from moza_mail.cli import approve as command

    arguments = command.ApproveCommand(
        issue=issue, list_slug=list_, by=as_.strip(), yes=yes, as_json=json_, segment=segment
    )
    run = command.withdraw if withdraw else command.approve
    raise typer.Exit(run(options.project(context), arguments))


@app.command()
def preview(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(help="The issue; by default the newest.", metavar="[ISSUE]")] = "",
    list_: options.List = "",
    port: Annotated[
        int, typer.Option(help="The port on this machine; 0 for a free one.", min=0, max=65535)
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Open the editor in the browser, on this machine only."""
    from moza_mail.cli.preview import preview

    preview(options.project(context), issue, list_, port=port, open_browser=not no_open)
