"""The preview: an issue as its readers get it, in a browser on the editor's own machine."""

from collections.abc import Callable, Mapping
from pathlib import Path
from socket import socket

import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from moza_mail.errors import MozaMailError

LOOPBACK = ["127.0.0.1", "localhost"]
# The mail may show nothing but itself: no script, no request to anywhere, links only in a window of their own.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox"
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'none'; base-uri 'none'"
)
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
WIDTHS = ("375", "640", "800")

Files = Callable[[], Mapping[str, bytes]]


def app(files: Files, title: Callable[[], str]) -> Starlette:
    """The preview of one issue.

    `files` renders it anew and gives its files by name (issue.html, issue.txt, issue.eml, issue.ics); each request asks
    again, so that a reload shows what was saved. What it raises as MozaMailError is shown instead of the mail.
    """
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
    )

    def page(request: Request) -> Response:
        width = request.query_params.get("width", "")
        problem, hint, made, name = "", "", {}, ""
        try:
            made, name = dict(files()), title()
        except MozaMailError as error:
            problem, hint = error.message, error.hint
        text = pages.get_template("preview.html").render(
            title=name or "preview",
            problem=problem,
            hint=hint,
            files=[file for file in ("issue.txt", "issue.eml", "issue.ics") if file in made],
            widths=WIDTHS,
            width=width if width in WIDTHS else "",
            text=made.get("issue.txt", b"").decode(),
        )
        return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": PAGE_POLICY})

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            content = files().get(name)
        except MozaMailError as error:
            return PlainTextResponse(f"{error.message}\n{error.hint}\n", status_code=422, headers=HEADERS)
        if content is None:
            raise HTTPException(404)
        if name == "issue.html":
            return HTMLResponse(content, headers={**HEADERS, "Content-Security-Policy": MAIL_POLICY})
        return PlainTextResponse(content, headers=HEADERS)

    routes = [Route("/", page), Route("/{name}", file)]
    # Another site must not read the preview by pointing its own name at this machine (DNS rebinding).
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK)])


def serve(app: Starlette, listener: socket) -> None:
    """Serve on a socket that listens already, until a signal ends it."""
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False)).run(
        sockets=[listener]
    )
