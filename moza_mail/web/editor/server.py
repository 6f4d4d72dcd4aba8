"""Serve the editor on a socket until a signal stops it."""

import asyncio
import gc
import logging
from socket import socket

import uvicorn

from moza_mail.app.background import keep_running
from moza_mail.app.project_session import ProjectSession
from moza_mail.web.editor.routes import build_app
from moza_mail.web.editor.security import AccessKeys
from moza_mail.web.editor.watch import ProjectWatcher
from moza_mail.web.http_protocol import TolerantHttp

log = logging.getLogger("moza_mail.web")


class EditorServer(uvicorn.Server):
    """The server of one project's editor. It closes the event streams when it stops, so that it need not wait for them."""

    def __init__(self, session: ProjectSession, keys: AccessKeys) -> None:
        self.watcher = ProjectWatcher(session)
        config = uvicorn.Config(
            build_app(session, keys, self.watcher),
            http=TolerantHttp,
            log_level="error",
            lifespan="off",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)

    def handle_exit(self, sig: int, frame: object) -> None:
        """Close the event streams, then let uvicorn stop."""
        self.watcher.close()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Stop as on a signal. Only the thread of the event loop may call this."""
        self.watcher.close()
        self.should_exit = True

    async def run_on(self, listener: socket) -> None:
        """Serve on a listening socket until the server is stopped."""
        watcher = self.watcher
        watching = asyncio.create_task(keep_running(watcher.run, watcher.stop, report_restart))
        try:
            await self.serve(sockets=[listener])
        finally:
            watcher.close()
            await watching


def report_restart(error: Exception) -> None:
    """Log that the watcher of saved files failed and is restarted."""
    log.error("the watcher of saved files is restarted: %s", error)


async def serve(session: ProjectSession, keys: AccessKeys, listener: socket) -> None:
    """Serve the editor of a project on a listening socket."""
    server = EditorServer(session, keys)
    # The imported modules stay in memory, and searching them for garbage would delay a preview by a tenth of a second.
    gc.collect()
    gc.freeze()
    await server.run_on(listener)
