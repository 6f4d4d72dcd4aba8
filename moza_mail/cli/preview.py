"""`moza-mail preview`: serve the editor on this machine, and open it in the browser."""

import webbrowser
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.project import Project
from moza_mail.web.listen import listen

HOST = "127.0.0.1"


def preview(project: Project, issue: str, list_slug: str, *, port: int, open_browser: bool) -> None:
    """Serve the editor until Ctrl-C. It opens the given issue, or else the newest one."""
    from moza_mail.app.project_session import ProjectSession
    from moza_mail.web import editor

    first = Path(project.find_issue(issue)) if issue else None
    session = ProjectSession(project, list_slug=list_slug, first_issue=first)
    keys = editor.AccessKeys()
    with listen(HOST, port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}/?key={keys.entry}"
        output.say(
            _(
                "Preview of {name}: {url}\nStop with Ctrl-C.",
                name=str(issue or session.files.newest or project.root),
                url=url,
            )
        )
        with ExitStack() as stack:
            if open_browser:
                webbrowser.open(stack.enter_context(_entry_page(project, url)))
            try:
                run_async(lambda: editor.serve(session, keys, listener))
            except output.Interrupted:
                output.say(_("The preview has stopped."))


@contextmanager
def _entry_page(project: Project, url: str) -> Generator[str]:
    """Yield the URL of a private local file that redirects the browser to the editor.

    A browser gets its first URL as an argument, and every user of the machine can read the arguments of a process.
    So the editor's own URL, which contains a key, must not be that argument.
    """
    folder = project.root / "subscribers"
    with NamedTemporaryFile(
        "w", dir=folder if folder.is_dir() else None, prefix="editor-", suffix=".html"
    ) as page:
        page.write(
            f'<!doctype html><meta http-equiv="refresh" content="0; url={url}"><title>moza-mail</title>'
        )
        page.flush()
        yield Path(page.name).resolve().as_uri()
