"""Build the editor's web application from its routes and its access check."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from moza_mail.app.project_session import ProjectSession
from moza_mail.web.editor.api import PreviewApi
from moza_mail.web.editor.edit_api import EditApi
from moza_mail.web.editor.mailing_report import MailingReportPages
from moza_mail.web.editor.outbox import OutboxPages
from moza_mail.web.editor.pages import Pages
from moza_mail.web.editor.render_cache import RenderCache
from moza_mail.web.editor.security import AccessKeys, LocalAccess
from moza_mail.web.editor.watch import ProjectWatcher

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def build_app(session: ProjectSession, keys: AccessKeys, watcher: ProjectWatcher | None = None) -> Starlette:
    """Return the editor application of a project.

    watcher: notifies open pages of saved files; None if they need no notification.
    """
    cache = RenderCache(session)
    pages = Pages(session, cache, keys)

    async def stream_events(request: Request) -> Response:
        del request
        if watcher is None:
            raise HTTPException(404)
        return StreamingResponse(watcher.stream(), media_type="text/event-stream")

    routes = [
        *pages.routes(),
        *OutboxPages(session, pages).routes(),
        *MailingReportPages(session, pages).routes(),
        *PreviewApi(session, cache, pages).routes(),
        *EditApi(session, pages).routes(),
        Route("/static/{file}", _serve_static),
        Route("/events", stream_events),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(LocalAccess, keys=keys)],
        exception_handlers={404: pages.not_found},
    )


def _serve_static(request: Request) -> Response:
    """Serve a script, the style sheet or the icon; 404 for any other name."""
    files = {path.name: path for path in STATIC.iterdir() if path.suffix in MEDIA_TYPES}
    path = files.get(request.path_params["file"])
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix])
