"""Data that every public page needs: lists, themes, store, links and languages."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from moza_mail import render
from moza_mail.app.clock import now
from moza_mail.app.service_health import find_service_problems
from moza_mail.compose import SignedLinks
from moza_mail.errors import InvalidLink, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing_list import Consent, MailingList, OptIn
from moza_mail.model.rate import Rate
from moza_mail.model.theme import Colophon, Theme
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.subscribe import SelfService
from moza_mail.web.public.rate_limit import SignUpLimiter

FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTheme:
    """A theme, prepared for the public pages.

    languages: the name of each language by language code.
    style_name, logo_name: file names that change when the content changes, so that browsers can cache the files forever.
    """

    theme: Theme
    languages: Mapping[str, str]
    style: str
    style_name: str
    logo_name: str = ""

    @classmethod
    def load(cls, theme: Theme) -> "SiteTheme":
        """Load a theme for the pages; raise ThemeError or RenderError if it is incomplete."""
        style = render.render_stylesheet(theme)
        return cls(
            theme=theme,
            languages=render.find_languages(theme),
            style=style,
            style_name=f"style-{_digest(style.encode())}.css",
            logo_name=f"logo-{_digest(theme.logo.content)}" if theme.logo else "",
        )

    def logo_values(self, base: str) -> Mapping[str, Any] | None:
        """Return the attributes of the logo's <img>; None if there is no logo."""
        logo, settings = self.theme.logo, self.theme.settings.get("logo", {})
        if logo is None:
            return None
        size = {"width": logo.width, "height": logo.height}
        return {"src": f"{base}/{self.logo_name}", "alt": str(settings.get("alt", "")), **size}

    def choose_language(self, *wanted: str) -> str:
        """Return the first wanted language that the theme has, else English.

        For `nl-BE`, `nl` is tried too.
        """
        tags = (code for tag in wanted for code in (tag.lower(), tag.lower().partition("-")[0]))
        return next((code for code in tags if code in self.languages), FALLBACK_LANGUAGE)


