"""Watch: what is saved in the project is told to every open page, as Server-Sent Events (HTML Living Standard 9.2)."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchfiles import awatch

from moza_mail.web.desk.workshop import Workshop

# A save is several events within a few milliseconds; who types in another program saves seldom more often.
STEP_MS = 10
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
        self._listeners: set[asyncio.Queue[Change | None]] = set()

    async def run(self) -> None:
        """Watch until `stop` is set."""
        while not self.stop.is_set():
            folders = self._folders()
            more = asyncio.Event()
            tasks = [
                asyncio.create_task(self._follow(folders, deep=True, more=more)),
                asyncio.create_task(self._follow([self.workshop.root], deep=False, more=more)),
                asyncio.create_task(more.wait()),
                asyncio.create_task(self.stop.wait()),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _folders(self) -> list[Path]:
        root = self.workshop.root
        wanted = {root / "issues", root / "templates", root / "subscribers"}
        wanted |= {self.workshop.path(name).parent for name in self.workshop.names()} - {root}
        if outbox := self.workshop.outbox:
            wanted.add(outbox)
        return sorted(folder for folder in wanted if folder.is_dir())

    async def _follow(self, folders: list[Path], *, deep: bool, more: asyncio.Event) -> None:
        if not folders:
            await self.stop.wait()
            return
        watched = set(self._folders())
        watching = awatch(
            *folders,
            recursive=deep,
            step=STEP_MS,
            debounce=TOGETHER_MS,
            stop_event=self.stop,
            watch_filter=None,
        )
        async for changes in watching:
            paths = {Path(path) for _, path in changes}
            for change in self._told(paths):
                self.tell(change)
            # A folder that was not there when the desk was opened, such as the outbox before its first message.
            if not deep and set(self._folders()) - watched:
                more.set()

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
                # A picture beside an issue.
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
