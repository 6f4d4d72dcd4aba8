"""The server: uvicorn, told to keep quiet about who comes, to be patient with nobody, and to end in order."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Generator, Sequence

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from moza_mail.app.build_archive import find_live_archives
from moza_mail.app.confirmations import keep_sending_confirmations
from moza_mail.app.open_project import open_store
from moza_mail.errors import MozaMailError
from moza_mail.model.audit import WEB_ACTOR
from moza_mail.project import Project
from moza_mail.web.public import archive
from moza_mail.web.public.routes import app
from moza_mail.web.public.service import open_service

LARGEST_HEAD = 16_384
"""Octets of a request's first line and headers together."""
HEAD_PATIENCE = 10.0
"""Seconds in which they must be here."""
IDLE = 75
"""Seconds a connection may stay unused: longer than a reverse proxy keeps it, so that none is closed under a request."""
AT_ONCE = 1000
"""Connections at one time; more are answered 503."""
LAST_PATIENCE = 20
"""Seconds that what is being answered has when the server is told to end."""


class _Impatient(H11Protocol):
    """HTTP/1.1 as uvicorn has it, and a connection on which no whole head comes in time is closed."""

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
        self._waiting = self.loop.call_later(HEAD_PATIENCE, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class Server(uvicorn.Server):
    """Serves an application on sockets that listen already; `stop` ends it once what is being answered is.

    `proxies` are the addresses and networks whose X-Forwarded-For is believed.
    """

    def __init__(self, app: Starlette, proxies: Sequence[str], on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        super().__init__(
            uvicorn.Config(
                app,
                http=_Impatient,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
                limit_concurrency=AT_ONCE,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=LAST_PATIENCE,
                h11_max_incomplete_event_size=LARGEST_HEAD,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        # What was brought in stays till the end; to look through it for rubbish takes a tenth of a second, in which nobody
        # is answered.
        gc.collect()
        gc.freeze()
        await super().startup(sockets)
        self._on_ready()

    def stop(self) -> None:
        """End in order; the second time at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the caller."""
        yield


async def serve(
    project: Project,
    listener: socket.socket,
    *,
    on_ready: Callable[[], None],
    on_archive_error: Callable[[MozaMailError], None],
    on_mail_error: Callable[[Exception], None],
) -> None:
    """Serve a project's public pages and archives, and mail the confirmations of sign-ups, until a signal."""
    async with (
        open_store(project, WEB_ACTOR) as store,
        keep_sending_confirmations(project, store, on_mail_error),
    ):
        service = open_service(project, store)
        archives = find_live_archives(project, store, on_archive_error)
        pages = [
            route
            for path, files in archives.items()
            for route in archive.routes(path.removeprefix(service.base), files)
        ]
        server = Server(app(service, pages), project.config.trusted_proxies, on_ready)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, server.stop)
        await server.serve(sockets=[listener])
