"""What every public page needs: the lists and their look, the store, the links, and the way from a name to a page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from moza_mail import render
from moza_mail.app.clock import now
from moza_mail.compose import SignedLinks
from moza_mail.errors import InvalidLink, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing_list import Consent, MailingList, OptIn
from moza_mail.model.rate import Rate
from moza_mail.model.theme import Colophon, Theme
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.web.public.rate_limit import Visits

FALLBACK = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A theme as the pages use it: its languages by code, its style sheet and its logo under names that change with them."""

    theme: Theme
    languages: Mapping[str, str]
    style: str
    name: str
    logo_name: str = ""

    @classmethod
    def of(cls, theme: Theme) -> "Look":
        """Read what the pages need of a theme; raise ThemeError or RenderError when it lacks that."""
        style = render.render_stylesheet(theme)
        return cls(
            theme=theme,
            languages=render.find_languages(theme),
            style=style,
            name=f"style-{_digest(style.encode())}.css",
            logo_name=f"logo-{_digest(theme.logo.content)}" if theme.logo else "",
        )

    def logo(self, base: str) -> Mapping[str, Any] | None:
        """What the <img> of the logo says; None without one."""
        logo, settings = self.theme.logo, self.theme.settings.get("logo", {})
        if logo is None:
            return None
        size = {"width": logo.width, "height": logo.height}
        return {"src": f"{base}/{self.logo_name}", "alt": str(settings.get("alt", "")), **size}

    def language(self, *wanted: str) -> str:
        """The first language wanted that there are sentences for, `nl` where `nl-BE` is asked; else English."""
        tags = (code for tag in wanted for code in (tag.lower(), tag.lower().partition("-")[0]))
        return next((code for code in tags if code in self.languages), FALLBACK)


@dataclass(frozen=True, kw_only=True)
class Service:
    """The public side of a project.

    There is at least one of `lists`, and the first speaks for pages that are of none. `themes` has each list's by slug, and
    under "" that of those pages. `links` holds the address of it all, which
    may have a path of its own. `sign_ups` is how many may sign up from one address. `international` lets signs beyond
    ASCII stand before the @.
    """

    lists: Mapping[str, MailingList]
    themes: Mapping[str, Theme]
    links: SignedLinks
    store: Store
    now: Callable[[], datetime]
    sign_ups: Rate
    international: bool = False
    looks: Mapping[str, Look] = field(init=False)
    visits: Visits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "looks", {slug: Look.of(theme) for slug, theme in self.themes.items()})
        object.__setattr__(self, "visits", Visits(self.sign_ups))

    @cached_property
    def base(self) -> str:
        """The path below which everything stands, without a slash at its end."""
        return urlsplit(self.links.public_url).path.rstrip("/")

    @cached_property
    def hosts(self) -> frozenset[str]:
        """What a request may call us in its Host header: the name in public_url, its port where it is not the usual one."""
        parts = urlsplit(self.links.public_url)
        name, usual = parts.netloc.lower(), {"https": 443, "http": 80}[parts.scheme]
        host = name.removesuffix(f":{usual}")
        return frozenset({host, f"{host}:{usual}"} if parts.port in {None, usual} else {name})

    @cached_property
    def open_lists(self) -> tuple[MailingList, ...]:
        """The lists that people may sign up for by themselves."""
        return tuple(one for one in self.lists.values() if one.opt_in is OptIn.DOUBLE)

    def language(self, request: Request, mailing_list: MailingList | None = None, wanted: str = "") -> str:
        """The language of a page: the one asked for by `?lang=`, else `wanted`, else that of the list or of the first one."""
        lists = (mailing_list,) if mailing_list else tuple(self.lists.values())[:1]
        asked = request.query_params.get("lang", "")
        return self.look(mailing_list).language(asked, wanted, *(one.lang for one in lists))

    def consent(self, request: Request, mailing_list: MailingList, wanted: str = "") -> Consent:
        """What one says yes to when signing up to a list, in the language of a page that is the list's, or the reader's own."""
        lang = self.language(request, mailing_list, wanted)
        return render.make_consent(mailing_list, self.look(mailing_list).theme, lang)

    def consent_language(self, request: Request, mailing_list: MailingList, wanted: str = "") -> str:
        """The language those words are in: where a list has none for the page's, they are in its own."""
        lang = self.language(request, mailing_list, wanted)
        return lang if lang in mailing_list.consent or not mailing_list.consent else mailing_list.lang

    def look(self, mailing_list: MailingList | None) -> Look:
        """The look of a list's pages, or of those of none."""
        return self.looks[mailing_list.slug if mailing_list else ""]

    def path(self, request: Request, *parts: str) -> str:
        """The address of one of our pages, in the language that was asked for."""
        asked = request.query_params.get("lang", "")
        known = any(asked in look.languages for look in self.looks.values())
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
        """A page of the theme. Another language is offered where asking for the page again by GET gives the same page."""
        look, lang = self.look(mailing_list), self.language(request, mailing_list, wanted)
        others = {code: own for code, own in look.languages.items() if code != lang}
        names = {
            "list": mailing_list,
            "colophon": Colophon.for_list(mailing_list or next(iter(self.lists.values()))),
            "home": self.path(request, ""),
            "logo": look.logo(self.base),
            "style": f"{self.base}/{look.name}",
            "languages": [
                {"code": code, "name": own, "url": f"?lang={code}"}
                for code, own in others.items()
                if request.method in {"GET", "HEAD"}
            ],
        }
        return HTMLResponse(
            render.render_page(look.theme, name, lang, {**names, **values}), status_code=status
        )

    def notice(
        self,
        request: Request,
        what: str,
        mailing_list: MailingList | None = None,
        *,
        status: int,
        **values: Any,
    ) -> HTMLResponse:
        """A page that says what went wrong; `what` is the key of its sentences."""
        return self.page(
            request, "notice", mailing_list, status=status, **{"what": what, "sign_up_url": "", **values}
        )


def open_service(project: Project, store: Store) -> Service:
    """Return the public side of a project. A changed list or theme shows after a restart.

    Raises ProjectError if there is no list.
    """
    lists = project.read_lists()
    if not lists:
        raise ProjectError(_("there is no list to serve"), hint=_("Write one in subscribers/lists.toml."))
    # The default list comes first: its texts are used on pages that belong to no list.
    lists = dict(sorted(lists.items(), key=lambda item: item[0] != project.config.default_list))
    themes = {slug: project.read_theme(one.theme or project.config.theme) for slug, one in lists.items()}
    return Service(
        lists=lists,
        themes={**themes, "": project.read_theme(project.config.theme)},
        links=SignedLinks(secret=project.read_secret(), public_url=project.config.public_url),
        store=store,
        now=now,
        sign_ups=Rate.parse(project.config.sign_up_rate),
        international=project.config.smtputf8,
    )


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def gone(error: InvalidLink) -> HTTPException:
    """The page for a link that does not hold: 410 when it once was ours, 404 when it never was, and not a word more."""
    return HTTPException(410, "link_expired") if error.expired else HTTPException(404, "link_wrong")
