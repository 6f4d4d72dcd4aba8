"""Commands for the people on a list: `moza-mail subscribers`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from moza_mail.cli import options

subscribers = typer.Typer(
    no_args_is_help=True, help="Import, export, list and look up subscribers; suppress or erase one."
)

StatusAnswers = Annotated[
    list[str], typer.Option(help="The state that a value of a column means.", metavar="COLUMN:VALUE=STATE")
]
IgnoredColumns = Annotated[
    list[str], typer.Option(help="A column that says nothing about mail.", metavar="COLUMN")
]
KeptColumns = Annotated[
    list[str], typer.Option(help="Store a column that the list does not declare.", metavar="COLUMN")
]

OptionalAddress = Annotated[str, typer.Argument(help="One mail address.", metavar="[ADDRESS]")]
AddressFile = Annotated[Path | None, typer.Option("--file", help="Everybody in this file.", metavar="FILE")]


def _has_file(address: str, file: Path | None) -> bool:
    """Return True for a file, False for an address; raise a usage error for both or neither."""
    if bool(address) == bool(file):
        raise typer.BadParameter("name an address, or a file with --file FILE")
    return file is not None


def _run_bulk(context: typer.Context, action: str, *, file: Path | None, **rest: Any) -> NoReturn:
    from moza_mail.app.bulk_actions import BulkAction
    from moza_mail.cli.subscribers_bulk import BulkCommand, run_bulk

    command = BulkCommand(action=BulkAction(action), file=file or Path(), **rest)
    raise typer.Exit(run_bulk(options.project(context), command))


def _parse_pairs(pairs: list[str]) -> dict[str, str]:
    """Parse `NAME=VALUE` options; each name may be given once."""
    parsed: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name.strip() or not equals or not value.strip():
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE")
        if name.strip() in parsed:
            raise typer.BadParameter(f"{name.strip()} is given twice")
        parsed[name.strip()] = value.strip()
    return parsed


@subscribers.command("import")
def import_(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(help="CSV files, workbooks or lists; all files of an export.", metavar="FILE..."),
    ],
    list_: options.List = "",
    consent: Annotated[
        str, typer.Option(help="The consent of the people, if no column contains it.", metavar="TEXT")
    ] = "",
    map_: Annotated[
        list[str],
        typer.Option("--map", help="The column of an address, name or attribute.", metavar="NAME=COLUMN"),
    ] = [],  # noqa: B006  # typer makes its own
    status: StatusAnswers = [],  # noqa: B006  # typer makes its own
    ignore: IgnoredColumns = [],  # noqa: B006  # typer makes its own
    keep: KeptColumns = [],  # noqa: B006  # typer makes its own
    from_: Annotated[
        str, typer.Option("--from", help="The service that made the file.", metavar="NAME")
    ] = "",
    sheet: Annotated[str, typer.Option(help="The sheet of a workbook to read.", metavar="NAME")] = "",
    secret_file: Annotated[
        Path | None, typer.Option(help="The secret that a move file belongs to.", metavar="FILE")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the outcome of every row to a new file.", metavar="FILE")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would happen; change nothing.")
    ] = False,
    yes: options.Yes = False,
    json_: options.Json = False,
) -> None:
    """Import a file of subscribers, and remove those who left."""
    from moza_mail.app.import_subscribers import ImportOptions
    from moza_mail.app.move_subscribers import find_move_file
    from moza_mail.cli.subscribers_import import ImportCommand, import_files
    from moza_mail.cli.subscribers_move import MoveCommand, import_move_file

    if len(files) == 1 and (move_file := find_move_file(files[0])):
        move = MoveCommand(
            file=move_file, secret_file=secret_file, dry_run=dry_run, needs_answer=not yes, as_json=json_
        )
        import_move_file(options.project(context), move)
        return
    settings = ImportOptions(
        list_slug=list_,
        consent=consent,
        columns=_parse_pairs(map_),
        status=tuple(status),
        ignored=tuple(ignore),
        kept=tuple(keep),
        service=from_,
        sheet=sheet,
        dry_run=dry_run,
    )
    command = ImportCommand(
        files=tuple(files), options=settings, report=report, needs_answer=not yes, as_json=json_
    )
    raise typer.Exit(import_files(options.project(context), command))


@subscribers.command()
def add(
    context: typer.Context,
    address: options.Address,
    consent: Annotated[str, typer.Option(help="What the person agreed to, and how.", metavar="TEXT")],
    list_: options.List = "",
    name: Annotated[str, typer.Option(help="Their name.", metavar="NAME")] = "",
    set_: Annotated[list[str], typer.Option("--set", help="Set an attribute.", metavar="NAME=VALUE")] = [],  # noqa: B006  # typer makes its own
    json_: options.Json = False,
) -> None:
    """Add one person to a list."""
    from moza_mail.app.manage_subscriber import AddRequest
    from moza_mail.cli.subscribers import add

    person = AddRequest(address=address, name=name, consent=consent, attributes=_parse_pairs(set_))
    raise typer.Exit(add(options.project(context), person, list_, as_json=json_))


@subscribers.command()
def export(
    context: typer.Context,
    list_: options.List = "",
    mailable: Annotated[bool, typer.Option("--mailable", help="Only those who may be mailed.")] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Everything, of all lists, to move to another project.")
    ] = False,
    json_: options.Json = False,
) -> None:
    """Print the subscribers of a list as CSV, or JSON lines with --json."""
    if all_:
        from moza_mail.cli.subscribers_move import export_everything

        if list_ or mailable:
            raise typer.BadParameter("--all has all lists and everybody")
        export_everything(options.project(context))
        return
    from moza_mail.cli.subscribers_list import export

    export(options.project(context), list_, is_mailable=mailable, as_json=json_)


@subscribers.command("list")
def list_people(
    context: typer.Context,
    list_: options.List = "",
    state: Annotated[
        str, typer.Option(help="Only unconfirmed, confirmed or unsubscribed ones.", metavar="STATE")
    ] = "",
    segment: options.Segment = "",
    domain: Annotated[str, typer.Option(help="Only addresses at this domain.", metavar="DOMAIN")] = "",
    where: Annotated[
        list[str], typer.Option(help="Only those with this attribute.", metavar="NAME=VALUE")
    ] = [],  # noqa: B006  # typer makes its own
    limit: Annotated[
        int | None,
        typer.Option(help="At most this many; by default 100, or all as JSON.", min=1, metavar="N"),
    ] = None,
    json_: options.Json = False,
) -> None:
    """List subscribers in columns, or as JSON lines with --json."""
    from moza_mail.app.list_subscribers import ListQuery
    from moza_mail.cli.subscribers_list import list_people
    from moza_mail.model.subscriber import SubscriptionState

    if state and state not in set(SubscriptionState):
        raise typer.BadParameter(f"--state is one of: {', '.join(SubscriptionState)}")
    query = ListQuery(
        state=SubscriptionState(state) if state else None,
        segment=segment,
        domain=domain,
        attributes=_parse_pairs(where),
        limit=limit,
    )
    list_people(options.project(context), list_, query, as_json=json_)


@subscribers.command()
def segments(context: typer.Context, list_: options.List = "", json_: options.Json = False) -> None:
    """Show a list's segments: their rules and numbers of subscribers."""
    from moza_mail.cli.subscribers_list import segments

    segments(options.project(context), list_, as_json=json_)


