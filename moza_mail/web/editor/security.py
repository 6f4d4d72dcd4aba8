"""Restrict the editor to browsers on this machine that have the editor's keys."""

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = re.compile(r"(?:127\.0\.0\.1|localhost)(?::[0-9]{1,5})?", re.IGNORECASE)
TOKEN_HEADER = "X-Editor-Token"  # noqa: S105  # the name of a header
MAX_BODY_BYTES = 2_000_000
# A page runs only its own scripts. A mail runs no scripts and loads nothing from the network.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# allow-same-origin lets the page restore the mail's scroll position. The mail gains nothing, because it runs no scripts.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeys:
    """The secrets of one run of the editor.

    entry: the key that opens the editor; it is part of the printed URL.
    token: the key that permits requests that change something.
    """

    entry: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class LocalAccess:
    """Middleware that admits only a browser on this machine, and only with the entry key.

    Requests that change something also need the token of the opened page.
    """

    def __init__(self, app: ASGIApp, keys: AccessKeys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _add_headers(send))
            return
        with suppress(ClientDisconnect):
            await self.app(scope, receive, _add_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        # Another site can let its own host name point to this machine's address (DNS rebinding).
        if not HOST.fullmatch(host):
            return PlainTextResponse("The editor is for this machine only.\n", status_code=400)
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return PlainTextResponse("This request comes from another site.\n", status_code=403)
        if entry := self._enter(scope, host):
            return entry
        if not secrets.compare_digest(_read_cookie(headers, cookie_name(host)), self.keys.entry.encode()):
            return PlainTextResponse(
                "Open the address that moza-mail preview printed: it holds the key.\n", status_code=403
            )
        token = headers.get(TOKEN_HEADER, "").encode()
        if scope["method"] not in SAFE_METHODS and not secrets.compare_digest(
            token, self.keys.token.encode()
        ):
            return PlainTextResponse(
                "This page is from an earlier run of the editor: load it again.\n", status_code=403
            )
        return None

    def _enter(self, scope: Scope, host: str) -> Response | None:
        """Move the key from the URL to a cookie, so that the browser history has no key.

        Return None if the URL has no valid key. Otherwise return a page that opens the editor. An HTTP redirect would not
        work: if the browser comes from another page, such as a file, it sends no SameSite=Strict cookie with a redirected
        request.
        """
        key = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        if not key or not secrets.compare_digest(key.encode(), self.keys.entry.encode()):
            return None
        response = HTMLResponse(
            '<!doctype html><meta http-equiv="refresh" content="0; url=/"><title>moza-mail</title>'
        )
        response.set_cookie(cookie_name(host), self.keys.entry, httponly=True, samesite="strict")
        return response


def cookie_name(host: str) -> str:
    """Return the name of the editor's cookie.

    The name contains the port, because browsers share cookies between the ports of a host.
    """
    return f"editor-{re.sub('[^0-9]', '', host.rpartition(':')[2]) or '80'}"


def _read_cookie(headers: Headers, name: str) -> bytes:
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return b""
    return jar[name].value.encode() if name in jar else b""


def _add_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        await send(message)

    return send_with_headers


async def read_body(request: Request) -> bytes:
    """Read the body of a request; raise HTTPException 413 if it is too large for an issue."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MAX_BODY_BYTES:
            raise HTTPException(413, "that is longer than an issue can be")
    return bytes(content)
