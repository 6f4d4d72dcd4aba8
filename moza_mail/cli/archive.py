"""`moza-mail archive build`: make a web site of the sent issues in a folder."""

from pathlib import Path

from moza_mail.app.build_archive import ArchiveOptions, build_archive
from moza_mail.app.report_text import archive_as_line, archive_remarks
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.project import Project


def build(project: Project, folder: Path, options: ArchiveOptions, *, as_json: bool) -> int:
    """Build the archive of a list in a folder; return 3 if an issue that was sent has no file."""
    report = run_async(lambda: build_archive(project, folder, options))
    if as_json:
        output.give_json(report.as_data())
    else:
        output.give(archive_as_line(report, folder))
    for remark in archive_remarks(report, project.issues_folder):
        output.say(remark)
    return output.NEEDS_ATTENTION if report.missing else 0
