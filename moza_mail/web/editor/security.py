"""Guard: who may ask anything of the desk. It stands before every page, and knows no page."""

import re
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset({"127.0.0.1", "localhost"})
TOKEN_HEADER = "X-Desk-Token"  # noqa: S105  # the name of a header
MOST_BYTES = 2_000_000
# The page runs its own scripts and no other; the mail none at all, and it can ask nothing of the net.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# With its own origin the page around it can keep the place where one was reading; without scripts it cannot use it.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What lets a browser in: `entry` opens the desk (it is in the address that is printed), `token` lets it act.

    Both are made anew each time the desk is opened.
    """

    entry: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class Guard:
    """Lets through what comes from this machine's own browser, and from a page of the desk when it acts."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _safe(send))
            return
        await self.app(scope, receive, _safe(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        # Another site could give its own name to this machine's address (DNS rebinding).
        if urlsplit(f"//{host}").hostname not in HOSTS:
            return PlainTextResponse("This desk is for this machine alone.\n", status_code=400)
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return PlainTextResponse("Another page asked for this.\n", status_code=403)
        if entering := self._entering(scope, host):
            return entering
        # An image or a script of the desk says nothing of the project; everything else does.
        if not secrets.compare_digest(_cookie(headers, cookie_name(host)), self.keys.entry.encode()):
            return PlainTextResponse(
                "Open the address that moza-mail preview printed: it holds the key.\n", status_code=403
            )
        token = headers.get(TOKEN_HEADER, "").encode()
        if scope["method"] not in READING and not secrets.compare_digest(token, self.keys.token.encode()):
            return PlainTextResponse("This page is of an earlier desk: load it again.\n", status_code=403)
        return None

    def _entering(self, scope: Scope, host: str) -> Response | None:
        """Take the key out of the address, where it would be seen and kept, and put it in a cookie."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        if not given or not secrets.compare_digest(given.encode(), self.keys.entry.encode()):
            return None
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(cookie_name(host), self.keys.entry, httponly=True, samesite="strict")
        return answer


def cookie_name(host: str) -> str:
    """The cookie of a desk; browsers keep one jar for all ports of a machine."""
    return f"desk-{re.sub('[^0-9]', '', host.rpartition(':')[2]) or '80'}"


def _cookie(headers: Headers, name: str) -> bytes:
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return b""
    return jar[name].value.encode() if name in jar else b""


def _safe(send: Send) -> Send:
    async def safely(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SAFE.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        await send(message)

    return safely


async def body(request: Request) -> bytes:
    """What was sent; raise HTTPException (413) before more than an issue's worth of it is in memory."""
    whole = bytearray()
    async for part in request.stream():
        whole += part
        if len(whole) > MOST_BYTES:
            raise HTTPException(413, "that is longer than an issue can be")
    return bytes(whole)
