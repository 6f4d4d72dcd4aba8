"""The editor's pages that list and show issues. They work without scripts."""

import re
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

from moza_mail.app.preview_issue import IssuePreview
from moza_mail.app.project_session import IssueListEntry, ProjectSession
from moza_mail.errors import MozaMailError
from moza_mail.i18n.catalog import translate
from moza_mail.model.finding import Finding, Severity
from moza_mail.web.editor import eml
from moza_mail.web.editor.client_view import ClientView, apply_client_view
from moza_mail.web.editor.i18n import (
    LANG_COOKIE,
    MAIL_SCHEMES,
    PARTS_OF_MAIL,
    SCHEME_COOKIE,
    SCHEMES,
    STATES,
    choose_language,
    choose_scheme,
    decode_idn,
    format_day,
    format_moment,
    language_names,
    script_texts,
    template_functions,
)
from moza_mail.web.editor.problem import Problem
from moza_mail.web.editor.render_cache import RenderCache, RenderResult
from moza_mail.web.editor.security import MAIL_POLICY, AccessKeys

WIDTHS = ("375", "640", "800")
# The status of an issue that cannot be rendered, with the same keys as an IssueStatus.
BROKEN = {"state": "broken", "by": "", "at": None}
YEAR_SECONDS = 365 * 24 * 3600
# Markdown markup, and the text that appears in the mail instead of it.
MARKUP = (
    (re.compile(r"^\s*(?:[*+-]|\d+[.)]|>|#{1,6})\s+"), ""),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\{\{.*?\}\}"), ""),
    (re.compile(r"[*_`~<>|]+"), ""),
)


