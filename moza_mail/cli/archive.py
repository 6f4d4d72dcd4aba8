"""`moza-mail archive build`: publish the issues that were sent as a web site in a folder."""

from pathlib import Path

from moza_mail.app.build_archive import ArchiveOptions, build_archive
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.project import Project


def build(project: Project, folder: Path, options: ArchiveOptions, *, as_json: bool) -> int:
    """Build the archive of a list in a folder; return 3 if an issue that was sent has no file."""
    report = run_async(lambda: build_archive(project, folder, options))
    if as_json:
        output.give_json(report.as_data())
    else:
        result = report.result
        output.give(
            _(
                "{folder}: {issues}; {added} files added, {changed} changed, {unchanged} unchanged, {removed} removed",
                folder=str(folder),
                issues=ngettext("{count} issue", "{count} issues", report.issues),
                added=result.added,
                changed=result.changed,
                unchanged=result.unchanged,
                removed=result.removed,
            )
        )
    for remark in report.remarks:
        output.say(remark)
    for slug in report.missing:
        output.say(
            _(
                "{slug} was sent to {list_slug}, but has no file in {folder}, so it has no page.\n  Put its file back, or name it: --include FILE",
                slug=slug,
                list_slug=report.list_slug,
                folder=str(project.issues_folder),
            )
        )
    return output.NEEDS_ATTENTION if report.missing else 0