@dataclass(frozen=True, kw_only=True)
class PublicSite:
    """The data of a project's public pages.

    lists: one or more lists by slug. Pages that belong to no list use texts of the first list.
    faulty_lists: the slugs of lists whose table in lists.toml cannot be used. Their subscribers can still unsubscribe.
    themes: the theme of each list by slug. The key "" has the theme of pages that belong to no list.
    links: makes and reads signed links. Their base URL may contain a path: the pages need not be at the root of the host.
    sign_up_rate: the largest rate of sign-ups from one IP address.
    find_problems: returns a line for each problem of the service, for a monitor.
    international: True to accept addresses with non-ASCII characters before the @.
    """

    lists: Mapping[str, MailingList]
    themes: Mapping[str, Theme]
    links: SignedLinks
    store: Store
    now: Callable[[], datetime]
    sign_up_rate: Rate
    find_problems: Callable[[], Awaitable[list[str]]]
    international: bool = False
    faulty_lists: frozenset[str] = frozenset()
    site_themes: Mapping[str, SiteTheme] = field(init=False)
    sign_up_limiter: SignUpLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "site_themes", {slug: SiteTheme.load(theme) for slug, theme in self.themes.items()}
        )
        object.__setattr__(self, "sign_up_limiter", SignUpLimiter(self.sign_up_rate))

    @cached_property
    def self_service(self) -> SelfService:
        """The service that handles subscribers' requests about themselves."""
        return SelfService(self.store, self.links)

    @cached_property
    def base(self) -> str:
        """The path of the public URL, without a slash at its end."""
        return urlsplit(self.links.public_url).path.rstrip("/")

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The accepted values of the Host header, from the host of the public URL.

        The default port may be present or absent.
        """
        parts = urlsplit(self.links.public_url)
        name, usual = parts.netloc.lower(), {"https": 443, "http": 80}[parts.scheme]
        host = name.removesuffix(f":{usual}")
        return frozenset({host, f"{host}:{usual}"} if parts.port in {None, usual} else {name})

    @cached_property
    def open_lists(self) -> tuple[MailingList, ...]:
        """The lists that have a sign-up form."""
        return tuple(one for one in self.lists.values() if one.opt_in is OptIn.DOUBLE)

    def find_list(self, request: Request) -> MailingList:
        """Return the list in the URL.

        Raises HTTPException: 404 for an unknown list, 503 for a list whose table cannot be used.
        """
        slug = request.path_params["slug"]
        if slug in self.faulty_lists:
            raise HTTPException(503)
        if slug not in self.lists:
            raise HTTPException(404)
        return self.lists[slug]

    def find_list_to_leave(self, request: Request) -> MailingList:
        """Return the list in an unsubscribe URL; raise HTTPException 404 for an unknown list.

        A list whose table cannot be used has its slug as title, and is closed to sign-ups.
        """
        slug = request.path_params["slug"]
        if slug in self.faulty_lists:
            first = next(iter(self.lists.values()))
            return replace(
                first,
                slug=slug,
                title=slug,
                sender_name=slug,
                postal_address="",
                contact="",
                archive_url="",
                reply_to=None,
                opt_in=OptIn.RECORDED,
            )
        if slug not in self.lists:
            raise HTTPException(404, "link_wrong")
        return self.lists[slug]

    def choose_language(
        self, request: Request, mailing_list: MailingList | None = None, wanted: str = ""
    ) -> str:
        """Return the language of a page: `?lang=`, else `wanted`, else the language of the list.

        For a page that belongs to no list, the language of the first list is used instead.
        """
        lists = (mailing_list,) if mailing_list else tuple(self.lists.values())[:1]
        asked = request.query_params.get("lang", "")
        return self.site_theme(mailing_list).choose_language(asked, wanted, *(one.lang for one in lists))

    def make_consent(self, request: Request, mailing_list: MailingList, wanted: str = "") -> Consent:
        """Return the consent that a subscriber gives, with its text in the page's language."""
        lang = self.choose_language(request, mailing_list, wanted)
        return render.make_consent(mailing_list, self.site_theme(mailing_list).theme, lang)

    def consent_language(self, request: Request, mailing_list: MailingList, wanted: str = "") -> str:
        """Return the language of the consent text.

        It is the page's language, or the list's language if the list has no consent text in the page's language.
        """
        lang = self.choose_language(request, mailing_list, wanted)
        return lang if lang in mailing_list.consent or not mailing_list.consent else mailing_list.lang

    def site_theme(self, mailing_list: MailingList | None) -> SiteTheme:
        """Return the theme of a list's pages; for None, the theme of pages without a list."""
        return self.site_themes.get(mailing_list.slug if mailing_list else "", self.site_themes[""])

    def path(self, request: Request, *parts: str) -> str:
        """Return the path of a public page, with the requested language as a parameter."""
        asked = request.query_params.get("lang", "")
        known = any(asked in theme.languages for theme in self.site_themes.values())
        path = "/".join(quote(part, safe="") for part in parts)
        return f"{self.base}/{path}" + (f"?lang={asked}" if known else "")

    def page(
        self,
        request: Request,
        name: str,
        mailing_list: MailingList | None = None,
        *,
        status: int = 200,
        wanted: str = "",
        **values: Any,
    ) -> HTMLResponse:
        """Render a page of the theme. Only GET responses have links to other languages."""
        theme, lang = self.site_theme(mailing_list), self.choose_language(request, mailing_list, wanted)
        others = {code: own for code, own in theme.languages.items() if code != lang}
        names = {
            "list": mailing_list,
            "colophon": Colophon.for_list(mailing_list or next(iter(self.lists.values()))),
            "home": self.path(request, ""),
            "logo": theme.logo_values(self.base),
            "style": f"{self.base}/{theme.style_name}",
            "languages": [
                {"code": code, "name": own, "url": f"?lang={code}"}
                for code, own in others.items()
                if request.method in {"GET", "HEAD"}
            ],
        }
        return HTMLResponse(
            render.render_page(theme.theme, name, lang, {**names, **values}), status_code=status
        )

    def error_page(
        self,
        request: Request,
        key: str,
        mailing_list: MailingList | None = None,
        *,
        status: int,
        **values: Any,
    ) -> HTMLResponse:
        """Render a page that explains an error. `key` selects the texts in the theme."""
        return self.page(
            request, "notice", mailing_list, status=status, **{"what": key, "sign_up_url": "", **values}
        )


def open_site(project: Project, store: Store) -> PublicSite:
    """Load the data of a project's public pages. Later changes take effect after a restart.

    Raises ProjectError if there is no list, or if no list can be used.
    """
    lists, faults = project.read_lists(), project.find_list_faults()
    if not lists:
        for fault in faults.values():
            raise fault
        raise ProjectError(_("there is no list to serve"), hint=_("Write one in subscribers/lists.toml."))
    # The default list comes first: its texts are used on pages that belong to no list.
    lists = dict(sorted(lists.items(), key=lambda item: item[0] != project.config.default_list))
    themes = {slug: project.read_theme(one.theme or project.config.theme) for slug, one in lists.items()}
    return PublicSite(
        lists=lists,
        themes={**themes, "": project.read_theme(project.config.theme)},
        links=SignedLinks(secret=project.read_secret(), public_url=project.config.public_url),
        store=store,
        now=now,
        sign_up_rate=Rate.parse(project.config.sign_up_rate),
        international=project.config.smtputf8,
        faulty_lists=frozenset(faults),
        find_problems=partial(find_service_problems, project, store, faulty_lists=len(faults)),
    )


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def link_error(error: InvalidLink) -> HTTPException:
    """Return the HTTP error for an invalid link: 410 if it has expired, otherwise 404."""
    return HTTPException(410, "link_expired") if error.expired else HTTPException(404, "link_wrong")
