"""Gallery: the last renderings, by a key that a page can ask for, and the last good one of each issue."""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from anyio import to_thread

from moza_mail.errors import AddressError, MozaMailError
from moza_mail.model.address import Address
from moza_mail.model.message import Recipient
from moza_mail.web.editor.workshop import Showing, Trouble, Workshop

MOST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """What became of dressing a text: the mail under its key, or the last good one beside what is wrong now.

    `unknown` says that nobody has the address that was asked for, so that it is shown to the invented reader.
    """

    key: str
    showing: Showing | None
    trouble: Trouble | None = None
    unknown: bool = False


class Gallery:
    """Dresses texts one at a time, and keeps what came of the last ones."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self._kept: OrderedDict[str, Showing] = OrderedDict()
        self._good: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def reader(self, written: str) -> Recipient | None:
        """The subscriber an address names; None when it is nobody's."""
        try:
            return await self.workshop.reader(Address.parse(written)) if written else None
        except AddressError:
            return None

    async def hang(self, name: str, text: str | None, reader: str) -> Hung:
        """Dress an issue's file, or the text that is being typed, for a reader."""
        async with self._turn:
            try:
                known = await self.reader(reader)
                showing = await to_thread.run_sync(self._dress, name, text, known)
            except MozaMailError as error:
                last = self._good.get(name, "")
                return Hung(key=last, showing=self._kept.get(last), trouble=Trouble.of(error))
        key = secrets.token_urlsafe(9)
        self._kept[key] = showing
        # The last good one of another issue may go: that page has it already.
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        self._good[name] = key
        return Hung(key=key, showing=showing, unknown=bool(reader) and known is None)

    def _dress(self, name: str, text: str | None, reader: Recipient | None) -> Showing:
        return self.workshop.dress(name, self.workshop.source(name).text if text is None else text, reader)

    def get(self, key: str) -> Showing | None:
        """A rendering that is still kept."""
        showing = self._kept.get(key)
        if showing is not None:
            self._kept.move_to_end(key)
        return showing
