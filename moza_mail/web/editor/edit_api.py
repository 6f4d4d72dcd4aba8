"""API to read, change and save the file of an issue. The package `edit` makes the changes."""

from difflib import SequenceMatcher
from typing import Any

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from moza_mail import edit, parse
from moza_mail.app.issue_files import EditConflict, IssueText
from moza_mail.app.project_session import ProjectSession
from moza_mail.errors import MozaMailError
from moza_mail.web.editor.api import read_json, require_issue
from moza_mail.web.editor.i18n import choose_language, in_one_line
from moza_mail.web.editor.pages import Pages

# The front matter keys that have a field in the form, in the order of the form, and the kind of each field.
FIELDS = {
    "title": "text",
    "date": "date",
    "subject": "text",
    "summary": "long",
    "send_at": "text",
    "list": "list",
    "lang": "lang",
    "theme": "text",
    "slug": "text",
    "draft": "flag",
}
CONTEXT_LINES = 2
MAX_DISTANCE = 10_000


class EditApi:
    """Handles requests from the form, the outline and the text field of the editor."""

    def __init__(self, session: ProjectSession, pages: Pages) -> None:
        self.session = session
        self.pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        return [
            Route("/api/source", self.source),
            Route("/api/outline", self.outline, methods=["POST"]),
            Route("/api/edit", self.edit, methods=["POST"]),
            Route("/api/save", self.save, methods=["POST"]),
            Route("/api/difference", self.difference, methods=["POST"]),
            Route("/api/paste", self.paste, methods=["POST"]),
        ]

    async def source(self, request: Request) -> Response:
        """Return the text of an issue and the digest of its file."""
        name = require_issue(self.session, request.query_params.get("name", ""))
        try:
            source = await to_thread.run_sync(self.session.files.read, name)
        except MozaMailError as error:
            return JSONResponse({"error": in_one_line(error, choose_language(request))})
        return JSONResponse({"text": source.text, "digest": source.digest})

    async def outline(self, request: Request) -> Response:
        """Return the outline of a text and the form for its front matter.

        The form is empty if the front matter cannot be parsed. The outline is empty if the text cannot be parsed.
        """
        fields = await read_json(request, "name", "text")
        name = require_issue(self.session, fields["name"])
        return JSONResponse(await to_thread.run_sync(self._read_outline, request, name, fields["text"]))

    def _read_outline(self, request: Request, name: str, text: str) -> dict[str, Any]:
        data: dict[str, Any] = {"html": "", "form": "", "body": 0, "error": ""}
        text = parse.normalize_line_endings(text)
        try:
            front = parse.read_front_matter(text, name)
            data["body"] = front.body_line
            data["form"] = self._fill_form(request, front)
            issue = parse.parse_issue(text, name, agenda_headings=self.session.agenda_headings)
            families = edit.read_outline(text, issue, self.session.agenda_headings)
            data["html"] = self.pages.fill("outline.html", request, families=families)
        except MozaMailError as error:
            data["error"] = in_one_line(error, choose_language(request))
        return data

    def _fill_form(self, request: Request, front: parse.FrontMatter) -> str:
        return self.pages.fill(
            "form.html",
            request,
            fields=FIELDS,
            values={key: front.one_line(key) for key in front.texts},
            others=[key for key in front.lines if key not in FIELDS],
            lists=self.session.list_slugs,
        )

    async def edit(self, request: Request) -> Response:
        """Return the changed text: a front matter key is set, or a part of the text is moved.

        The request has `key` and `value`, or `start` and `by`.
        """
        fields = await read_json(request, "name", "text")
        name = require_issue(self.session, fields["name"])
        return JSONResponse(await to_thread.run_sync(self._change, name, fields, choose_language(request)))

    def _change(self, name: str, fields: dict[str, Any], lang: str) -> dict[str, Any]:
        text = parse.normalize_line_endings(fields["text"])
        try:
            match fields:
                case {"key": str(key), "value": str(value)} if key in FIELDS:
                    new = edit.set_front_matter_value(text, key, value, name)
                    return {"text": new, "body": parse.read_front_matter(new, name).body_line}
                case {"start": int(start), "by": int(by)} if abs(by) < MAX_DISTANCE:
                    new, place = edit.move_part(text, name, start, by, self.session.agenda_headings)
                    piece = place.part
                    return {
                        "text": new,
                        "body": parse.read_front_matter(new, name).body_line,
                        "start": piece.start,
                        "line": piece.line,
                        "title": piece.title,
                        "place": place.index + 1,
                        "among": len(place.siblings),
                    }
        except MozaMailError as error:
            return {"error": in_one_line(error, lang)}
        raise HTTPException(400, "`key` and `value` are expected, or `start` and `by`")

    async def save(self, request: Request) -> Response:
        """Save the text. If the file has changed meanwhile, return its current text and a diff."""
        fields = await read_json(request, "name", "text", "digest")
        name, text = require_issue(self.session, fields["name"]), fields["text"]
        try:
            saved = await to_thread.run_sync(self.session.files.save, name, text, fields["digest"])
        except EditConflict as conflict:
            return JSONResponse(self._compare(request, text, conflict.current), status_code=409)
        except MozaMailError as error:
            return JSONResponse({"error": in_one_line(error, choose_language(request))})
        return JSONResponse({"digest": saved.digest})

    async def difference(self, request: Request) -> Response:
        """Return the current text of the file, and its difference from the text in the request."""
        fields = await read_json(request, "name", "text")
        name = require_issue(self.session, fields["name"])
        try:
            current = await to_thread.run_sync(self.session.files.read, name)
        except MozaMailError:
            current = None
        return JSONResponse(self._compare(request, fields["text"], current))

    async def paste(self, request: Request) -> Response:
        """Return pasted HTML as Markdown; empty if it has content that an issue cannot have."""
        fields = await read_json(request, "html")
        try:
            text = await to_thread.run_sync(edit.html_to_markdown, fields["html"])
        except MozaMailError:
            text = ""
        return JSONResponse({"text": text})

    def _compare(self, request: Request, text: str, current: IssueText | None) -> dict[str, Any]:
        rows = diff_lines(text, current.text if current else "")
        return {
            "current": current.text if current else None,
            "digest": current.digest if current else "",
            "html": self.pages.fill("difference.html", request, rows=rows),
        }


def diff_lines(mine: str, theirs: str) -> list[dict[str, str]]:
    """Return the lines in which two texts differ, with a few equal lines around them.

    Each line has a kind: `mine`, `theirs` or `both`. A line of kind `gap` replaces omitted equal lines.
    """
    own, other = mine.split("\n"), theirs.split("\n")
    matcher = SequenceMatcher(None, own, other, autojunk=len(own) + len(other) > MAX_DISTANCE)
    rows: list[dict[str, str]] = []
    for number, group in enumerate(matcher.get_grouped_opcodes(CONTEXT_LINES)):
        if number:
            rows.append({"kind": "gap", "text": "…"})
        for kind, first, stop, their_first, their_stop in group:
            if kind == "equal":
                rows += [{"kind": "both", "text": row} for row in own[first:stop]]
                continue
            rows += [{"kind": "mine", "text": row} for row in own[first:stop]]
            rows += [{"kind": "theirs", "text": row} for row in other[their_first:their_stop]]
    return rows
