"""The commands and their options. What they do stands in one module each, brought in when a command runs."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import moza_mail
from moza_mail.cli import options

if TYPE_CHECKING:
    from moza_mail.project import Project

app = typer.Typer(
    name="moza-mail",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compose a Markdown newsletter and mail it, so that nobody is skipped silently and nobody is mailed twice.",
)


DURATION = re.compile(r"(\d{1,4})\s*([smh])")
SECONDS = {"s": 1, "m": 60, "h": 3600}


def _duration(text: str | timedelta) -> timedelta:
    if isinstance(text, timedelta):
        return text
    found = DURATION.fullmatch(text.strip())
    if not found:
        raise typer.BadParameter("write a time such as 90s, 30m or 2h")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


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


def _project(context: typer.Context) -> "Project":
    opened: Callable[[], Project] = context.obj
    return opened()


@app.command()
def show(context: typer.Context, issue: options.Issue, json_: options.Json = False) -> None:
    """Show what moza-mail reads in an issue."""
    from moza_mail.cli.show import show

    show(_project(context), issue, as_json=json_)


@app.command()
def render(
    context: typer.Context,
    issue: options.Issue,
    output: options.Folder = Path("out"),
    list_: options.List = "",
) -> None:
    """Write an issue as issue.html, issue.txt, issue.eml and, with dated events, issue.ics."""
    from moza_mail.cli.render import render

    render(_project(context), issue, list_, output)


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
    wish = command.Wish(
        issue=issue, list_slug=list_, strict=strict, links=links, statement=statement, as_json=json_
    )
    raise typer.Exit(command.check(_project(context), wish))


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
    """Show an issue in the browser, on this machine only; reload the page after saving."""
    from moza_mail.cli.preview import preview

    preview(_project(context), issue, list_, port=port, open_browser=not no_open)


@app.command()
def send(
    context: typer.Context,
    issue: options.Issue,
    list_: options.List = "",
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
    json_: options.Json = False,
) -> None:
    """Mail an issue to its list. Shows the plan and asks; running it again continues where it stopped."""
    from moza_mail.cli import send as command

    if dry_run and test:
        raise typer.BadParameter("--dry-run and --test do not go together")
    wish = command.Wish(
        issue=issue,
        list_slug=list_,
        yes=yes,
        as_json=json_,
        limit=limit,
        wait=wait,
        retry_uncertain=retry_uncertain,
    )
    project = _project(context)
    if test:
        code = command.test(project, wish, test)
    elif dry_run:
        code = command.dry_run(project, wish)
    else:
        code = command.send(project, wish)
    raise typer.Exit(code)


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
    json_: options.Json = False,
) -> None:
    """Say what became of a mailing: every recipient is counted in exactly one state."""
    from moza_mail.cli.status import Asked, status
    from moza_mail.model.mailing import DeliveryState

    wanted = "uncertain" if uncertain else state
    if wanted and wanted not in set(DeliveryState):
        raise typer.BadParameter(f"--state is one of: {', '.join(DeliveryState)}")
    chosen = DeliveryState(wanted) if wanted else None
    asked = Asked(state=chosen, suppressed=suppressed, as_json=json_)
    raise typer.Exit(status(_project(context), issue, list_, asked))


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

    raise typer.Exit(settle(_project(context), issue, list_, log, as_json=json_))


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

    raise typer.Exit(read(_project(context), source, as_json=json_, dry_run=dry_run))


subscribers = typer.Typer(
    no_args_is_help=True, help="The people: import, add, export, show, unsubscribe, suppress."
)
app.add_typer(subscribers, name="subscribers")


@subscribers.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(help="CSV in UTF-8 with a column `email`; `,` or `;` between values.", metavar="FILE"),
    ],
    list_: options.List = "",
    consent: Annotated[
        str, typer.Option(help="What they consented to, for rows without a column `consent`.", metavar="TEXT")
    ] = "",
    json_: options.Json = False,
) -> None:
    """Bring the people of a file onto a list. Bad rows are reported, good ones go in; doing it twice changes nothing."""
    from moza_mail.cli.subscribers import import_file

    raise typer.Exit(import_file(_project(context), file, list_, consent=consent, as_json=json_))


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

    project = _project(context)
    person = newcomer(address, name, consent, international=project.config.smtputf8)
    raise typer.Exit(add(project, person, list_, as_json=json_))


@subscribers.command()
def export(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Print everyone of a list, whatever their state, as CSV (one JSON object a line with --json)."""
    from moza_mail.cli.subscribers import export

    export(_project(context), list_, as_json=json_)


@subscribers.command()
def unsubscribe(
    context: typer.Context, address: options.Address, list_: options.List = "", json_: options.Json = False
) -> None:
    """Take one person off a list, at once; no import brings them back."""
    from moza_mail.cli.subscribers import unsubscribe

    unsubscribe(_project(context), address, list_, as_json=json_)


@subscribers.command()
def suppress(
    context: typer.Context,
    address: options.Address,
    evidence: Annotated[str, typer.Option(help="Why, for whoever asks later.", metavar="TEXT")],
    json_: options.Json = False,
) -> None:
    """Never mail an address again, on any list."""
    from moza_mail.cli.subscribers import suppress

    suppress(_project(context), address, evidence, as_json=json_)


@subscribers.command("show")
def show_subscriber(context: typer.Context, address: options.Address, json_: options.Json = False) -> None:
    """Show all that is held about an address."""
    from moza_mail.cli.subscribers import show

    show(_project(context), address, as_json=json_)


dkim = typer.Typer(
    no_args_is_help=True, help="The key that signs messages (DKIM): make one, show its DNS record."
)
app.add_typer(dkim, name="dkim")


@dkim.command()
def new(
    context: typer.Context,
    selector: Annotated[
        str,
        typer.Option(help="The key's name in the DNS; moza and this month when left out.", metavar="NAME"),
    ] = "",
    domain: Annotated[
        str, typer.Option(help="The domain that signs; the sender's when left out.", metavar="DOMAIN")
    ] = "",
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="A second key, of a newer kind that few receivers read.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The file to make; in subscribers/ when left out.", metavar="FILE"),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Make a key and print the DNS record to publish. Nothing is signed with it before moza-mail.toml names it."""
    from moza_mail.cli.dkim import new

    wish = {"selector": selector, "domain": domain}
    new(_project(context), wish, out, ed25519=ed25519, as_json=json_)


@dkim.command("show")
def show_dkim(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Print the DNS record of the key that is set."""
    from moza_mail.cli.dkim import show

    show(_project(context), list_, as_json=json_)
