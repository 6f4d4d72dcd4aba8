"""Serving: the desk on a socket that listens already, until a signal ends it."""

import asyncio
import gc
from socket import socket

import uvicorn

from moza_mail.web.editor.routes import app
from moza_mail.web.editor.security import Keys
from moza_mail.web.editor.watch import Watch
from moza_mail.web.editor.workshop import Workshop


class _Server(uvicorn.Server):
    """Closes the open streams first, which would otherwise be waited for."""

    watch: Watch

    def handle_exit(self, sig: int, frame: object) -> None:
        self.watch.close()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]


async def serve(workshop: Workshop, keys: Keys, listener: socket) -> None:
    """Serve the desk of a project."""
    watch = Watch(workshop)
    config = uvicorn.Config(
        app(workshop, keys, watch),
        log_level="warning",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    server.watch = watch
    # What has come in by now stays: going through it again for what can go would hold up a mail by a tenth of a second.
    gc.collect()
    gc.freeze()
    watching = asyncio.create_task(watch.run())
    try:
        await server.serve(sockets=[listener])
    finally:
        watch.close()
        await watching
