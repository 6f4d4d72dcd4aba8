"""Commands that send a mailing, and that report on it afterwards."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options
from moza_mail.model.verdict import Verdict

app = typer.Typer()

IssueToSend = Annotated[
    str, typer.Argument(help="The issue: a file, or its slug; none with --due.", metavar="[ISSUE]")
]
IssueOfMailing = Annotated[
    str, typer.Argument(help="The issue; by default the newest mailing.", metavar="[ISSUE]")
]
Due = Annotated[bool, typer.Option("--due", help="Send every issue that is due, once; for cron.")]
TestAddresses = Annotated[
    list[str],
    typer.Option(help="Send one marked copy to this address only; may be repeated.", metavar="ADDRESS"),
]
RetryRefused = Annotated[bool, typer.Option("--retry-refused", help="Mail refused recipients again.")]
OfVerdict = Annotated[
    Verdict | None, typer.Option("--verdict", help="With --retry-refused: only those with this verdict.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="With --due: print every issue's state.")]


def _parse_duration(text: str | timedelta) -> timedelta:
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
    test: TestAddresses = [],  # noqa: B006  # typer makes its own
    yes: options.Yes = False,
    limit: Annotated[int | None, typer.Option(help="Send at most this many now.", min=1, metavar="N")] = None,
    wait: Annotated[
        timedelta | None,
        typer.Option(
            parser=_parse_duration, help="Wait for deferred recipients, or the database.", metavar="TIME"
        ),
    ] = None,
    retry_uncertain: Annotated[
        bool,
        typer.Option("--retry-uncertain", help="Mail uncertain recipients again; some may get it twice."),
    ] = False,
    retry_refused: RetryRefused = False,
    verdict: OfVerdict = None,
    verbose: Verbose = False,
    segment: options.Segment = "",
    json_: options.Json = False,
) -> None:
    """Send an issue to its list. Run it again to continue a mailing."""
    others = bool(list_ or limit or retry_uncertain or retry_refused or verdict or segment)
    _refuse_combinations(due=due, issue=issue, dry_run=dry_run, test=test, others=others)
    project = options.project(context)
    if due:
        from moza_mail.cli.send_due import send_due

        raise typer.Exit(send_due(project, as_json=json_, verbose=verbose))
    from moza_mail.app.plan_send import SendOptions
    from moza_mail.cli import send as command

    arguments = command.SendCommand(
        issue=issue,
        list_slug=list_,
        segment=segment,
        yes=yes,
        as_json=json_,
        options=SendOptions(
            limit=limit,
            wait=wait,
            retry_uncertain=retry_uncertain,
            retry_refused=retry_refused or verdict is not None,
            verdict=verdict,
        ),
    )
    if test:
        code = command.test(project, arguments, test)
    elif dry_run:
        code = command.dry_run(project, arguments)
    else:
        code = command.send(project, arguments)
    raise typer.Exit(code)


def _refuse_combinations(*, due: bool, issue: str, dry_run: bool, test: list[str], others: bool) -> None:
    if due and (issue or dry_run or test or others):
        raise typer.BadParameter("--due can only be combined with --json, --verbose and --yes")
    if not due and not issue:
        raise typer.BadParameter("name the ISSUE to send, or --due for all that are due")
    if dry_run and test:
        raise typer.BadParameter("--dry-run and --test cannot be combined")


@app.command()
def status(
    context: typer.Context,
    issue: IssueOfMailing = "",
    list_: options.List = "",
    state: Annotated[
        str, typer.Option(help="List the recipients in this state, with Message-ID.", metavar="STATE")
    ] = "",
    uncertain: Annotated[bool, typer.Option("--uncertain", help="The same as --state uncertain.")] = False,
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="List addresses suppressed because of this mailing.")
    ] = False,
    domains: Annotated[
        bool, typer.Option("--domains", help="Count by domain too: the largest ten, and the rest.")
    ] = False,
    csv_: Annotated[
        bool, typer.Option("--csv", help="Print a CSV table with a row for each domain.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Show what happened to a mailing."""
    from moza_mail.app.mailing_status import StatusOptions
    from moza_mail.cli.status import StatusCommand, status
    from moza_mail.model.mailing import DeliveryState

    wanted = "uncertain" if uncertain else state
    if wanted and wanted not in set(DeliveryState):
        raise typer.BadParameter(f"--state is one of: {', '.join(DeliveryState)}")
    shown = StatusOptions(
        state=DeliveryState(wanted) if wanted and not csv_ else None,
        uncertain=json_ and not csv_,
        suppressed=suppressed and not csv_,
        domains=domains or csv_,
    )
    command = StatusCommand(issue=issue, list_slug=list_, options=shown, as_csv=csv_, as_json=json_)
    raise typer.Exit(status(options.project(context), command))


@app.command()
def settle(
    context: typer.Context,
    issue: IssueOfMailing = "",
    log: Annotated[
        Path | None, typer.Option(help="The relay's log: Postfix, Exim or any text.", metavar="FILE")
    ] = None,
    assume_sent_until: Annotated[
        datetime | None,
        typer.Option(help="After a restore: issues dated up to then were sent.", **options.TIME),
    ] = None,
    list_: options.List = "",
    json_: options.Json = False,
) -> None:
    """Settle uncertain deliveries from the relay's log."""
    from moza_mail.cli.status import assume_sent, settle

    if assume_sent_until is not None:
        raise typer.Exit(assume_sent(options.project(context), assume_sent_until))
    if log is None:
        raise typer.BadParameter("name the relay's log: --log FILE")

    raise typer.Exit(settle(options.project(context), issue, list_, log, as_json=json_))


@app.command()
def bounces(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="maildir:PATH, mbox:PATH or -; or accept, reject.", metavar="[SOURCE]")
    ] = "",
    mailing: Annotated[
        str,
        typer.Argument(help="With accept or reject: the issue with the held addresses.", metavar="[ISSUE]"),
    ] = "",
    domain: Annotated[str, typer.Option(help="With accept or reject: only this provider.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done; change nothing.")
    ] = False,
    yes: options.Yes = False,
    json_: options.Json = False,
) -> None:
    """Process bounces, complaints and unsubscribe requests."""
    from moza_mail.cli.bounces import bounces, decide

    if source in {"accept", "reject"}:
        raise typer.Exit(
            decide(options.project(context), source, mailing, domain, needs_answer=not yes, as_json=json_)
        )
    raise typer.Exit(bounces(options.project(context), source, as_json=json_, dry_run=dry_run))