@subscribers.command()
def unsubscribe(
    context: typer.Context,
    address: OptionalAddress = "",
    list_: options.List = "",
    file: AddressFile = None,
    yes: options.Yes = False,
    json_: options.Json = False,
) -> None:
    """Unsubscribe one person, or all in a file; no import brings them back."""
    if _has_file(address, file):
        _run_bulk(context, "unsubscribe", file=file, list_slug=list_, needs_answer=not yes, as_json=json_)
    from moza_mail.cli.subscribers import unsubscribe

    unsubscribe(options.project(context), address, list_, as_json=json_)


@subscribers.command()
def suppress(
    context: typer.Context,
    evidence: Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")],
    address: OptionalAddress = "",
    file: AddressFile = None,
    yes: options.Yes = False,
    json_: options.Json = False,
) -> None:
    """Suppress an address, or all in a file, on every list."""
    if _has_file(address, file):
        _run_bulk(context, "suppress", file=file, evidence=evidence, needs_answer=not yes, as_json=json_)
    from moza_mail.cli.subscribers import suppress

    suppress(options.project(context), address, evidence, as_json=json_)


@subscribers.command()
def unsuppress(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why mail is allowed again, for the record.", metavar="TEXT")],
    address: OptionalAddress = "",
    they_asked: Annotated[
        bool, typer.Option("--they-asked", help="The person asked; required after a complaint or `suppress`.")
    ] = False,
    mailing: Annotated[str, typer.Option(help="Addresses suppressed because of this issue.")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="Addresses suppressed since this time.", **options.TIME)
    ] = None,
    domain: Annotated[str, typer.Option(help="Addresses suppressed by bounces at this domain.")] = "",
    reply: Annotated[str, typer.Option(help="Addresses whose bounce has this text.", metavar="TEXT")] = "",
    yes: options.Yes = False,
    json_: options.Json = False,
) -> None:
    """Allow mail to suppressed addresses again."""
    from moza_mail.cli import subscribers as command

    project = options.project(context)
    if address:
        command.unsuppress(project, address, reason, they_asked=they_asked, as_json=json_)
        return
    from moza_mail.app.held_suppressions import UnsuppressOptions

    at = since.replace(tzinfo=UTC) if since else None
    chosen = UnsuppressOptions(issue=mailing, since=at, domain=domain, reply=reply)
    command.unsuppress_many(project, chosen, reason, asks=not yes, as_json=json_)


@subscribers.command("show")
def show_subscriber(context: typer.Context, address: options.Address, json_: options.Json = False) -> None:
    """Show everything that is stored about an address."""
    from moza_mail.cli.subscribers import show

    show(options.project(context), address, as_json=json_)


@subscribers.command()
def erase(
    context: typer.Context,
    address: OptionalAddress = "",
    file: AddressFile = None,
    yes: options.Yes = False,
    json_: options.Json = False,
) -> None:
    """Erase a person, or all in a file, after asking."""
    if _has_file(address, file):
        _run_bulk(context, "erase", file=file, needs_answer=not yes, as_json=json_)
    from moza_mail.cli.subscribers import erase

    raise typer.Exit(erase(options.project(context), address, yes=yes, as_json=json_))
