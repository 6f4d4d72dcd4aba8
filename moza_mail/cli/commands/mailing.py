"""What sends, and what tells of a mailing afterwards."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

app = typer.Typer()

IssueToSend = Annotated[
    str, typer.Argument(help="The issue: a file, or its slug in issues/; none with --due.", metavar="[ISSUE]")
]
Due = Annotated[
    bool, typer.Option("--due", help="Send every issue whose time has come, once; for cron. Never asks.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="With --due: say where each issue stands.")]


def _duration(text: str | timedelta) -> timedelta:
    if isinstance(text, timedelta):
        return text
    from moza_mail.model.timestamps import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def send(
    context: typer.Context,
    issue: IssueToSend = "",
    list_: options.List = "",
    due: Due = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compose every message, send none, change nothing.")
    ] = False,
    test: Annotated[
        str, typer.Option(help="Send one marked copy to this address, and to nobody else.", metavar="ADDRESS")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for cron.")] = False,
    limit: Annotated[int | None, typer.Option(help="Mail at most this many now.", min=1, metavar="N")] = None,
    wait: Annotated[
        timedelta,
        typer.Option(
            parser=_duration, help="Wait so long for what the relay puts off: 30m, 2h.", metavar="TIME"
        ),
    ] = timedelta(0),
    retry_uncertain: Annotated[
        bool, typer.Option("--retry-uncertain", help="Mail those again who may already have it; you decide.")
    ] = False,
    verbose: Verbose = False,
    segment: options.Segment = "",
    json_: options.Json = False,
) -> None:
    """Mail an issue to its list. Shows the plan and asks; running it again continues where it stopped."""
    other = bool(list_ or limit or retry_uncertain or segment)
    _refuse_together(due=due, issue=issue, dry_run=dry_run, test=test, other=other)
    project = options.project(context)
    if due:
        from moza_mail.cli.send_due import send_due

        raise typer.Exit(send_due(project, as_json=json_, verbose=verbose))
    from moza_mail.app.plan_send import SendOptions
    from moza_mail.cli import send as run

    command = run.SendCommand(
        issue=issue,
        list_slug=list_,
        segment=segment,
        yes=yes,
        as_json=json_,
        options=SendOptions(limit=limit, wait=wait, retry_uncertain=retry_uncertain),
    )
    if test:
        code = run.test(project, command, test)
    elif dry_run:
        code = run.dry_run(project, command)
    else:
        code = run.send(project, command)
    raise typer.Exit(code)


def _refuse_together(*, due: bool, issue: str, dry_run: bool, test: str, other: bool) -> None:
    """Raise BadParameter for options that do not go together."""
    if due and (issue or dry_run or test or other):
        raise typer.BadParameter("--due goes by itself: only --json, --verbose and --yes may stand beside it")
    if not due and not issue:
        raise typer.BadParameter("name the ISSUE to send, or --due for all whose time has come")
    if dry_run and test:
        raise typer.BadParameter("--dry-run and --test do not go together")


@app.command()
def status(
    context: typer.Context,
    issue: Annotated[
        str, typer.Argument(help="The issue; the newest mailing when none is named.", metavar="[ISSUE]")
    ] = "",
    list_: options.List = "",
    state: Annotated[
        str, typer.Option(help="Name every reader in this state, with their Message-ID.", metavar="STATE")
    ] = "",
    uncertain: Annotated[bool, typer.Option("--uncertain", help="The same as --state uncertain.")] = False,
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="Name every address that its replies have suppressed.")
    ] = False,
    domains: Annotated[
        bool, typer.Option("--domains", help="Count by domain too: the largest ten and the others together.")
    ] = False,
    csv_: Annotated[
        bool, typer.Option("--csv", help="Print a table, a row for each domain, for a spreadsheet.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Say what happened to a mailing: every recipient is counted in exactly one state, and what came back since."""
    from moza_mail.app.mailing_status import StatusOptions
    from moza_mail.cli.status import StatusCommand, status
    from moza_mail.model.mailing import DeliveryState

    chosen = "uncertain" if uncertain else state
    if chosen and chosen not in set(DeliveryState):
        raise typer.BadParameter(f"--state is one of: {', '.join(DeliveryState)}")
    shown = StatusOptions(
        state=DeliveryState(chosen) if chosen and not csv_ else None,
        uncertain=json_ and not csv_,
        suppressed=suppressed and not csv_,
        domains=domains or csv_,
    )
    command = StatusCommand(issue=issue, list_slug=list_, options=shown, as_csv=csv_, as_json=json_)
    raise typer.Exit(status(options.project(context), command))


@app.command()
def settle(
    context: typer.Context,
    log: Annotated[Path, typer.Option(help="The relay's log: Postfix, Exim, or any text.", metavar="FILE")],
    issue: Annotated[
        str, typer.Argument(help="The issue; the newest mailing when none is named.", metavar="[ISSUE]")
    ] = "",
    list_: options.List = "",
    json_: options.Json = False,
) -> None:
    """Settle the uncertain readers whose message a relay's log proves to have been taken."""
    from moza_mail.cli.status import settle

    raise typer.Exit(settle(options.project(context), issue, list_, log, as_json=json_))


@app.command()
def bounces(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="maildir:PATH, mbox:PATH, or - for one message; bounce_mailbox when none is named.",
            metavar="[SOURCE]",
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; store and move nothing.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Read what came back: failures, complaints and goodbyes. Reading a mailbox again counts nothing twice."""
    from moza_mail.cli.bounces import read

    raise typer.Exit(read(options.project(context), source, as_json=json_, dry_run=dry_run))
