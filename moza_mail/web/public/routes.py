"""The public pages: sign up, confirm, leave, choose. GET and HEAD change nothing; a POST does, once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from moza_mail.errors import StoreError
from moza_mail.web.public.preferences import Choosing
from moza_mail.web.public.security import Guard
from moza_mail.web.public.service import Service
from moza_mail.web.public.sign_up import Joining
from moza_mail.web.public.unsubscribe import Leaving

HEALTH = "/healthz"
# The sentences for each status, by their key in the locale files.
NOTICES = {
    400: "unreadable", 404: "not_found", 405: "not_so", 408: "too_slow", 413: "too_large", 415: "unreadable",
    421: "not_found", 429: "too_many", 500: "out_of_order", 503: "out_of_order",
}  # fmt: skip
SPECIAL = frozenset({"link_wrong", "link_expired"})
SOON = "60"
Endpoint = Callable[[Request], Awaitable[Response]]
LONG = "public, max-age=31536000, immutable"


def app(service: Service, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The pages of a service; `routes` are others' below the same address, such as the archive, and come after its own."""

    async def failed(request: Request, error: Exception) -> Response:
        known = error if isinstance(error, HTTPException) else HTTPException(500)
        return _notice(service, request, known)

    own = [*_routes(service), *routes]
    if service.base:
        own = [Route(service.base, _lists(service)), Mount(service.base, routes=own)]
    guard = Middleware(
        Guard,
        hosts=service.hosts,
        health=f"{service.base}{HEALTH}",
        answer=lambda request, error: _notice(service, request, error),
    )
    made = Starlette(routes=own, middleware=[guard], exception_handlers={HTTPException: failed})
    made.router.redirect_slashes = False
    return made


def _routes(service: Service) -> list[BaseRoute]:
    joining, leaving, choosing = Joining(service), Leaving(service), Choosing(service)
    return [
        Route("/", _lists(service)),
        Route(HEALTH, _health(service)),
        *(Route(f"/{name}", _file(*file)) for name, file in _files(service).items()),
        _form("/lists/{slug}", joining.ask, joining.sign_up),
        Route("/lists/{slug}/sent", joining.sent),
        _form("/confirm/{slug}/{token}", joining.ask_again, joining.confirm),
        _form("/preferences/{token}", choosing.ask, choosing.choose),
        _form("/unsubscribe/{slug}/{token}", leaving.ask, leaving.leave),
    ]


def _form(path: str, ask: Endpoint, act: Endpoint) -> Route:
    """One address that asks by GET and acts by POST."""

    async def either(request: Request) -> Response:
        return await (act if request.method == "POST" else ask)(request)

    return Route(path, either, methods=["GET", "POST"])


def _lists(service: Service) -> Endpoint:
    """The first page: the lists that can be signed up for; where there is one, straight to its form."""

    async def show(request: Request) -> Response:
        if len(service.open_lists) == 1:
            return RedirectResponse(service.path(request, "lists", service.open_lists[0].slug), 302)
        lists = [
            {
                "title": one.title,
                "archive_url": one.archive_url,
                "url": service.path(request, "lists", one.slug),
            }
            for one in service.open_lists
        ]
        return service.page(request, "lists", lists=lists)

    return show


def _health(service: Service) -> Endpoint:
    """For who watches over the machine: whether the store can be read, and not a word more."""

    async def look(request: Request) -> Response:
        del request
        try:
            await service.store.ledger.count_by_state(0)
        except StoreError:
            return PlainTextResponse("unavailable\n", status_code=503)
        return PlainTextResponse("ok\n")

    return look


def _files(service: Service) -> Mapping[str, tuple[bytes, str]]:
    """The style sheets and logos by name, each with its type."""
    found: dict[str, tuple[bytes, str]] = {}
    for look in service.looks.values():
        found[look.name] = (look.style.encode(), "text/css")
        if logo := look.theme.logo:
            found[look.logo_name] = (logo.content, logo.content_type)
    return found


def _file(content: bytes, kind: str) -> Endpoint:
    async def give(request: Request) -> Response:
        del request
        return Response(content, media_type=kind, headers={"Cache-Control": LONG})

    return give


def _notice(service: Service, request: Request, error: HTTPException) -> Response:
    """The page of what went wrong, in the look of the list that it was about."""
    mailing_list = service.lists.get(request.path_params.get("slug", ""))
    what = error.detail if error.detail in SPECIAL else NOTICES.get(error.status_code, "not_so")
    again = what == "link_expired" and mailing_list in service.open_lists
    back = service.path(request, "lists", mailing_list.slug) if again and mailing_list else ""
    made = service.notice(request, what, mailing_list, status=error.status_code, sign_up_url=back)
    made.headers.update(error.headers or {})
    if error.status_code == 503:
        made.headers["Retry-After"] = SOON
    return made
