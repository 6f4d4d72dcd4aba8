"""The archive's pages as the sign-up server gives them: files from memory, with a policy that forbids all else."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from posixpath import splitext
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from moza_mail.model.site import INDEX

Files = Callable[[], Awaitable[Mapping[str, bytes]]]

# As nginx calls them too; what is not here is not in an archive.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
}
FEED = "application/atom+xml; charset=utf-8"
HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # What a page's own policy leaves to a header; the rest it says itself, with the hosts of its images.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' https:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}


def routes(path: str, files: Files) -> list[BaseRoute]:
    """The routes of an archive that stands at `path` (no slash at its end).

    `files` gives the whole site by relative path; it is asked at each request. A page that is not there is an
    HTTPException(404), so that the server's own page says so.
    """

    async def answer(request: Request) -> Response:
        name = request.path_params.get("name", "")
        site = await files()
        shown = f"{name}{INDEX}" if name.endswith("/") or not name else name
        if shown not in site:
            if f"{name}/{INDEX}" in site:
                return RedirectResponse(f"{urlsplit(str(request.url)).path}/", 308)
            raise HTTPException(404)
        tag = f'"{sha256(site[shown]).hexdigest()[:32]}"'
        headers = {**HEADERS, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        kind = FEED if shown == "feed.xml" else TYPES.get(splitext(shown)[1], "application/octet-stream")
        return Response(site[shown], headers={**headers, "Content-Type": kind})

    async def slash(request: Request) -> Response:
        return RedirectResponse(f"{urlsplit(str(request.url)).path}/", 308)

    found: list[BaseRoute] = [Route(f"{path}/{{name:path}}", answer, methods=["GET"])]
    return [Route(path, slash, methods=["GET"]), *found] if path else found
