"""Serve the pages of an archive from memory, at a path below `public_url`."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from posixpath import splitext
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from moza_mail.model.site import INDEX

LoadFiles = Callable[[], Awaitable[Mapping[str, bytes]]]

# The media types of all files in an archive, the same as those of nginx.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
}
ATOM_TYPE = "application/atom+xml; charset=utf-8"
HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # `frame-ancestors` only works in a header. Each page also has a stricter policy, with the hosts of its images.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' https:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}


def build_routes(path: str, load_files: LoadFiles) -> list[BaseRoute]:
    """Return the routes of an archive.

    path: the path of the archive, without a slash at its end.
    load_files: returns all files of the archive by relative path. It is called for each request.

    The routes raise HTTPException 404 for an unknown page, so that the server shows its own error page.
    """

    async def serve_file(request: Request) -> Response:
        name = request.path_params.get("name", "")
        site = await load_files()
        file = f"{name}{INDEX}" if name.endswith("/") or not name else name
        if file not in site:
            if f"{name}/{INDEX}" in site:
                return RedirectResponse(f"{urlsplit(str(request.url)).path}/", 308)
            raise HTTPException(404)
        tag = f'"{sha256(site[file]).hexdigest()[:32]}"'
        headers = {**HEADERS, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        kind = (
            ATOM_TYPE
            if file == "feed.xml"
            else MEDIA_TYPES.get(splitext(file)[1], "application/octet-stream")
        )
        return Response(site[file], headers={**headers, "Content-Type": kind})

    async def add_slash(request: Request) -> Response:
        return RedirectResponse(f"{urlsplit(str(request.url)).path}/", 308)

    routes: list[BaseRoute] = [Route(f"{path}/{{name:path}}", serve_file, methods=["GET"])]
    return [Route(path, add_slash, methods=["GET"]), *routes] if path else routes
