"""`moza-mail archive build`: publish the issues that were sent as a web site in a folder."""

from pathlib import Path

from moza_mail.app.build_archive import ArchiveOptions, build_archive
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.project import Project


def build(project: Project, folder: Path, options: ArchiveOptions, *, as_json: bool) -> int:
    """Build the archive of a list in a folder; return 3 if an issue that was sent has no file."""
    report = run_async(lambda: build_archive(project, folder, options))
    if as_json:
        output.give_json(report.as_data())
    else:
        result = report.result
        output.give(
            f"{folder}: {report.issues} {'issue' if report.issues == 1 else 'issues'}; {result.added} files added, "
            f"{result.changed} changed, {result.unchanged} unchanged, {result.removed} removed"
        )
    for remark in report.remarks:
        output.say(remark)
    for slug in report.missing:
        output.say(
            f"{slug} was sent to {report.list_slug}, but has no file in {project.root / 'issues'}, so it has no page.\n"
            f"  Put its file back, or name it: --include FILE"
        )
    return output.NEEDS_ATTENTION if report.missing else 0
