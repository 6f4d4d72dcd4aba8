"""What holds for every request and every answer of the public pages, whichever page it is."""

import logging
import traceback
from collections.abc import Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moza_mail.errors import MozaMailError

# No script, nothing of others, no frame around it, forms to ourselves alone.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"referrer-policy": b"no-referrer",  # a token stands in the address
    b"x-content-type-options": b"nosniff",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
}
log = logging.getLogger("moza_mail.web")

Answer = Callable[[Request, HTTPException], Response]


class Guard:
    """Lets in only what is meant for us, puts the headers on each answer, and makes a page of everything that goes wrong.

    `answer` makes that page of a status. What an exception says goes no further than the log, and there without its
    words, for they may hold an address.
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], health: str, answer: Answer) -> None:
        self._app = app
        self._hosts = hosts
        self._health = health
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever becomes of it."""
        if scope["type"] != "http":
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in HEADERS.items() if header[0] not in there),
                ]
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, guarded)
        except ClientDisconnect:
            return
        except HTTPException as error:
            await self._answered(Request(scope), error)(scope, receive, guarded)
        except Exception as error:  # noqa: BLE001  (whoever asked gets a page and no traceback)
            _tell(error)
            if begun:
                raise ConnectionAbortedError from None
            status = 503 if isinstance(error, MozaMailError) else 500
            await self._answered(Request(scope), HTTPException(status))(scope, receive, guarded)

    def _check(self, scope: Scope) -> None:
        """Refuse a name that is not ours, so that no other site can be made of us (RFC 9110 15.5.20)."""
        host = b"".join(value for name, value in scope["headers"] if name == b"host").decode("latin-1")
        if host.lower() not in self._hosts and scope["path"] != self._health:
            raise HTTPException(421)

    def _answered(self, request: Request, error: HTTPException) -> Response:
        try:
            return self._answer(request, error)
        except Exception as another:  # noqa: BLE001  (a theme that fails on the very page of failures)
            _tell(another)
            return PlainTextResponse(HTTPStatus(error.status_code).phrase, status_code=error.status_code)


def _tell(error: Exception) -> None:
    """Log what went wrong and where, without the words of it."""
    steps = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{step.filename.rpartition('/')[2]}:{step.lineno}" for step in reversed(steps))
    log.error("%s at %s", type(error).__name__, places)
