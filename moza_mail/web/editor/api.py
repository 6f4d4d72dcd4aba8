"""Answers: what the page's script asks for while it is open, as JSON."""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from moza_mail.errors import IssueError, MozaMailError
from moza_mail.i18n.catalog import translate
from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState
from moza_mail.web.editor import security
from moza_mail.web.editor.i18n import choose_language, in_one_line
from moza_mail.web.editor.pages import Pages
from moza_mail.web.editor.render_cache import Gallery, Hung
from moza_mail.web.editor.workshop import Workshop

FEWEST_SIGNS = 2


class Answers:
    """The mail anew, its findings, the list, readers, and a test copy."""

    def __init__(self, workshop: Workshop, gallery: Gallery, pages: Pages) -> None:
        self.workshop = workshop
        self.gallery = gallery
        self.pages = pages

    def routes(self) -> list[Route]:
        """Where they are asked."""
        return [
            Route("/api/dress", self.dress, methods=["POST"]),
            Route("/api/findings/{key}", self.findings),
            Route("/api/cards", self.cards),
            Route("/api/readers", self.readers),
            Route("/api/test", self.test, methods=["POST"]),
        ]

    async def dress(self, request: Request) -> Response:
        """Dress an issue's file, or the text that was sent, for a reader; the last good mail beside what is wrong."""
        asked = await wanted(request, "name", "reader")
        name, text = named(self.workshop, asked["name"]), asked.get("text")
        if text is not None and not isinstance(text, str):
            raise HTTPException(400, "text must be a text")
        hung = await self.gallery.hang(name, text, asked["reader"])
        return JSONResponse(await self.told(request, name, hung))

    async def told(self, request: Request, name: str, hung: Hung) -> dict[str, Any]:
        """What became of dressing, for a page that is open."""
        facts = await self.pages.facts(hung)
        if hung.trouble is not None:
            lang = choose_language(request)
            names = {**self.pages.trouble(hung.trouble, name, lang), "last_good": hung.showing is not None}
            facts["said"] = self.pages.fill("trouble.html", request, **names)
            facts["message"] = translate(hung.trouble.message, lang).text
        return facts

    async def findings(self, request: Request) -> Response:
        """What check says of a rendering."""
        key = request.path_params["key"]
        showing = self.pages.showing(key)
        found = await self.pages.findings(Hung(key=key, showing=showing))
        told = self.pages.told(found, showing, choose_language(request))
        html = self.pages.fill("findings.html", request, **told) if found is not None else ""
        standing = self.pages.fill("standing.html", request, standing=await showing.standing())
        return JSONResponse({"html": html, "counts": told["counts"], "standing": standing})

    async def cards(self, request: Request) -> Response:
        """The list of issues."""
        name = request.query_params.get("name", "")
        cards = self.pages.listed(await self.workshop.cards())
        return JSONResponse({"html": self.pages.fill("cards.html", request, cards=cards, name=name)})

    async def readers(self, request: Request) -> Response:
        """Readers to look through the eyes of."""
        query = request.query_params
        if len(query.get("words", "").strip()) < FEWEST_SIGNS:
            return JSONResponse([])
        try:
            found = await self.workshop.readers(named(self.workshop, query.get("name", "")), query["words"])
        except MozaMailError:
            return JSONResponse([])
        return JSONResponse([{"address": str(each.address), "name": each.name} for each in found])

    async def test(self, request: Request) -> Response:
        """Mail one marked copy of a rendering."""
        asked = await wanted(request, "key", "address")
        showing = self.pages.showing(asked["key"])
        try:
            outcome = await showing.mail_test(Address.parse(asked["address"].strip()))
        except MozaMailError as error:
            return JSONResponse({"accepted": False, "said": in_one_line(error, choose_language(request))})
        accepted = outcome.state is DeliveryState.ACCEPTED
        said = "" if accepted else str(outcome.reply or outcome.detail)
        return JSONResponse({"accepted": accepted, "said": said})


def named(workshop: Workshop, name: str) -> str:
    """The name of an issue that is there; raise HTTPException for another."""
    try:
        workshop.path(name)
    except IssueError:
        raise HTTPException(404) from None
    return name


async def wanted(request: Request, *texts: str) -> dict[str, Any]:
    """The JSON object that was sent, in which these must be texts; raise HTTPException otherwise."""
    try:
        asked = json.loads(await security.body(request))
    except (ValueError, RecursionError):
        raise HTTPException(400, "that is not JSON") from None
    if not isinstance(asked, dict) or not all(isinstance(asked.get(text), str) for text in texts):
        raise HTTPException(400, f"an object with {', '.join(texts)} is expected")
    return asked
