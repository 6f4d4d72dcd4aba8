"""The HTTP server of the public pages: uvicorn with timeouts and an orderly shutdown.

The server writes no access log.
"""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import AsyncExitStack

import uvicorn
from starlette.applications import Starlette

from moza_mail.app.build_archive import find_live_archives
from moza_mail.app.confirmations import keep_sending_confirmations
from moza_mail.app.open_project import open_store
from moza_mail.app.watch_service import ServiceWatch, keep_watching
from moza_mail.errors import MozaMailError
from moza_mail.model.audit import WEB_ACTOR
from moza_mail.project import Project
from moza_mail.web.http_protocol import TolerantHttp
from moza_mail.web.public import archive
from moza_mail.web.public.routes import build_app
from moza_mail.web.public.site import open_site

MAX_HEAD_BYTES = 16_384
"""The largest size of the request line and the headers together."""
HEAD_TIMEOUT = 10.0
"""The time in seconds within which the request line and the headers must arrive."""
KEEP_ALIVE_SECONDS = 75
"""The time in seconds that a connection may stay idle.

The time is longer than in reverse proxies, so that the server does not close a connection that a proxy is about to use.
"""
MAX_CONNECTIONS = 1000
"""The largest number of open connections. Requests beyond it get status 503."""
SHUTDOWN_SECONDS = 20
"""The time in seconds for open requests to finish when the server stops."""


class _TimedHttp(TolerantHttp):
    """HTTP/1.1 protocol that closes a connection if a request's headers arrive too late."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._waiting is None and (self.cycle is None or self.cycle.response_complete):
            self._wait()
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_TIMEOUT, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class PublicServer(uvicorn.Server):
    """Serves an application on listening sockets.

    proxies: addresses and networks of proxies whose X-Forwarded-For header is trusted.
    on_ready: called when the server accepts requests.
    """

    def __init__(self, app: Starlette, proxies: Sequence[str], on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        super().__init__(
            uvicorn.Config(
                app,
                http=_TimedHttp,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving."""
        # The imported modules stay until the end. Collecting them as garbage takes 0.1 s, during which no request is
        # answered.
        gc.collect()
        gc.freeze()
        await super().startup(sockets)
        self._on_ready()

    def stop(self) -> None:
        """Stop after answering open requests. On a second call, stop immediately."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signal handling to the caller."""
        yield


async def serve(
    project: Project,
    listener: socket.socket,
    *,
    on_ready: Callable[[], None],
    on_archive_error: Callable[[MozaMailError], None],
    on_mail_error: Callable[[Exception], None],
) -> None:
    """Serve a project's public pages and archives.

    The server also mails the confirmations of sign-ups, and mails problems to the operator.

    SIGINT, SIGTERM or SIGHUP stops the server, unless the signal is ignored.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(project, WEB_ACTOR))
        faults = tuple(project.find_list_faults().values())
        watch = ServiceWatch(project=project, store=store, list_faults=faults)

        def report(error: Exception) -> None:
            watch.note_error(error)
            on_mail_error(error)

        await stack.enter_async_context(keep_watching(watch, on_mail_error))
        await stack.enter_async_context(keep_sending_confirmations(project, store, report))
        site = open_site(project, store)
        archives = find_live_archives(project, store, on_archive_error)
        pages = [
            route
            for path, files in archives.items()
            for route in archive.build_routes(path.removeprefix(site.base), files)
        ]
        server = PublicServer(build_app(site, pages), project.config.trusted_proxies, on_ready)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, server.stop)
        await server.serve(sockets=[listener])
