"""The desk as a web application: its addresses, and what stands before them."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from moza_mail.web.editor.api import Answers
from moza_mail.web.editor.edit_api import Editing
from moza_mail.web.editor.mailing_report import HappenedPages
from moza_mail.web.editor.outbox import Inbox
from moza_mail.web.editor.pages import Pages
from moza_mail.web.editor.render_cache import Gallery
from moza_mail.web.editor.security import Guard, Keys
from moza_mail.web.editor.watch import Watch
from moza_mail.web.editor.workshop import Workshop

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def app(workshop: Workshop, keys: Keys, watch: Watch | None = None) -> Starlette:
    """The desk of a project. `keys` lets browsers in; `watch`, when there is one, tells open pages what was saved."""
    gallery = Gallery(workshop)
    pages = Pages(workshop, gallery, keys)

    async def events(request: Request) -> Response:
        del request
        if watch is None:
            raise HTTPException(404)
        return StreamingResponse(watch.stream(), media_type="text/event-stream")

    routes = [
        *pages.routes(),
        *Inbox(workshop, pages).routes(),
        *HappenedPages(workshop, pages).routes(),
        *Answers(workshop, gallery, pages).routes(),
        *Editing(workshop, pages).routes(),
        Route("/static/{file}", _static),
        Route("/events", events),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, keys=keys)],
        exception_handlers={404: pages.not_found},
    )


def _static(request: Request) -> Response:
    """A script, the style sheet or the icon: one of those that are there, whatever the name may hold."""
    known = {path.name: path for path in STATIC.iterdir() if path.suffix in KINDS}
    path = known.get(request.path_params["file"])
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type=KINDS[path.suffix])
