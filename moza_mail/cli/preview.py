"""`moza-mail preview`: the browser preview, on loopback."""

import socket
import webbrowser
from collections.abc import Mapping

from moza_mail.cli import dressing, render, talk
from moza_mail.errors import ProjectError
from moza_mail.project import Project

HOST = "127.0.0.1"


def preview(project: Project, issue: str, list_slug: str, *, port: int, open_browser: bool) -> None:
    """Serve the preview of an issue until Ctrl-C; the newest one when none is named."""
    try:
        from moza_mail.web import preview as web
    except ModuleNotFoundError as error:
        raise ProjectError(
            f"the preview needs {error.name}, which is not installed",
            hint="Install it: pip install 'moza-mail[web]'",
        ) from None
    name = issue or str(dressing.newest_issue(project) or "")
    if not name:
        raise ProjectError(
            f"there is no issue in {project.root / 'issues'}", hint="Write one, or name a file."
        )
    project.issue_path(name)

    def files() -> Mapping[str, bytes]:
        return render.files(dressing.dress(project, name, list_slug))

    def title() -> str:
        return dressing.read_issue(project, name).title

    with _listening(port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}/"
        talk.say(f"Preview of {name}: {url}\nStop with Ctrl-C.")
        if open_browser:
            webbrowser.open(url)
        try:
            web.serve(web.app(files, title), listener)
        except talk.Interrupted:
            talk.say("The preview has ended.")


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # Listening before the address is told, so that the browser's first request waits instead of failing.
        listener.listen()
    except OSError as error:
        listener.close()
        raise ProjectError(
            f"port {port} cannot be used: {error.strerror}", hint="Name another one with --port."
        ) from None
    return listener
