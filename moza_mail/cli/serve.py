"""`moza-mail serve`: serve the public pages on this machine, for a reverse proxy."""

import socket

from moza_mail.cli import output
from moza_mail.cli.confirmations import say_delay
from moza_mail.cli.run import run_async
from moza_mail.errors import MozaMailError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.project import CONFIG_FILE, Project, notify_ready
from moza_mail.web.listen import listen


def serve(project: Project, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C. Requests in progress are finished first."""
    from moza_mail.web import public

    if not project.config.public_url:
        raise ProjectError(
            _(
                "{path}: `public_url` is not set, so no link leads to these pages",
                path=str(project.root / CONFIG_FILE),
            ),
            hint=_('Write public_url = "https://newsletter.example.org", the address that subscribers see.'),
        )
    for fault in project.find_list_faults().values():
        output.say_error(fault)
    with listen(host, port) as listener:
        output.say(
            _(
                "Serving {public_url} on {url}. Stop with Ctrl-C.",
                public_url=project.config.public_url,
                url=_url(listener),
            )
        )
        run_async(
            lambda: public.serve(
                project,
                listener,
                on_ready=notify_ready,
                on_archive_error=_say_archive_error,
                on_mail_error=say_delay,
            )
        )
    output.say(_("The server has stopped."))


def _say_archive_error(error: MozaMailError) -> None:
    output.say(_("The archive is not updated: {message}", message=error.message))


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
