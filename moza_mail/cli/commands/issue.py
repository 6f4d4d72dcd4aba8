"""What an editor types: commands about one issue, before it is mailed."""

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
            formats=["%Y-%m-%d", "%d-%m-%Y"],
            help="The day of the issue; a week after the last one when left out.",
            metavar="DAY",
        ),
    ] = None,
    from_: Annotated[
        str,
        typer.Option("--from", help="The issue to follow; the newest one when left out.", metavar="ISSUE"),
    ] = "",
    json_: options.Json = False,
) -> None:
    """Write the next issue from the last one: its headings to fill, and its agenda without what is over."""
    from moza_mail.cli.new import new

    new(options.project(context), from_, date.date() if date else None, as_json=json_)


@app.command()
def show(context: typer.Context, issue: options.Issue, json_: options.Json = False) -> None:
    """Show what moza-mail reads in an issue."""
    from moza_mail.cli.show import show

    show(options.project(context), issue, as_json=json_)


@app.command()
def render(
    context: typer.Context,
    issue: options.Issue,
    output: options.Folder = Path("out"),
    list_: options.List = "",
) -> None:
    """Write an issue as issue.html, issue.txt, issue.eml and, with dated events, issue.ics."""
    from moza_mail.cli.render import render

    render(options.project(context), issue, list_, output)


@app.command()
def check(
    context: typer.Context,
    issue: options.Issue,
    list_: options.List = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 3 when there is a warning too, not only on an error.")
    ] = False,
    links: Annotated[
        bool, typer.Option("--links", help="Ask the web whether each link answers; private addresses never.")
    ] = False,
    statement: Annotated[
        bool,
        typer.Option(
            "--privacy-statement",
            help="Print what the mail gives away about its readers, for the privacy officer.",
        ),
    ] = False,
    json_: options.Json = False,
) -> None:
    """Say what is wrong with an issue before anyone gets it: its text, its agenda, its links and its look."""
    from moza_mail.cli import check as command

    if statement and links:
        raise typer.BadParameter("--privacy-statement is about the mail alone: leave --links out")
    wanted = command.CheckCommand(
        issue=issue, list_slug=list_, strict=strict, links=links, statement=statement, as_json=json_
    )
    raise typer.Exit(command.check(options.project(context), wanted))


@app.command()
def approve(
    context: typer.Context,
    issue: options.Issue,
    list_: options.List = "",
    as_: Annotated[
        str,
        typer.Option(
            "--as", help="Who approves; the current_account of this machine when left out.", metavar="NAME"
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    segment: options.Segment = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the approval back.")] = False,
    json_: options.Json = False,
) -> None:
    """Show what an issue sends to whom, and record that it may go out exactly so."""
    from moza_mail.cli import approve as run
    from moza_mail.store import current_account

    command = run.ApproveCommand(
        issue=issue,
        list_slug=list_,
        by=as_.strip() or current_account(),
        yes=yes,
        as_json=json_,
        segment=segment,
    )
    project = options.project(context)
    raise typer.Exit(run.withdraw(project, command) if withdraw else run.approve(project, command))


@app.command()
def preview(
    context: typer.Context,
    issue: Annotated[
        str, typer.Argument(help="The issue; the newest one when none is named.", metavar="[ISSUE]")
    ] = "",
    list_: options.List = "",
    port: Annotated[
        int, typer.Option(help="The port on this machine; 0 for any that is free.", min=0, max=65535)
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Open the editor's desk in the browser, on this machine only: the issues as readers get them, as you write."""
    from moza_mail.cli.preview import preview

    preview(options.project(context), issue, list_, port=port, open_browser=not no_open)
