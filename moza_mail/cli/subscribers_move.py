"""`moza-mail subscribers export --all`, and the import of the exported move file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moza_mail.app import move_subscribers as app
from moza_mail.app.move_subscribers import MoveFile
from moza_mail.app.open_project import open_store
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCommand:
    """The arguments of the import of a move file. If `needs_answer`, ask before storing."""

    file: MoveFile
    secret_file: Path | None
    dry_run: bool
    needs_answer: bool
    as_json: bool


def export_everything(project: Project) -> None:
    """Print a move file: all data of all subscribers, as JSON lines."""

    async def work() -> None:
        async with open_store(project) as store:
            async for line in app.export_everything(store):
                output.give(line)

    run_async(work)


def import_move_file(project: Project, command: MoveCommand) -> None:
    """Import a move file into an empty project, after asking."""
    if missing := app.find_missing_lists(project, command.file):
        raise ProjectError(
            _("subscribers/lists.toml lacks these lists of the file: {lists}", lists=", ".join(missing)),
            hint=_("Copy subscribers/lists.toml of the other project."),
        )
    output.say(
        _("{file} contains: {counts}", file=command.file.path.name, counts=_describe(command.file.counts))
    )
    if command.dry_run:
        if command.as_json:
            output.give_json({"dry_run": True, **command.file.as_data()})
        return
    if command.needs_answer:
        output.confirm(_("Import all of it into this project?"), _("nothing was imported"))
    counts = run_async(lambda: app.import_move_file(project, command.file, command.secret_file))
    if command.as_json:
        output.give_json({"dry_run": False, **command.file.as_data(), "counts": dict(counts)})
    else:
        output.give(f"{command.file.path.name}: {_describe(counts)}")


def _describe(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