class Pages:
    """Serves the pages of the issues, and the parts of pages that a script reloads."""

    def __init__(self, session: ProjectSession, cache: RenderCache, keys: AccessKeys) -> None:
        self.session = session
        self.cache = cache
        self.keys = keys
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "html"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(day=format_day, moment=format_moment, idn=decode_idn)
        self._templates.globals.update(
            states=STATES, parts_of_mail=PARTS_OF_MAIL, schemes=MAIL_SCHEMES, languages=language_names()
        )

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        return [
            Route("/", self.first),
            Route("/issue/{name:path}", self.issue),
            Route("/mail/{key}", self.mail),
            Route("/part/{key}/{part}", self.part),
            Route("/choose", self.choose),
        ]

    def fill(self, template: str, request: Request, **values: Any) -> str:
        """Fill a template in the language of the request."""
        lang = choose_language(request)
        return self._templates.get_template(template).render(**template_functions(lang), lang=lang, **values)

    def page(self, template: str, request: Request, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page as a response, in the language and the colours of the request."""
        scheme = choose_scheme(request)
        text = self.fill(template, request, scheme=scheme, here=request.url.path, **values)
        return HTMLResponse(text, status_code=status)

    def script_data(self, request: Request, **more: Any) -> dict[str, Any]:
        """Return the initial data for the script of a page."""
        return {"token": self.keys.token, "texts": script_texts(choose_language(request)), **more}

    async def first(self, request: Request) -> Response:
        """Redirect to the newest issue. Without issues, show how to write the first one."""
        if newest := self.session.files.newest:
            return RedirectResponse(f"/issue/{newest}", status_code=303)
        return self.page(
            "issue.html",
            request,
            section="issues",
            issues=[],
            name="",
            title="",
            found=None,
            problem=None,
            data=self.script_data(request, name=""),
        )

    async def issue(self, request: Request) -> Response:
        """Show the page of an issue: the list of issues, the mail and the findings."""
        name = request.path_params["name"]
        if name not in self.session.files.list_paths():
            raise HTTPException(404)
        result = await self.cache.render(name, None, "")
        preview = result.preview
        findings = await self.findings(result)
        issues = await self.session.list_issues()
        entry = next(entry for entry in issues if entry.name == name)
        lang = choose_language(request)
        width = request.query_params.get("width", "")
        view = ClientView.from_query(request.query_params)
        values = {
            "name": name,
            "has_outbox": self.session.outbox is not None,
            "title": preview.title if preview else entry.title,
            "width": width if width in WIDTHS else "",
            "view": view.scheme.value,
            "key": result.key,
            "preview": preview,
            **self.problem_values(result.problem, name, lang),
            "has_preview": preview is not None,
            "issues": self.list_values(issues, broken=name if result.problem else ""),
            **self.findings_values(findings, preview, lang),
            "issue_status": await preview.status() if preview and not result.problem else BROKEN,
            "data": self.script_data(request, name=name, **self.preview_data(result)),
        }
        return self.page("issue.html", request, section="issues", **values)

    def preview_data(self, result: RenderResult) -> dict[str, Any]:
        """Return the data about a preview for a script."""
        preview = result.preview
        if preview is None:
            return {"key": "", "has_problem": result.problem is not None}
        return {
            "key": result.key,
            "has_problem": result.problem is not None,
            "title": preview.title,
            "sender": preview.sender,
            "subject": preview.rendered.subject,
            "preheader": preview.rendered.preheader,
            "missing": list(preview.missing),
            "unknown": result.is_unknown,
        }

    async def findings(self, result: RenderResult) -> tuple[Finding, ...] | None:
        """Return the findings in a preview; None if the issue cannot be rendered or checked."""
        if result.preview is None or result.problem is not None:
            return None
        try:
            return await to_thread.run_sync(result.preview.findings)
        except MozaMailError:
            return None

    def findings_values(
        self, findings: Sequence[Finding] | None, preview: IssuePreview | None, lang: str
    ) -> dict[str, Any]:
        """Return the values for the template `findings.html`, in the language `lang`."""
        if findings is None or preview is None:
            return {"found": None, "counts": {}, "is_draft": False}
        counts = Counter(finding.severity.value for finding in findings)
        lines = preview.lines
        shown = [
            {
                "severity": finding.severity.value,
                "theme": finding.source.removeprefix("templates/")
                if finding.source.startswith("templates/")
                else "",
                "line": finding.line,
                "message": translate(finding.message, lang),
                "fix": translate(finding.fix, lang),
                "text": strip_markup(lines[finding.line - 1]) if 0 < finding.line <= len(lines) else "",
            }
            for finding in findings
        ]
        by_severity = {severity.value: counts[severity.value] for severity in Severity}
        return {"found": shown, "counts": by_severity, "is_draft": preview.is_draft}

    def problem_values(self, problem: Problem | None, name: str, lang: str) -> dict[str, Any]:
        """Return the values for the template `problem.html`.

        The value `here` is True if the problem is in the issue's own file.
        """
        if problem is None:
            return {"problem": None}
        here = problem.source in {str(self.session.files.path(name)), name}
        values = {
            **asdict(problem),
            "message": translate(problem.message, lang),
            "hint": translate(problem.hint, lang),
            "source": name if here else translate(problem.source, lang).text,
            "here": here,
        }
        return {"problem": values}

    def list_values(self, issues: Sequence[IssueListEntry], broken: str = "") -> list[dict[str, Any]]:
        """Return the values of each issue for the template `issue_list.html`.

        broken: the name of the issue that cannot be rendered; empty if there is none.
        """
        return [
            {
                "name": entry.name,
                "title": entry.title,
                "day": entry.day,
                "year": entry.day.isoformat()[:4] if entry.day else "–",
                "state": "broken" if entry.broken or entry.name == broken else entry.state.value,
            }
            for entry in issues
        ]

    def find_preview(self, key: str) -> IssuePreview:
        """Return the cached preview with this key; raise HTTPException 404 if it is gone."""
        preview = self.cache.get(key)
        if preview is None:
            raise HTTPException(404)
        return preview

    async def mail(self, request: Request) -> Response:
        """Show only the mail, as the mail program in the query would."""
        html = self.find_preview(request.path_params["key"]).rendered.html
        shown = apply_client_view(html, ClientView.from_query(request.query_params))
        return HTMLResponse(shown, headers={"Content-Security-Policy": MAIL_POLICY})

    async def part(self, request: Request) -> Response:
        """Show a part of the mail as plain text: text, source, headers or calendar."""
        preview = self.find_preview(request.path_params["key"])
        match request.path_params["part"]:
            case "text":
                shown = preview.rendered.text
            case "source":
                shown = (await to_thread.run_sync(preview.message)).decode("utf-8", errors="replace")
            case "headers":
                headers = eml.read_headers(await to_thread.run_sync(preview.message))
                shown = decode_idn("\n".join(f"{name}: {value}" for name, value in headers))
            case "calendar":
                shown = (await to_thread.run_sync(preview.calendar) or b"").decode()
            case _:
                raise HTTPException(404)
        return PlainTextResponse(shown.replace("\r\n", "\n"))

    async def choose(self, request: Request) -> Response:
        """Save the chosen language or colours in a cookie, and redirect to the page to show."""
        query = request.query_params
        try:
            to = urlsplit(query.get("to", "/"))
        except ValueError:
            raise HTTPException(400) from None
        response = RedirectResponse(f"/{to.path.lstrip('/')}", status_code=303)
        for cookie, known, chosen in (
            (LANG_COOKIE, tuple(language_names()), query.get("lang")),
            (SCHEME_COOKIE, SCHEMES, query.get("scheme")),
        ):
            if chosen in known:
                response.set_cookie(
                    cookie, str(chosen), max_age=YEAR_SECONDS, httponly=True, samesite="strict"
                )
        return response

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Show the error page for status 404."""
        del error
        return self.page("not_found.html", request, status=404, section="")


def strip_markup(line: str) -> str:
    """Return the text of a Markdown line without markup.

    The result is roughly the text in the mail, so that a script can find the line there.
    """
    for pattern, replacement in MARKUP:
        line = pattern.sub(replacement, line)
    return " ".join(line.split())
