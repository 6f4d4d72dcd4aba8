"""Watch: what is saved in the project is told to every open page, as Server-Sent Events (HTML Living Standard 9.2)."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change as Kind
from watchfiles import awatch

from moza_mail.web.editor.workshop import Workshop

# A save is several events within a few milliseconds; who types in another program saves seldom more often.
STEP_MS = 5
TOGETHER_MS = 50
BEAT_SECONDS = 15.0
SETTINGS = ("moza-mail.toml", "lists.toml")
HALF_WRITTEN = (".tmp", ".swp", ".swx", "~", ".part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something was saved: an `issue` (by name), the `dress` of all of them, a `letter` in the outbox, or the `ledger`."""

    kind: str
    name: str = ""


class Watch:
    """Follows the project's folders for as long as the desk is open."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.stop = asyncio.Event()
        self._followed: dict[Path, asyncio.Task[None]] = {}
        self._listeners: set[asyncio.Queue[Change | None]] = set()

    async def run(self) -> None:
        """Watch until `stop` is set."""
        root = asyncio.create_task(self._follow(self.workshop.root, deep=False))
        self._follow_folders()
        try:
            await self.stop.wait()
        finally:
            tasks = [root, *self._followed.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _folders(self) -> set[Path]:
        root = self.workshop.root
        wanted = {root / "issues", root / "templates", root / "subscribers"}
        wanted |= {self.workshop.path(name).parent for name in self.workshop.names()} - {root}
        if outbox := self.workshop.outbox:
            wanted.add(outbox.parent)
        return {folder for folder in wanted if folder.is_dir()}

    def _follow_folders(self, anew: Collection[Path] = ()) -> None:
        """Follow each folder that is not followed yet, and those that have been made anew."""
        for folder in self._folders():
            if folder in self._followed and folder not in anew:
                continue
            if before := self._followed.get(folder):
                before.cancel()
            self._followed[folder] = asyncio.create_task(self._follow(folder, deep=True))
            # What came into it before it was followed has not been told.
            if anew:
                self.tell(Change(kind="letter"))
                self.tell(Change(kind="dress"))

    async def _follow(self, folder: Path, *, deep: bool) -> None:
        watching = awatch(folder, recursive=deep, step=STEP_MS, debounce=TOGETHER_MS, watch_filter=None)
        async for changes in watching:
            for change in self._told({Path(path) for _, path in changes}):
                self.tell(change)
            # Such as the outbox, which is not there before its first message.
            made = {Path(path) for kind, path in changes if kind is Kind.added}
            if not deep and made & self._folders():
                self._follow_folders(made)

    def _told(self, paths: Iterable[Path]) -> Iterable[Change]:
        """What the changed files mean for a page, each once."""
        told: dict[Change, None] = {}
        root, outbox = self.workshop.root, self.workshop.outbox
        for path in paths:
            if path.name.startswith(".") or path.name.endswith(HALF_WRITTEN):
                continue
            if path.name in SETTINGS or root / "templates" in path.parents:
                told[Change(kind="dress")] = None
            elif outbox and path.parent == outbox:
                told[Change(kind="letter")] = None
            elif path == self.workshop.ledger:
                told[Change(kind="ledger")] = None
            elif path.suffix == ".md":
                told[Change(kind="issue", name=self.workshop.name(path))] = None
            elif path.is_relative_to(root / "issues"):
                # An image beside an issue.
                told[Change(kind="dress")] = None
        return told

    def tell(self, change: Change) -> None:
        """Tell every page; settings are read anew first."""
        if change.kind == "dress":
            self.workshop.reopen()
        for queue in self._listeners:
            queue.put_nowait(change)

    def close(self) -> None:
        """End the watching, and the stream of every page."""
        self.stop.set()
        for queue in self._listeners:
            queue.put_nowait(None)

    async def stream(self) -> AsyncGenerator[str]:
        """The changes from now on, for one page; ends when the desk closes."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield "retry: 500\n\n"
            while not self.stop.is_set():
                try:
                    change = await asyncio.wait_for(queue.get(), BEAT_SECONDS)
                except TimeoutError:
                    # A comment, so that a page that is gone is noticed.
                    yield ":\n\n"
                    continue
                if change is not None:
                    yield f"event: {change.kind}\ndata: {json.dumps({'name': change.name})}\n\n"
        finally:
            self._listeners.discard(queue)
