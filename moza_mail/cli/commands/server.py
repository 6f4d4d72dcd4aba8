"""What an operator types: keys and machines."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

app = typer.Typer()
archive = typer.Typer(no_args_is_help=True, help="The issues that were sent, as a web site.")
dkim = typer.Typer(
    no_args_is_help=True, help="The key that signs messages (DKIM): make one, show its DNS record."
)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="The address to listen on; this machine alone when left out.", metavar="HOST")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any that is free.", min=0, max=65535)] = 8025,
) -> None:
    """Serve the public pages under public_url: sign up, confirm, unsubscribe. A reverse proxy passes them on."""
    from moza_mail.cli.serve import serve

    serve(options.project(context), host, port)


@app.command()
def schedule(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Say when the next three sends are, and what would go.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Print what makes cron or systemd send by itself, with the paths and the account of this machine."""
    from moza_mail.cli import schedule as command

    project = options.project(context)
    if check:
        raise typer.Exit(command.check(project, as_json=json_))
    command.show(project, as_json=json_)


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
    from moza_mail.app.signing import NewKeyOptions
    from moza_mail.cli.dkim import create

    wanted = NewKeyOptions(selector=selector, domain=domain, ed25519=ed25519, path=out)
    create(options.project(context), wanted, as_json=json_)


@dkim.command("show")
def show_dkim(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Print the DNS record of the key that is set."""
    from moza_mail.cli.dkim import show

    show(options.project(context), list_, as_json=json_)


@app.command()
def confirmations(context: typer.Context, json_: options.Json = False) -> None:
    """Mail the confirmations of sign-ups that are due. `serve` does this by itself; without it, let cron do it each minute."""
    from moza_mail.cli.confirmations import confirmations

    raise typer.Exit(confirmations(options.project(context), as_json=json_))


@archive.command()
def build(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder that becomes the site.", metavar="DIR")],
    list_: options.List = "",
    all_before: Annotated[
        datetime | None,
        typer.Option(
            help="Every issue in issues/ before that day too: what was mailed before there was a ledger.",
            formats=["%Y-%m-%d"],
            metavar="DATE",
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(help="One more issue, a file or a slug; may be given again.", metavar="ISSUE"),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Make the archive of a list: each issue that was sent, an index, an Atom feed and a calendar of what is to come."""
    from moza_mail.app.build_archive import ArchiveOptions
    from moza_mail.cli.archive import build

    wanted = ArchiveOptions(
        list_slug=list_, before=all_before.date() if all_before else None, include=tuple(include or ())
    )
    raise typer.Exit(build(options.project(context), folder, wanted, as_json=json_))
