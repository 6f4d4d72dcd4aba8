"""`moza-mail store copy`: copy the database, and print what to change in the settings."""

from moza_mail.app import copy_store as app
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


def copy(project: Project, url: str, *, needs_answer: bool, as_json: bool) -> None:
    """Copy the project's database to an empty one, after asking."""
    if needs_answer:
        output.confirm(
            _("Copy everything to {url}, and stop using {store}?", url=url, store=project.config.store),
            _("nothing was copied"),
        )
    counts = run_async(lambda: app.copy_store(project, url))
    if as_json:
        output.give_json({"to": url, "rows": dict(counts)})
        return
    for table, count in counts.items():
        output.give(f"{count:>9,}  {table.replace('_', ' ')}")
    output.say(_('Copied and verified. Now set store = "{url}" in moza-mail.toml.', url=url))
