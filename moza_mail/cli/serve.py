"""`moza-mail serve`: the public pages, by HTTP on this machine, for a reverse proxy to pass on."""

import asyncio
import signal
import socket
from typing import TYPE_CHECKING

from moza_mail.app import clock, open_project
from moza_mail.cli import archive, confirming, output
from moza_mail.cli.run import run_async
from moza_mail.errors import ProjectError
from moza_mail.model.audit import WEB
from moza_mail.model.rate import Rate
from moza_mail.project import CONFIG_FILE, Project

if TYPE_CHECKING:
    from moza_mail.store import Store
    from moza_mail.web.public import Service

BACKLOG = 2048


def serve(project: Project, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C: what is being answered then is finished, and what is stored stays so."""
    try:
        import moza_mail.web.public  # noqa: F401  (asked for here, so that a missing library is told at once)
    except ModuleNotFoundError as error:
        raise ProjectError(
            f"serve needs {error.name}, which is not installed",
            hint="Install it: pip install 'moza-mail[web]'",
        ) from None
    if not project.config.public_url:
        raise ProjectError(
            f"{project.root / CONFIG_FILE}: `public_url` is missing, and without it no link leads here",
            hint='Write public_url = "https://newsletter.example.org", the address readers will see.',
        )
    with _listening(host, port) as listener:
        output.say(f"Serving {project.config.public_url} on {_shown(listener)}. Stop with Ctrl-C.")
        run_async(lambda: _served(project, listener))
    output.say("No longer serving.")


async def _served(project: Project, listener: socket.socket) -> None:
    from moza_mail.web import public
    from moza_mail.web.public.archive import routes

    async with open_project.open_store(project, WEB) as store, confirming.beside(project, store):
        service = _service(project, store)
        archives = archive.served(project, store).items()
        pages = [page for path, files in archives for page in routes(path.removeprefix(service.base), files)]
        app = public.app(service, pages)
        server = public.Server(app, project.config.trusted_proxies)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        await server.serve(sockets=[listener])


def _service(project: Project, store: "Store") -> "Service":
    """What the pages are made from; read once, so a changed list or theme shows after a restart."""
    from moza_mail.compose import Links
    from moza_mail.web.public import Service

    lists = project.read_lists()
    if not lists:
        raise ProjectError("there is no list to serve", hint="Write one in subscribers/lists.toml.")
    # The first one speaks for pages that are of no list.
    lists = dict(sorted(lists.items(), key=lambda item: item[0] != project.config.default_list))
    themes = {slug: project.read_theme(one.theme or project.config.theme) for slug, one in lists.items()}
    return Service(
        lists=lists,
        themes={**themes, "": project.read_theme(project.config.theme)},
        links=Links(secret=project.read_secret(), public_url=project.config.public_url),
        store=store,
        now=clock.now,
        sign_ups=Rate.parse(project.config.sign_up_rate),
        international=project.config.smtputf8,
    )


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ProjectError(
            f"{host} is no address of this machine: {error.strerror}", hint="Name one with --host."
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ProjectError(
            f"port {port} of {host} cannot be used: {error.strerror}", hint="Name another one with --port."
        ) from None
    return listener


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
