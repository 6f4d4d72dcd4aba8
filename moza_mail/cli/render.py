"""`moza-mail render`: write the files that a reader of an issue would get."""

from pathlib import Path

from moza_mail.app.render_issue import write_rendering
from moza_mail.cli import output
from moza_mail.project import Project


def render(project: Project, name: str, list_slug: str, folder: Path) -> None:
    """Write an issue's files to a folder, and print the path of each."""
    for path in write_rendering(project, name, list_slug, folder):
        output.give(str(path))
