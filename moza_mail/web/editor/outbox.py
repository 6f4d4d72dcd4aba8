"""The pages of the outbox, with messages that were written to files instead of mailed."""

from pathlib import Path
from typing import Any

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from moza_mail.app.project_session import ProjectSession
from moza_mail.i18n import gettext as _
from moza_mail.web.editor import eml
from moza_mail.web.editor.client_view import ClientView, apply_client_view
from moza_mail.web.editor.pages import Pages
from moza_mail.web.editor.security import MAIL_POLICY

PARTS = ("mail", "text", "source", "headers", "calendar")


class OutboxPages:
    """The list of messages, with one opened message next to it."""

    def __init__(self, session: ProjectSession, pages: Pages) -> None:
        self.session = session
        self.pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        return [
            Route("/outbox", self.list),
            Route("/outbox/{message}", self.open),
            Route("/outbox-mail/{message}", self.mail),
            Route("/api/outbox", self.refresh),
        ]

    async def list(self, request: Request) -> Response:
        """Show the list of messages, with none of them opened."""
        values = await to_thread.run_sync(self._read_list, request)
        if self.session.outbox is None:
            empty = _("A real relay is configured: messages are mailed, and none is kept here.")
        elif values["messages"]:
            empty = _("Choose a message from the list.")
        else:
            empty = _("No message yet. A test copy or a mailing appears here.")
        return self._page(request, message="", subject="", empty=empty, **values)

    async def open(self, request: Request) -> Response:
        """Show a message next to the list."""
        name = request.path_params["message"]
        content = self._read(name)
        message = eml.parse_message(content)
        decoded = {
            "mail": eml.read_html(message),
            "text": eml.read_text(message),
            "calendar": eml.read_calendar(message),
        }
        parts = [part for part in PARTS if decoded.get(part, "always")]
        wanted = request.query_params.get("part", "")
        part = wanted if wanted in parts else parts[0]
        source = content.decode("utf-8", errors="replace")
        headers = eml.read_headers(content)
        by_name = {header.lower(): value for header, value in headers}
        return self._page(
            request,
            message=name,
            subject=by_name.get("subject", ""),
            recipient=by_name.get("to", ""),
            parts=parts,
            part=part,
            headers=headers,
            shown=(decoded | {"source": source}).get(part, "").replace("\r\n", "\n"),
            **await to_thread.run_sync(self._read_list, request),
        )

    async def mail(self, request: Request) -> Response:
        """Show the HTML of a message with scripts disabled."""
        html = eml.read_html(eml.parse_message(self._read(request.path_params["message"])))
        shown = apply_client_view(html, ClientView.from_query(request.query_params))
        return HTMLResponse(shown, headers={"Content-Security-Policy": MAIL_POLICY})

    async def refresh(self, request: Request) -> Response:
        """Return the current list of messages, to update an open page."""
        values = await to_thread.run_sync(self._read_list, request)
        message = request.query_params.get("message", "")
        return HTMLResponse(self.pages.fill("outbox_list.html", request, message=message, **values))

    def _page(self, request: Request, **values: Any) -> Response:
        data = self.pages.script_data(request, message=values["message"], page=values["page"])
        return self.pages.page("outbox.html", request, section="outbox", data=data, **values)

    def _read_list(self, request: Request) -> dict[str, Any]:
        folder = self.session.outbox
        names = eml.list_names(folder) if folder else []
        pages = max(1, -(-len(names) // eml.PER_PAGE))
        wanted = request.query_params.get("page", "1")
        page = min(max(int(wanted), 1), pages) if wanted.isdecimal() and len(wanted) < 9 else 1
        first = (page - 1) * eml.PER_PAGE
        messages = (
            eml.read_list(folder, names[first : first + eml.PER_PAGE], self.session.zone) if folder else []
        )
        return {"messages": messages, "page": page, "pages": pages}

    def _read(self, name: str) -> bytes:
        """Read a message; raise HTTPException 404 for a name that is not a file in the outbox."""
        folder = self.session.outbox
        if folder is None or Path(name).name != name or not name.endswith(eml.SUFFIX):
            raise HTTPException(404)
        path = folder / name
        try:
            if path.is_symlink() or not path.is_file():
                raise HTTPException(404)
            return path.read_bytes()
        except OSError:
            raise HTTPException(404) from None
