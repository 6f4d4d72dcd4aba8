"""Inbox: the messages that the outbox has taken, to look through."""

from pathlib import Path
from typing import Any

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from moza_mail.i18n import gettext as _
from moza_mail.web.editor import eml
from moza_mail.web.editor.client_view import Look, seen
from moza_mail.web.editor.pages import Pages
from moza_mail.web.editor.security import MAIL_POLICY
from moza_mail.web.editor.workshop import Workshop

PARTS = ("mail", "text", "source", "headers", "calendar")


class Inbox:
    """The pages of the outbox."""

    def __init__(self, workshop: Workshop, pages: Pages) -> None:
        self.workshop = workshop
        self.pages = pages

    def routes(self) -> list[Route]:
        """Where they stand."""
        return [
            Route("/inbox", self.list),
            Route("/inbox/{letter}", self.open),
            Route("/letter/{letter}", self.html),
            Route("/api/letters", self.anew),
        ]

    async def list(self, request: Request) -> Response:
        """The list alone."""
        names = await to_thread.run_sync(self._listed, request)
        if self.workshop.outbox is None:
            empty = _("A real relay is configured: messages are mailed, and none is kept here.")
        elif names["letters"]:
            empty = _("Choose a message from the list.")
        else:
            empty = _("No message yet. A test copy or a mailing appears here.")
        return self._page(request, letter="", subject="", empty=empty, **names)

    async def open(self, request: Request) -> Response:
        """A message beside the list."""
        content = self._content(request.path_params["letter"])
        message = eml.parsed(content)
        has = {
            "mail": eml.html(message),
            "text": eml.text(message),
            "calendar": eml.calendar(message),
        }
        parts = [part for part in PARTS if has.get(part, "always")]
        wanted = request.query_params.get("part", "")
        part = wanted if wanted in parts else parts[0]
        source = content.decode("utf-8", errors="replace")
        headers = eml.headers(content)
        known = {name.lower(): value for name, value in headers}
        return self._page(
            request,
            letter=request.path_params["letter"],
            subject=known.get("subject", ""),
            recipient=known.get("to", ""),
            parts=parts,
            part=part,
            headers=headers,
            shown=(has | {"source": source}).get(part, "").replace("\r\n", "\n"),
            **await to_thread.run_sync(self._listed, request),
        )

    async def html(self, request: Request) -> Response:
        """The HTML of a message, which may do nothing but be looked at."""
        page = eml.html(eml.parsed(self._content(request.path_params["letter"])))
        shown = seen(page, Look.asked(request.query_params))
        return HTMLResponse(shown, headers={"Content-Security-Policy": MAIL_POLICY})

    async def anew(self, request: Request) -> Response:
        """The list, for a page that is open."""
        names = await to_thread.run_sync(self._listed, request)
        letter = request.query_params.get("letter", "")
        return HTMLResponse(self.pages.fill("letters.html", request, letter=letter, **names))

    def _page(self, request: Request, **names: Any) -> Response:
        given = self.pages.given(request, letter=names["letter"], page=names["page"])
        return self.pages.page("inbox.html", request, room="inbox", given=given, **names)

    def _listed(self, request: Request) -> dict[str, Any]:
        folder = self.workshop.outbox
        names = eml.names(folder) if folder else []
        pages = max(1, -(-len(names) // eml.PER_PAGE))
        asked = request.query_params.get("page", "1")
        page = min(max(int(asked), 1), pages) if asked.isdecimal() and len(asked) < 9 else 1
        first = (page - 1) * eml.PER_PAGE
        shown = eml.listed(folder, names[first : first + eml.PER_PAGE]) if folder else []
        return {"letters": shown, "page": page, "pages": pages}

    def _content(self, name: str) -> bytes:
        """The bytes of one of the messages that are there, whatever the name may hold."""
        folder = self.workshop.outbox
        if folder is None or Path(name).name != name or not name.endswith(eml.SUFFIX):
            raise HTTPException(404)
        path = folder / name
        try:
            if path.is_symlink() or not path.is_file():
                raise HTTPException(404)
            return path.read_bytes()
        except OSError:
            raise HTTPException(404) from None
