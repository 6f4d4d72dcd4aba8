"""Editing: an issue's file read, changed by its parts and saved. What a text becomes is decided by parse, not here."""

from difflib import SequenceMatcher
from typing import Any

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from moza_mail import edit, parse
from moza_mail.errors import MozaMailError
from moza_mail.web.editor.api import named, wanted
from moza_mail.web.editor.i18n import choose_language, in_one_line
from moza_mail.web.editor.pages import Pages
from moza_mail.web.editor.workshop import Conflict, Source, Workshop

# The keys that have a field of their own in the form, in its order, and how each is asked for.
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
# Rows of the same text around a difference.
AROUND = 2
FARTHEST = 10_000


class Editing:
    """The file of an issue, for the editor on the page."""

    def __init__(self, workshop: Workshop, pages: Pages) -> None:
        self.workshop = workshop
        self.pages = pages

    def routes(self) -> list[Route]:
        """Where it is asked."""
        return [
            Route("/api/source", self.source),
            Route("/api/outline", self.outline, methods=["POST"]),
            Route("/api/edit", self.edit, methods=["POST"]),
            Route("/api/save", self.save, methods=["POST"]),
            Route("/api/difference", self.difference, methods=["POST"]),
        ]

    async def source(self, request: Request) -> Response:
        """The text of the file and the digest of its bytes."""
        name = named(self.workshop, request.query_params.get("name", ""))
        try:
            source = await to_thread.run_sync(self.workshop.source, name)
        except MozaMailError as error:
            return JSONResponse({"said": in_one_line(error, choose_language(request))})
        return JSONResponse({"text": source.text, "digest": source.digest})

    async def outline(self, request: Request) -> Response:
        """The parts of a text that may change places, and what its front matter says; empty where it cannot be read."""
        asked = await wanted(request, "name", "text")
        name = named(self.workshop, asked["name"])
        return JSONResponse(await to_thread.run_sync(self._outlined, request, name, asked["text"]))

    def _outlined(self, request: Request, name: str, text: str) -> dict[str, Any]:
        told: dict[str, Any] = {"html": "", "form": "", "body": 0, "said": ""}
        try:
            front = parse.read_front_matter(text, name)
            told["body"] = front.body_line
            told["form"] = self._form(request, front)
            issue = parse.parse_issue(text, name, agenda_headings=self.workshop.agenda_headings)
            found = edit.read_outline(text, issue, self.workshop.agenda_headings)
            told["html"] = self.pages.fill("outline.html", request, families=found)
        except MozaMailError as error:
            told["said"] = in_one_line(error, choose_language(request))
        return told

    def _form(self, request: Request, front: parse.FrontMatter) -> str:
        return self.pages.fill(
            "form.html",
            request,
            fields=FIELDS,
            values={key: front.one_line(key) for key in front.texts},
            others=[key for key in front.lines if key not in FIELDS],
            lists=self.workshop.lists,
        )

    async def edit(self, request: Request) -> Response:
        """The text with a key of its front matter set (`key`, `value`), or a part moved (`start`, `by`)."""
        asked = await wanted(request, "name", "text")
        name = named(self.workshop, asked["name"])
        return JSONResponse(await to_thread.run_sync(self._edited, name, asked, choose_language(request)))

    def _edited(self, name: str, asked: dict[str, Any], lang: str) -> dict[str, Any]:
        text = asked["text"]
        try:
            match asked:
                case {"key": str(key), "value": str(value)} if key in FIELDS:
                    new = edit.set_front_matter_value(text, key, value, name)
                    return {"text": new, "body": parse.read_front_matter(new, name).body_line}
                case {"start": int(start), "by": int(by)} if abs(by) < FARTHEST:
                    new, place = edit.move_part(text, name, start, by, self.workshop.agenda_headings)
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
            return {"said": in_one_line(error, lang)}
        raise HTTPException(400, "a key and its value are expected, or where to begin and how far")

    async def save(self, request: Request) -> Response:
        """Save the text when the file is still what it was read from; else give what it holds now, and the difference."""
        asked = await wanted(request, "name", "text", "digest")
        name, text = named(self.workshop, asked["name"]), asked["text"]
        try:
            saved = await to_thread.run_sync(self.workshop.save, name, text, asked["digest"])
        except Conflict as conflict:
            return JSONResponse(self._told(request, text, conflict.theirs), status_code=409)
        except MozaMailError as error:
            return JSONResponse({"said": in_one_line(error, choose_language(request))})
        return JSONResponse({"digest": saved.digest})

    async def difference(self, request: Request) -> Response:
        """What the file holds now, and in what a text differs from that."""
        asked = await wanted(request, "name", "text")
        name = named(self.workshop, asked["name"])
        try:
            theirs = await to_thread.run_sync(self.workshop.source, name)
        except MozaMailError:
            theirs = None
        return JSONResponse(self._told(request, asked["text"], theirs))

    def _told(self, request: Request, text: str, theirs: Source | None) -> dict[str, Any]:
        rows = difference(text, theirs.text if theirs else "")
        return {
            "theirs": theirs.text if theirs else None,
            "digest": theirs.digest if theirs else "",
            "html": self.pages.fill("difference.html", request, rows=rows),
        }


def difference(mine: str, theirs: str) -> list[dict[str, str]]:
    """The rows in which two texts differ, each as `mine`, `theirs` or `both`, with a `gap` where the same rows are left out."""
    own, other = mine.split("\n"), theirs.split("\n")
    matcher = SequenceMatcher(None, own, other, autojunk=len(own) + len(other) > FARTHEST)
    rows: list[dict[str, str]] = []
    for number, group in enumerate(matcher.get_grouped_opcodes(AROUND)):
        if number:
            rows.append({"kind": "gap", "text": "…"})
        for kind, first, stop, their_first, their_stop in group:
            if kind == "equal":
                rows += [{"kind": "both", "text": row} for row in own[first:stop]]
                continue
            rows += [{"kind": "mine", "text": row} for row in own[first:stop]]
            rows += [{"kind": "theirs", "text": row} for row in other[their_first:their_stop]]
    return rows
