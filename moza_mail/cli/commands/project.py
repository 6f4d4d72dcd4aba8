"""What one types at the beginning, and when something is wrong: a new project, and whether all is well."""

from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(help="The new folder; this one when left out.", metavar="[DIR]")
    ] = Path(),
    title: Annotated[str, typer.Option(help="What the newsletter is called.", metavar="TEXT")] = "",
    sender: Annotated[str, typer.Option(help="The address it comes from.", metavar="ADDRESS")] = "",
    sender_name: Annotated[
        str, typer.Option(help="The name beside it; the title when left out.", metavar="NAME")
    ] = "",
    site: Annotated[
        str, typer.Option(help="Your website; that of the sender's domain when left out.", metavar="URL")
    ] = "",
    list_: Annotated[
        str,
        typer.Option(
            "--list", "-l", help="The name of its list; made of the title when left out.", metavar="LIST"
        ),
    ] = "",
    language: Annotated[str, typer.Option(help="nl or en; nl when left out.", metavar="LANG")] = "",
) -> None:
    """Make the folder of a new newsletter, with a first issue that can be checked at once. Asks on a terminal."""
    from moza_mail.cli import init as command

    wish = command.Wish(
        title=title, sender=sender, sender_name=sender_name, site=site, list_slug=list_, language=language
    )
    command.init(folder, wish)


@app.command()
def doctor(
    context: typer.Context,
    resolver: Annotated[
        str,
        typer.Option(
            help="The DNS server to ask, 9.9.9.9 or 127.0.0.1:5353; the system's when left out.",
            metavar="ADDRESS",
        ),
    ] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the DNS.")] = False,
    json_: options.Json = False,
) -> None:
    """Say whether all is well: settings, secrets, clock, store, relay and the sender's domain, and what to do. Sends nothing."""
    from moza_mail.cli.doctor import doctor

    raise typer.Exit(doctor(options.project(context), resolver, offline=offline, as_json=json_))
