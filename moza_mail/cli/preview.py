"""`moza-mail preview`: the desk in the browser, on loopback."""

import socket
import webbrowser
from pathlib import Path

from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import ProjectError
from moza_mail.project import Project

HOST = "127.0.0.1"


def preview(project: Project, issue: str, list_slug: str, *, port: int, open_browser: bool) -> None:
    """Serve the desk until Ctrl-C, beginning with an issue; with the newest one when none is named."""
    try:
        from moza_mail.cli.workshop import Workshop
        from moza_mail.web import editor
    except ModuleNotFoundError as error:
        raise ProjectError(
            f"the preview needs {error.name}, which is not installed",
            hint="Install it: pip install 'moza-mail[web]'",
        ) from None
    named = project.find_issue(issue) if issue else None
    workshop = Workshop(project, list_slug=list_slug, named=Path(named) if named else None)
    keys = editor.Keys()
    with _listening(port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}/?key={keys.entry}"
        output.say(f"Preview of {issue or workshop.newest or project.root}: {url}\nStop with Ctrl-C.")
        if open_browser:
            webbrowser.open(url)
        try:
            run_async(lambda: editor.serve(workshop, keys, listener))
        except output.Interrupted:
            output.say("The preview has ended.")


def _listening(port: int) -> socket.socket:
    # By its number, because asyncio sends without delay (TCP_NODELAY) only what it knows to be TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
