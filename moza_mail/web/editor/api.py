"""JSON API for scripts: previews, findings, issue lists, recipients and test copies."""

import json
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from moza_mail.app.project_session import ProjectSession
from moza_mail.errors import IssueError, MozaMailError
from moza_mail.i18n.catalog import translate
from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState
from moza_mail.web.editor import eml, security
from moza_mail.web.editor.i18n import choose_language, decode_idn, in_one_line
from moza_mail.web.editor.pages import BROKEN, Pages
from moza_mail.web.editor.render_cache import RenderCache, RenderResult

MIN_QUERY = 2


class PreviewApi:
    """Previews an issue, checks it, and sends a test copy."""

    def __init__(self, session: ProjectSession, cache: RenderCache, pages: Pages) -> None:
        self.session = session
        self.cache = cache
        self.pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        return [
            Route("/api/preview", self.preview, methods=["POST"]),
            Route("/api/findings/{key}", self.findings),
            Route("/api/issues", self.list_issues),
            Route("/api/recipients", self.find_recipients),
            Route("/api/test", self.send_test, methods=["POST"]),
        ]

    async def preview(self, request: Request) -> Response:
        """Render an issue's file, or the text in the request, for a recipient.

        If rendering fails, the response describes the problem. It also has the data of the issue's last good preview.
        """
        fields = await read_json(request, "name", "recipient")
        name, text = require_issue(self.session, fields["name"]), fields.get("text")
        if text is not None and not isinstance(text, str):
            raise HTTPException(400, "text must be a string")
        result = await self.cache.render(name, text, fields["recipient"])
        data = self.pages.preview_data(result)
        if result.problem is not None:
            lang = choose_language(request)
            values = self.pages.problem_values(result.problem, name, lang)
            has_preview = result.preview is not None
            data["html"] = self.pages.fill("problem.html", request, **values, has_preview=has_preview)
            data["message"] = translate(result.problem.message, lang).text
            data["status"] = self.pages.fill("issue_status.html", request, issue_status=BROKEN)
        return JSONResponse(data)

    async def findings(self, request: Request) -> Response:
        """Return the findings in a preview, and the status of the issue."""
        key = request.path_params["key"]
        preview = self.pages.find_preview(key)
        findings = await self.pages.findings(RenderResult(key=key, preview=preview))
        values = self.pages.findings_values(findings, preview, choose_language(request))
        html = self.pages.fill("findings.html", request, **values) if findings is not None else ""
        status = self.pages.fill("issue_status.html", request, issue_status=await preview.status())
        return JSONResponse({"html": html, "counts": values["counts"], "status": status})

    async def list_issues(self, request: Request) -> Response:
        """Return the list of issues as HTML."""
        name = request.query_params.get("name", "")
        issues = self.pages.list_values(await self.session.list_issues())
        return JSONResponse({"html": self.pages.fill("issue_list.html", request, issues=issues, name=name)})

    async def find_recipients(self, request: Request) -> Response:
        """Return the subscribers that match a query, to preview the issue for one of them."""
        query = request.query_params
        if len(query.get("query", "").strip()) < MIN_QUERY:
            return JSONResponse([])
        try:
            name = require_issue(self.session, query.get("name", ""))
            found = await self.session.find_recipients(name, query["query"])
        except MozaMailError:
            return JSONResponse([])
        return JSONResponse([{"address": decode_idn(str(each.address)), "name": each.name} for each in found])

    async def send_test(self, request: Request) -> Response:
        """Mail one copy of a preview, marked as a test."""
        fields = await read_json(request, "key", "address")
        preview = self.pages.find_preview(fields["key"])
        try:
            outcome = await preview.send_test(Address.parse(fields["address"].strip()))
        except MozaMailError as error:
            return JSONResponse({"accepted": False, "reason": in_one_line(error, choose_language(request))})
        is_accepted = outcome.state is DeliveryState.ACCEPTED
        reason = "" if is_accepted else str(outcome.reply or outcome.detail)
        folder = self.session.outbox
        names = eml.list_names(folder) if folder and is_accepted else []
        outbox = f"/outbox/{quote(names[0])}" if names else ""
        return JSONResponse({"accepted": is_accepted, "reason": reason, "outbox": outbox})


def require_issue(session: ProjectSession, name: str) -> str:
    """Return `name` if it is the name of an issue; otherwise raise HTTPException 404."""
    try:
        session.files.path(name)
    except IssueError:
        raise HTTPException(404) from None
    return name


async def read_json(request: Request, *texts: str) -> dict[str, Any]:
    """Return the JSON object in a request. Raise HTTPException 400 if it is invalid.

    texts: the names of fields that must be strings.
    """
    try:
        fields = json.loads(await security.read_body(request))
        # JSON can hold half of a surrogate pair, which no file and no answer can.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise HTTPException(400, "that is not JSON") from None
    if not isinstance(fields, dict) or not all(isinstance(fields.get(text), str) for text in texts):
        raise HTTPException(400, f"an object with {', '.join(texts)} is expected")
    return fields
