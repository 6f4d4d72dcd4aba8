"""Security of the public pages: accepted hosts, response headers and safe error pages."""

import logging
import traceback
from collections.abc import Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moza_mail.errors import MozaMailError

# Pages run no scripts, load nothing from other hosts, are shown in no frame, and send forms to this server only.
CONTENT_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    b"content-security-policy": CONTENT_POLICY.encode(),
    b"referrer-policy": b"no-referrer",  # the URL of a page may contain a token
    b"x-content-type-options": b"nosniff",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
}
log = logging.getLogger("moza_mail.web")

MakeErrorPage = Callable[[Request, HTTPException], Response]


class RequestGuard:
    """Middleware that refuses requests for other hosts, adds headers, and makes error pages.

    The text of an exception is neither shown nor logged, because it may contain an address.

    hosts: the accepted values of the Host header.
    health: the path of the health check, which accepts any host.
    make_page: makes the page for an error.
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], health: str, make_page: MakeErrorPage) -> None:
        self._app = app
        self._hosts = hosts
        self._health = health
        self._make_page = make_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. Send an error page if the application fails."""
        if scope["type"] != "http":
            return
        has_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in HEADERS.items() if header[0] not in present),
                ]
            await send(message)

        try:
            self._check_host(scope)
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except HTTPException as error:
            await self._error_page(Request(scope), error)(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  (the visitor gets a page without a traceback)
            _log_error(error)
            if has_started:
                raise ConnectionAbortedError from None
            status = 503 if isinstance(error, MozaMailError) else 500
            await self._error_page(Request(scope), HTTPException(status))(scope, receive, send_with_headers)

    def _check_host(self, scope: Scope) -> None:
        """Raise HTTPException 421 if the Host header does not name our site (RFC 9110 15.5.20).

        Otherwise another site could show our pages as its own.
        """
        host = b"".join(value for name, value in scope["headers"] if name == b"host").decode("latin-1")
        if host.lower() not in self._hosts and scope["path"] != self._health:
            raise HTTPException(421)

    def _error_page(self, request: Request, error: HTTPException) -> Response:
        try:
            return self._make_page(request, error)
        except Exception as another:  # noqa: BLE001  (the theme cannot render the error page either)
            _log_error(another)
            return PlainTextResponse(HTTPStatus(error.status_code).phrase, status_code=error.status_code)


def _log_error(error: Exception) -> None:
    """Log the type of an error and the place of its origin, but not its text."""
    steps = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{step.filename.rpartition('/')[2]}:{step.lineno}" for step in reversed(steps))
    log.error("%s at %s", type(error).__name__, places)
