"""Commands for the operator: the public pages, the schedule, signing keys and the archive."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

app = typer.Typer()
archive = typer.Typer(no_args_is_help=True, help="Publish the issues that were sent as a web site.")
dkim = typer.Typer(no_args_is_help=True, help="Make a DKIM key that signs messages, or show its record.")
oauth = typer.Typer(no_args_is_help=True, help="Give moza-mail access to a mail account without a password.")
store = typer.Typer(no_args_is_help=True, help="Copy the database to another one.")


@store.command("copy")
def copy_store(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The new, empty database.", metavar="URL")],
    yes: options.Yes = False,
    json_: options.Json = False,
) -> None:
    """Copy everything to an empty database, and stop using this one."""
    from moza_mail.cli.store_copy import copy

    copy(options.project(context), url, needs_answer=not yes, as_json=json_)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="The address to listen on; by default this machine.", metavar="HOST")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for a free one.", min=0, max=65535)] = 8025,
) -> None:
    """Serve the public pages below public_url, behind a reverse proxy."""
    from moza_mail.cli.serve import serve

    serve(options.project(context), host, port)


@app.command()
def schedule(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Show the next three sends, and what is missing.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Print the cron line and systemd units that send automatically."""
    from moza_mail.cli import schedule as command

    project = options.project(context)
    if check:
        raise typer.Exit(command.check(project, as_json=json_))
    command.show(project, as_json=json_)


@dkim.command()
def new(
    context: typer.Context,
    selector: Annotated[
        str, typer.Option(help="The key's name in DNS; by default moza and the month.", metavar="NAME")
    ] = "",
    domain: Annotated[
        str, typer.Option(help="The domain that signs; by default the sender's.", metavar="DOMAIN")
    ] = "",
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="Make a second key of type Ed25519, which few receivers check.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file to create; by default in subscribers/.", metavar="FILE")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Make a DKIM key, and print the DNS record to publish."""
    from moza_mail.app.signing import NewKeyOptions
    from moza_mail.cli.dkim import create

    wanted = NewKeyOptions(selector=selector, domain=domain, ed25519=ed25519, path=out)
    create(options.project(context), wanted, as_json=json_)


@dkim.command("show")
def show_dkim(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Print the DNS record of the configured key."""
    from moza_mail.cli.dkim import show

    show(options.project(context), list_, as_json=json_)


@oauth.command("login")
def log_in(context: typer.Context) -> None:
    """Ask for access to the mail account in a browser, once."""
    from moza_mail.cli.oauth import log_in

    log_in(options.project(context))


@app.command()
def confirmations(
    context: typer.Context,
    uncertain: Annotated[
        bool, typer.Option("--uncertain", help="List mails that the relay may have accepted; send nothing.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Send due confirmation mails, if `serve` does not run."""
    from moza_mail.cli.confirmations import confirmations, show_uncertain

    run = show_uncertain if uncertain else confirmations
    raise typer.Exit(run(options.project(context), as_json=json_))


@archive.command()
def build(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder of the site.", metavar="DIR")],
    list_: options.List = "",
    all_before: Annotated[
        datetime | None,
        typer.Option(
            help="Include every issue before this day, also without a mailing.",
            parser=options.parse_time,
            metavar="DATE",
        ),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Include one more issue; can be repeated.", metavar="ISSUE")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Build the archive of a list: pages, an Atom feed and a calendar."""
    from moza_mail.app.build_archive import ArchiveOptions
    from moza_mail.cli.archive import build

    wanted = ArchiveOptions(
        list_slug=list_, before=all_before.date() if all_before else None, include=tuple(include or ())
    )
    raise typer.Exit(build(options.project(context), folder, wanted, as_json=json_))
