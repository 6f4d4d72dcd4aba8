"""Run the editor of a temporary project: as a command, in a thread, or as an application without a server."""

import asyncio
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from moza_mail.app.project_session import ProjectSession
from moza_mail.project import find_project
from moza_mail.web import editor
from moza_mail.web.editor.server import EditorServer
from moza_mail.web.listen import listen
from tests.support.project_folder import ISSUE, Folder

HOST = "127.0.0.1:8123"
KEYS = editor.AccessKeys(entry="entry", token="token")
JSON = {"X-Editor-Token": "token", "Origin": f"http://{HOST}"}


@contextmanager
def run_editor(project: Folder, issue: str = ISSUE) -> Iterator[str]:
    """Run `moza-mail preview`, and yield the URL that it prints, with its key."""
    process = project.start("preview", *([issue] if issue else []), "--no-open")
    try:
        line = process.stderr.readline().decode()
        yield re.search(r"http://127\.0\.0\.1:\d+/\S+", line).group()
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextmanager
def serve_editor(project: Folder, issue: str = ISSUE) -> Iterator[str]:
    """Serve the editor from a thread of this process, and yield its URL with its key.

    Starting `moza-mail preview` for each test would take a second of processor time.
    """
    keys = editor.AccessKeys()
    started: queue.Queue[tuple[asyncio.AbstractEventLoop, EditorServer]] = queue.Queue()

    async def serve() -> None:
        session = ProjectSession(find_project(project.path), first_issue=project.path / issue)
        server = EditorServer(session, keys)
        started.put((asyncio.get_running_loop(), server))
        await server.run_on(listener)

    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="editor", daemon=True)
        thread.start()
        loop, server = started.get(timeout=60)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/?key={keys.entry}"
        finally:
            loop.call_soon_threadsafe(server.stop)
            thread.join(timeout=30)
            assert not thread.is_alive()


class EditorClient:
    """A client that calls the editor's application without a server.

    Each request runs in its own event loop.
    """

    def __init__(self, application: Starlette, *, entered: bool) -> None:
        self.transport = httpx.ASGITransport(app=application)
        self.cookies = {"editor-8123": "entry"} if entered else {}

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self.transport, base_url=f"http://{HOST}", cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, **options)
                self.cookies = dict(client.cookies)
                return answer

        return asyncio.run(asked())


def open_client(path: Path, *, entered: bool = True) -> EditorClient:
    """Return a client of the editor of a project folder."""
    return client_for(open_session(path), entered=entered)


def open_session(path: Path) -> ProjectSession:
    """Return the session with which the editor opens a project folder."""
    return ProjectSession(find_project(path))


def client_for(session: ProjectSession, *, entered: bool = True) -> EditorClient:
    """Return a client of the editor of a session.

    entered: the client has the access cookie.
    """
    return EditorClient(editor.build_app(session, KEYS), entered=entered)


def preview(browser: EditorClient, text: str | None = None, name: str = ISSUE, reader: str = "") -> dict:
    """Return the editor's preview of an issue, or of a typed text."""
    asked = {"name": name, "recipient": reader} | ({} if text is None else {"text": text})
    answer = browser.post("/api/preview", json=asked, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


def editor_routes(path: Path) -> list[tuple[str, set[str]]]:
    """Return every path of the editor with its methods."""
    application = editor.build_app(ProjectSession(find_project(path)), KEYS)
    return [(route.path, set(route.methods)) for route in application.routes]
