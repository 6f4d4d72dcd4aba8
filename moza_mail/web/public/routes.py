"""The routes of the public pages. GET and HEAD change nothing; only POST does."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from moza_mail.errors import StoreError, StoreLocked
from moza_mail.web.public.preferences import PreferencesPage
from moza_mail.web.public.security import RequestGuard
from moza_mail.web.public.sign_up import SignUpPages
from moza_mail.web.public.site import PublicSite
from moza_mail.web.public.unsubscribe import UnsubscribePages

HEALTH = "/healthz"
# The key of the texts for each status in the locale files of a theme.
NOTICE_KEYS = {
    400: "unreadable", 404: "not_found", 405: "not_so", 408: "too_slow", 413: "too_large", 415: "unreadable",
    421: "not_found", 429: "too_many", 500: "out_of_order", 503: "out_of_order",
}  # fmt: skip
LINK_NOTICES = frozenset({"link_wrong", "link_expired"})
RETRY_SECONDS = "60"
Endpoint = Callable[[Request], Awaitable[Response]]
CACHE_FOREVER = "public, max-age=31536000, immutable"


def build_app(site: PublicSite, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application that serves a site.

    routes: further routes below the site's URL, such as the routes of an archive.
    """

    async def handle_error(request: Request, error: Exception) -> Response:
        known = error if isinstance(error, HTTPException) else HTTPException(500)
        return _notice(site, request, known)

    all_routes = [*_site_routes(site), *routes]
    if site.base:
        all_routes = [Route(site.base, _list_index(site)), Mount(site.base, routes=all_routes)]
    guard = Middleware(
        RequestGuard,
        hosts=site.hosts,
        health=f"{site.base}{HEALTH}",
        make_page=lambda request, error: _notice(site, request, error),
    )
    application = Starlette(
        routes=all_routes, middleware=[guard], exception_handlers={HTTPException: handle_error}
    )
    application.router.redirect_slashes = False
    return application


def _site_routes(site: PublicSite) -> list[BaseRoute]:
    sign_up, unsubscribe, preferences = SignUpPages(site), UnsubscribePages(site), PreferencesPage(site)
    return [
        Route("/", _list_index(site)),
        Route(HEALTH, _health_check(site)),
        *(Route(f"/{name}", _file_endpoint(*file)) for name, file in _theme_files(site).items()),
        _form_route("/lists/{slug}", sign_up.show_form, sign_up.sign_up),
        Route("/lists/{slug}/sent", sign_up.show_sent),
        Route("/lists/{slug}/sent/{token}", sign_up.show_sent),
        Route("/lists/{slug}/change/{token}", sign_up.show_change),
        _form_route("/confirm/{slug}/{token}", sign_up.show_confirm, sign_up.confirm),
        _form_route("/preferences/{token}", preferences.show, preferences.save),
        _form_route("/unsubscribe/{slug}/{token}", unsubscribe.show, unsubscribe.unsubscribe),
    ]


def _form_route(path: str, show: Endpoint, handle: Endpoint) -> Route:
    """Return a route that shows a form by GET and handles it by POST."""

    async def dispatch(request: Request) -> Response:
        return await (handle if request.method == "POST" else show)(request)

    return Route(path, dispatch, methods=["GET", "POST"])


def _list_index(site: PublicSite) -> Endpoint:
    """Return the endpoint of the start page, which shows the lists that are open for sign-up.

    If only one list is open, the endpoint redirects to its form.
    """

    async def show(request: Request) -> Response:
        if len(site.open_lists) == 1:
            return RedirectResponse(site.path(request, "lists", site.open_lists[0].slug), 302)
        lists = [
            {
                "title": one.title,
                "archive_url": one.archive_url,
                "url": site.path(request, "lists", one.slug),
            }
            for one in site.open_lists
        ]
        return site.page(request, "lists", lists=lists)

    return show


def _health_check(site: PublicSite) -> Endpoint:
    """Return the endpoint for monitoring: one line for each problem, without names and paths.

    The endpoint reports a store that cannot be read, a disk that is nearly full, confirmation mails that are delayed, and a
    relay that refused the login.
    """

    async def check(request: Request) -> Response:
        del request
        try:
            problems = await site.find_problems()
        except StoreError as error:
            reason = (
                "another process holds the store" if isinstance(error, StoreLocked) else "it cannot be read"
            )
            return PlainTextResponse(f"unavailable: the store: {reason}\n", status_code=503)
        # The pages work, so a proxy must not take this server out of use.
        return PlainTextResponse("\n".join(problems or ["ok"]) + "\n")

    return check


def _theme_files(site: PublicSite) -> Mapping[str, tuple[bytes, str]]:
    """Return the style sheets and logos by name, each with its media type."""
    files: dict[str, tuple[bytes, str]] = {}
    for theme in site.site_themes.values():
        files[theme.style_name] = (theme.style.encode(), "text/css")
        if logo := theme.theme.logo:
            files[theme.logo_name] = (logo.content, logo.content_type)
    return files


def _file_endpoint(content: bytes, kind: str) -> Endpoint:
    async def serve_content(request: Request) -> Response:
        del request
        return Response(content, media_type=kind, headers={"Cache-Control": CACHE_FOREVER})

    return serve_content


def _notice(site: PublicSite, request: Request, error: HTTPException) -> Response:
    """Return the page that explains an error, in the theme of the list in the URL."""
    mailing_list = site.lists.get(request.path_params.get("slug", ""))
    key = error.detail if error.detail in LINK_NOTICES else NOTICE_KEYS.get(error.status_code, "not_so")
    can_sign_up = key == "link_expired" and mailing_list in site.open_lists
    sign_up_url = site.path(request, "lists", mailing_list.slug) if can_sign_up and mailing_list else ""
    page = site.error_page(request, key, mailing_list, status=error.status_code, sign_up_url=sign_up_url)
    page.headers.update(error.headers or {})
    if error.status_code == 503:
        page.headers["Retry-After"] = RETRY_SECONDS
    return page
