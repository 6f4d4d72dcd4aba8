"""Cache the newest previews by key, including the last good preview of each issue."""

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
    """A preview and its key.

    problem: the error that prevented rendering. Then `preview` is the issue's last good preview, if any.
    is_unknown: True if the address belongs to no subscriber, so the preview is for the example recipient.
    """

    key: str
    preview: IssuePreview | None
    problem: Problem | None = None
    is_unknown: bool = False


class RenderCache:
    """Renders one text at a time, and caches the newest previews."""

    def __init__(self, session: ProjectSession) -> None:
        self.session = session
        self._previews: OrderedDict[str, IssuePreview] = OrderedDict()
        self._last_good: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def render(self, name: str, text: str | None, address: str) -> RenderResult:
        """Render an issue for a recipient.

        text: the text to render; None for the text of the issue's file.
        address: the address of a subscriber; empty for the example recipient.
        """
        async with self._lock:
            try:
                recipient = await self._find_recipient(address)
                preview = await to_thread.run_sync(self._preview, name, text, recipient)
            except MozaMailError as error:
                last = self._last_good.get(name, "")
                return RenderResult(key=last, preview=self._previews.get(last), problem=Problem.of(error))
        key = secrets.token_urlsafe(9)
        self._previews[key] = preview
        # This may drop the last good preview of another issue. An open page has loaded that preview already.
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
        """Return the preview with this key; None if it is no longer cached."""
        preview = self._previews.get(key)
        if preview is not None:
            self._previews.move_to_end(key)
        return preview
