"""The last previews by key, and the last preview without errors of each issue."""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from anyio import to_thread

from moza_mail.app.preview_issue import IssuePreview
from moza_mail.app.project_session import ProjectSession
from moza_mail.errors import AddressError, MozaMailError
from moza_mail.model.address import Address
from moza_mail.model.message import Recipient
from moza_mail.web.editor.problem import Problem

MAX_PREVIEWS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderResult:
    """A preview and its key; if there is a problem, the last preview without one.

    is_unknown: the address belongs to no subscriber, so the preview is for the example recipient.
    """

    key: str
    preview: IssuePreview | None
    problem: Problem | None = None
    is_unknown: bool = False


class RenderCache:
    """Renders one text at a time, and keeps the last results."""

    def __init__(self, session: ProjectSession) -> None:
        self.session = session
        self._previews: OrderedDict[str, IssuePreview] = OrderedDict()
        self._last_good: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def render(self, name: str, text: str | None, address: str) -> RenderResult:
        """Render a text, or an issue's file if there is none, for the subscriber with an address."""
        async with self._lock:
            try:
                recipient = await self._find_recipient(address)
                preview = await to_thread.run_sync(self._preview, name, text, recipient)
            except MozaMailError as error:
                last = self._last_good.get(name, "")
                return RenderResult(key=last, preview=self._previews.get(last), problem=Problem.of(error))
        key = secrets.token_urlsafe(9)
        self._previews[key] = preview
        # The last good preview of another issue may be dropped: an open page has it already.
        while len(self._previews) > MAX_PREVIEWS:
            self._previews.popitem(last=False)
        self._last_good[name] = key
        return RenderResult(key=key, preview=preview, is_unknown=bool(address) and recipient is None)

    async def _find_recipient(self, address: str) -> Recipient | None:
        try:
            return await self.session.find_recipient(Address.parse(address)) if address else None
        except AddressError:
            return None

    def _preview(self, name: str, text: str | None, recipient: Recipient | None) -> IssuePreview:
        text = self.session.files.read(name).text if text is None else text
        return self.session.preview(name, text, recipient)

    def get(self, key: str) -> IssuePreview | None:
        """Return the preview with a key; None if it is no longer kept."""
        preview = self._previews.get(key)
        if preview is not None:
            self._previews.move_to_end(key)
        return preview
