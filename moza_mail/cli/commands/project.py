"""Commands that create a project and diagnose it."""

from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(help="The new folder; by default this one.", metavar="[DIR]")
    ] = Path(),
    title: Annotated[str, typer.Option(help="The title of the newsletter.", metavar="TEXT")] = "",
    sender: Annotated[str, typer.Option(help="The address it comes from.", metavar="ADDRESS")] = "",
    sender_name: Annotated[
        str, typer.Option(help="The sender's name; by default the title.", metavar="NAME")
    ] = "",
    site: Annotated[
        str, typer.Option(help="Your website; by default that of the sender's domain.", metavar="URL")
    ] = "",
    list_: Annotated[
        str,
        typer.Option(
            "--list", "-l", help="The name of its list; by default made from the title.", metavar="LIST"
        ),
    ] = "",
    language: Annotated[str, typer.Option(help="nl or en; by default nl.", metavar="LANG")] = "",
    colour: Annotated[str, typer.Option(help="The colour of the mails: #0b6e4f.", metavar="COLOUR")] = "",
    logo: Annotated[Path | None, typer.Option(help="An image for above the title.", metavar="FILE")] = None,
) -> None:
    """Create the folder of a new newsletter, with a first issue."""
    from moza_mail.app.new_project import ProjectAnswers
    from moza_mail.cli.init import init

    wanted = ProjectAnswers(
        title=title, sender=sender, sender_name=sender_name, site=site, list_slug=list_, language=language,
        colour=colour, logo=logo,
    )  # fmt: skip
    init(folder, wanted)


@app.command("help")
def show_help(
    topic: Annotated[str, typer.Argument(help="A page; none for a list of them.", metavar="[TOPIC]")] = "",
) -> None:
    """Print a page of the documentation, such as: help send."""
    from moza_mail.app.help_topics import list_topics, read_topic
    from moza_mail.cli import output

    output.give(read_topic(topic) if topic else "\n".join(list_topics()))


@app.command()
def doctor(
    context: typer.Context,
    resolver: Annotated[
        str, typer.Option(help="The DNS server to ask (9.9.9.9, 127.0.0.1:5353).", metavar="ADDRESS")
    ] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the DNS.")] = False,
    json_: options.Json = False,
) -> None:
    """Check settings, secrets, clock, store, relay and DNS; send nothing."""
    from moza_mail.cli.doctor import doctor

    raise typer.Exit(doctor(options.project(context), resolver, offline=offline, as_json=json_))


@app.command()
def backup(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="The new file.", metavar="FILE")]
) -> None:
    """Copy the database to a file, also while messages are sent."""
    from moza_mail.cli.backup import backup

    backup(options.project(context), file)


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup.", metavar="FILE")],
    yes: options.Yes = False,
) -> None:
    """Restore a backup. Nothing is sent until you run `settle`."""
    from moza_mail.cli.backup import restore

    restore(options.project(context), file, needs_answer=not yes)
