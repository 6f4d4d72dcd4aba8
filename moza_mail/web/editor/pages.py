"""Pages: the desk as a browser loads it, whole without any script."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from moza_mail.app.issue_status import IssueStatus
from moza_mail.errors import MozaMailError
from moza_mail.i18n.catalog import translate
from moza_mail.model.finding import Finding, Severity
from moza_mail.web.editor import eml
from moza_mail.web.editor.client_view import Look, seen
from moza_mail.web.editor.i18n import (
    LANG_COOKIE,
    MAIL_SCHEMES,
    PARTS_OF_MAIL,
    SCHEME_COOKIE,
    SCHEMES,
    STATES,
    choose_language,
    choose_scheme,
    format_day,
    format_moment,
    language_names,
    script_texts,
    template_functions,
)
from moza_mail.web.editor.needles import needle
from moza_mail.web.editor.render_cache import Gallery, Hung
from moza_mail.web.editor.security import MAIL_POLICY, Keys
from moza_mail.web.editor.workshop import Card, Showing, Trouble, Workshop

WIDTHS = ("375", "640", "800")
YEAR_SECONDS = 365 * 24 * 3600


class Pages:
    """The pages of the issues, and the pieces of them that a script asks for anew."""

    def __init__(self, workshop: Workshop, gallery: Gallery, keys: Keys) -> None:
        self.workshop = workshop
        self.gallery = gallery
        self.keys = keys
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "html"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.filters.update(day=format_day, moment=format_moment)
        templates.globals.update(
            states=STATES, parts_of_mail=PARTS_OF_MAIL, schemes=MAIL_SCHEMES, languages=language_names()
        )
        self._templates = templates

    def routes(self) -> list[Route]:
        """Where they stand."""
        return [
            Route("/", self.first),
            Route("/issue/{name:path}", self.issue),
            Route("/mail/{key}", self.mail),
            Route("/part/{key}/{part}", self.part),
            Route("/choose", self.choose),
        ]

    def fill(self, template: str, request: Request, **names: Any) -> str:
        """A template or a piece of one, in the editor's language."""
        lang = choose_language(request)
        return self._templates.get_template(template).render(**template_functions(lang), lang=lang, **names)

    def page(self, template: str, request: Request, *, status: int = 200, **names: Any) -> HTMLResponse:
        """A whole page."""
        text = self.fill(template, request, scheme=choose_scheme(request), here=request.url.path, **names)
        return HTMLResponse(text, status_code=status)

    def given(self, request: Request, **more: Any) -> dict[str, Any]:
        """What a page's script begins with."""
        return {"token": self.keys.token, "texts": script_texts(choose_language(request)), **more}

    async def first(self, request: Request) -> Response:
        """The newest issue, or how to begin one."""
        if newest := self.workshop.newest:
            return RedirectResponse(f"/issue/{newest}", status_code=303)
        return self.page(
            "issue.html",
            request,
            room="issues",
            cards=[],
            name="",
            title="",
            found=None,
            given=self.given(request, name=""),
        )

    async def issue(self, request: Request) -> Response:
        """An issue: the list, the mail and what check says of it."""
        name = request.path_params["name"]
        if name not in self.workshop.names():
            raise HTTPException(404)
        hung = await self.gallery.hang(name, None, "")
        found = await self.findings(hung)
        cards = await self.workshop.cards()
        card = next(card for card in cards if card.name == name)
        lang = choose_language(request)
        width, look = request.query_params.get("width", ""), Look.asked(request.query_params)
        names = {
            "name": name,
            "title": hung.showing.title if hung.showing else card.title,
            "state": "broken" if card.broken else card.state.value,
            "width": width if width in WIDTHS else "",
            "look": look.scheme.value,
            "key": hung.key,
            "showing": hung.showing,
            **self.trouble(hung.trouble, name, lang),
            "last_good": hung.showing is not None,
            "cards": self.listed(cards),
            **self.told(found, hung.showing, lang),
            "standing": await hung.showing.standing() if hung.showing else IssueStatus(),
            "given": self.given(request, name=name, **await self.facts(hung)),
        }
        return self.page("issue.html", request, room="issues", **names)

    async def facts(self, hung: Hung) -> dict[str, Any]:
        """What a script needs to know of a rendering."""
        showing = hung.showing
        if showing is None:
            return {"key": "", "trouble": hung.trouble is not None}
        return {
            "key": hung.key,
            "trouble": hung.trouble is not None,
            "title": showing.title,
            "sender": showing.sender,
            "subject": showing.rendered.subject,
            "preheader": showing.rendered.preheader,
            "missing": list(showing.missing),
            "unknown": hung.unknown,
        }

    async def findings(self, hung: Hung) -> tuple[Finding, ...] | None:
        """What check says; None when there is nothing good to look at."""
        if hung.showing is None or hung.trouble is not None:
            return None
        try:
            return await to_thread.run_sync(hung.showing.findings)
        except MozaMailError:
            return None

    def told(self, found: Sequence[Finding] | None, showing: Showing | None, lang: str) -> dict[str, Any]:
        """Findings as `findings.html` shows them, in a language."""
        if found is None or showing is None:
            return {"found": None, "counts": {}}
        counts = Counter(each.severity.value for each in found)
        rows = showing.rows
        shown = [
            {
                "severity": each.severity.value,
                "rule": each.rule,
                "line": each.line,
                "message": translate(each.message, lang),
                "fix": translate(each.fix, lang),
                "needle": needle(rows[each.line - 1]) if 0 < each.line <= len(rows) else "",
            }
            for each in found
        ]
        return {"found": shown, "counts": {severity.value: counts[severity.value] for severity in Severity}}

    def trouble(self, trouble: Trouble | None, name: str, lang: str) -> dict[str, Any]:
        """What is wrong as `trouble.html` shows it, in a language; `here` when it is in the issue's own file."""
        if trouble is None:
            return {"trouble": None}
        path = str(self.workshop.path(name))
        here = trouble.source in {path, name}
        said = {"message": translate(trouble.message, lang), "hint": translate(trouble.hint, lang)}
        source = name if here else trouble.source
        return {"trouble": {**asdict(trouble), **said, "source": source, "here": here}}

    def listed(self, cards: Sequence[Card]) -> list[dict[str, Any]]:
        """Issues as `cards.html` shows them."""
        return [
            {
                "name": card.name,
                "title": card.title,
                "day": card.day,
                "year": card.day.isoformat()[:4] if card.day else "–",
                "state": "broken" if card.broken else card.state.value,
            }
            for card in cards
        ]

    def showing(self, key: str) -> Showing:
        """A rendering by its key; raise HTTPException when it is no longer kept."""
        found = self.gallery.get(key)
        if found is None:
            raise HTTPException(404)
        return found

    async def mail(self, request: Request) -> Response:
        """The mail alone, as it looks somewhere."""
        html = seen(self.showing(request.path_params["key"]).rendered.html, Look.asked(request.query_params))
        return HTMLResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})

    async def part(self, request: Request) -> Response:
        """Another part of it, as plain text."""
        showing, part = self.showing(request.path_params["key"]), request.path_params["part"]
        match part:
            case "text":
                said = showing.rendered.text
            case "source":
                said = (await to_thread.run_sync(showing.message)).decode("utf-8", errors="replace")
            case "headers":
                found = eml.headers(await to_thread.run_sync(showing.message))
                said = "\n".join(f"{name}: {value}" for name, value in found)
            case "calendar":
                said = (await to_thread.run_sync(showing.calendar) or b"").decode()
            case _:
                raise HTTPException(404)
        return PlainTextResponse(said.replace("\r\n", "\n"))

    async def choose(self, request: Request) -> Response:
        """Keep the language or the colours that were chosen, and go back."""
        query = request.query_params
        to = urlsplit(query.get("to", "/"))
        path = f"/{to.path.lstrip('/')}"
        answer = RedirectResponse(path, status_code=303)
        for cookie, known, given in (
            (LANG_COOKIE, language_names(), query.get("lang")),
            (SCHEME_COOKIE, SCHEMES, query.get("scheme")),
        ):
            if given in known:
                answer.set_cookie(cookie, str(given), max_age=YEAR_SECONDS, httponly=True, samesite="strict")
        return answer

    async def not_found(self, request: Request, error: Exception) -> Response:
        """A page that is not there."""
        del error
        return self.page("refused.html", request, status=404, room="")
