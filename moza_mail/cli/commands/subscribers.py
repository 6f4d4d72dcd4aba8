"""`moza-mail subscribers`: the people."""

from pathlib import Path
from typing import Annotated

import typer

from moza_mail.cli import options

subscribers = typer.Typer(
    no_args_is_help=True,
    help="The people: import, add, list, export, segments, show, unsubscribe, suppress, unsuppress, erase.",
)


def _named(pairs: list[str]) -> dict[str, str]:
    """`name=value` of each, the name once."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name.strip() or not equals or not value.strip():
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE")
        if name.strip() in found:
            raise typer.BadParameter(f"{name.strip()} is named twice")
        found[name.strip()] = value.strip()
    return found


@subscribers.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            help="CSV with a column for the address; `,` `;` or a tab between values.", metavar="FILE"
        ),
    ],
    list_: options.List = "",
    consent: Annotated[
        str, typer.Option(help="What they consented to, for rows without a column `consent`.", metavar="TEXT")
    ] = "",
    map_: Annotated[
        list[str],
        typer.Option(
            "--map", help="Which column is the address, the name or another value.", metavar="NAME=COLUMN"
        ),
    ] = [],  # noqa: B006  # typer makes its own
    report: Annotated[
        Path | None, typer.Option(help="Write what became of every row to a new CSV file.", metavar="FILE")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of every row; change nothing.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Bring the people of a file onto a list. Bad rows are reported, good ones go in; doing it twice changes nothing."""
    from moza_mail.cli.subscribers_import import Wish, import_file

    wish = Wish(
        file=file,
        list_slug=list_,
        consent=consent,
        columns=_named(map_),
        report=report,
        dry_run=dry_run,
        as_json=json_,
    )
    raise typer.Exit(import_file(options.project(context), wish))


@subscribers.command()
def add(
    context: typer.Context,
    address: options.Address,
    consent: Annotated[str, typer.Option(help="What they consented to, and how.", metavar="TEXT")],
    list_: options.List = "",
    name: Annotated[str, typer.Option(help="Their name.", metavar="NAME")] = "",
    set_: Annotated[
        list[str], typer.Option("--set", help="Something to keep of them.", metavar="NAME=VALUE")
    ] = [],  # noqa: B006  # typer makes its own
    json_: options.Json = False,
) -> None:
    """Bring one person onto a list."""
    from moza_mail.cli.subscribers import Named, add, newcomer

    project = options.project(context)
    named = Named(address=address, name=name, consent=consent, attributes=_named(set_))
    person = newcomer(named, international=project.config.smtputf8)
    raise typer.Exit(add(project, person, list_, as_json=json_))


@subscribers.command()
def export(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Print everyone of a list, whatever their state, as CSV (one JSON object a line with --json)."""
    from moza_mail.cli.subscribers_list import export

    export(options.project(context), list_, as_json=json_)


@subscribers.command("list")
def list_people(
    context: typer.Context,
    list_: options.List = "",
    state: Annotated[
        str, typer.Option(help="Only unconfirmed, confirmed or unsubscribed ones.", metavar="STATE")
    ] = "",
    segment: options.Segment = "",
    domain: Annotated[
        str, typer.Option(help="Only those whose address is at this domain.", metavar="DOMAIN")
    ] = "",
    where: Annotated[
        list[str], typer.Option(help="Only those of whom this value is kept.", metavar="NAME=VALUE")
    ] = [],  # noqa: B006  # typer makes its own
    limit: Annotated[
        int | None, typer.Option(help="At most so many; 100 without it, all with --json.", min=1, metavar="N")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Show who is on a list, in columns (one JSON object a line with --json)."""
    from moza_mail.cli.subscribers_list import Filter, list_people
    from moza_mail.model.subscriber import SubscriptionState

    if state and state not in set(SubscriptionState):
        raise typer.BadParameter(f"--state is one of: {', '.join(SubscriptionState)}")
    wanted = Filter(
        state=SubscriptionState(state) if state else None,
        segment=segment,
        domain=domain,
        attributes=_named(where),
        limit=limit,
    )
    list_people(options.project(context), list_, wanted, as_json=json_)


@subscribers.command()
def segments(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Show the parts of a list that an issue can go to: their rules, how many readers, and who falls out and why."""
    from moza_mail.cli.subscribers_list import segments

    segments(options.project(context), list_, as_json=json_)


@subscribers.command()
def unsubscribe(
    context: typer.Context, address: options.Address, list_: options.List = "", json_: options.Json = False
) -> None:
    """Take one person off a list, at once; no import brings them back."""
    from moza_mail.cli.subscribers import unsubscribe

    unsubscribe(options.project(context), address, list_, as_json=json_)


@subscribers.command()
def suppress(
    context: typer.Context,
    address: options.Address,
    evidence: Annotated[str, typer.Option(help="Why, for whoever asks later.", metavar="TEXT")],
    json_: options.Json = False,
) -> None:
    """Never mail an address again, on any list."""
    from moza_mail.cli.subscribers import suppress

    suppress(options.project(context), address, evidence, as_json=json_)


@subscribers.command()
def unsuppress(
    context: typer.Context,
    address: options.Address,
    reason: Annotated[
        str, typer.Option(help="Why it may be mailed again, for whoever asks later.", metavar="TEXT")
    ],
    they_asked: Annotated[
        bool,
        typer.Option(
            "--they-asked",
            help="They asked for it themselves; needed after a complaint or a suppression by hand.",
        ),
    ] = False,
    json_: options.Json = False,
) -> None:
    """Let a suppressed address be mailed again; what was said of it until now counts no more."""
    from moza_mail.cli.subscribers import unsuppress

    unsuppress(options.project(context), address, reason, asked=they_asked, as_json=json_)


@subscribers.command("show")
def show_subscriber(context: typer.Context, address: options.Address, json_: options.Json = False) -> None:
    """Show all that is held about an address."""
    from moza_mail.cli.subscribers import show

    show(options.project(context), address, as_json=json_)


@subscribers.command()
def erase(
    context: typer.Context, address: options.Address, yes: options.Yes = False, json_: options.Json = False
) -> None:
    """Erase a person from everything that is held. Asks first; no import or `add` brings them back."""
    from moza_mail.cli.subscribers import erase

    raise typer.Exit(erase(options.project(context), address, yes=yes, as_json=json_))
