"""Notify open pages of saved files by Server-Sent Events (HTML Living Standard 9.2)."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change as FileChange
from watchfiles import awatch

from moza_mail.app.project_session import ProjectSession

# Saving one file causes several events within a few milliseconds.
STEP_MS = 5
DEBOUNCE_MS = 50
CHECK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
SETTINGS = ("moza-mail.toml", "lists.toml")
TEMPORARY = (".tmp", ".swp", ".swx", "~", ".part")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChange:
    """A change of saved files that open pages must react to.

    kind: `issue`, `outbox`, `store`, or `render` if settings, a theme or an image changed.
    name: the name of the issue; empty for other kinds.
    """

    kind: str
    name: str = ""


class ProjectWatcher:
    """Watches the project's folders while the editor is open."""

    def __init__(self, session: ProjectSession) -> None:
        self.session = session
        self.stop = asyncio.Event()
        self._has_run = False
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        self._listeners: set[asyncio.Queue[ProjectChange | None]] = set()

    async def run(self) -> None:
        """Watch until `stop` is set.

        If the watch of a folder ends earlier, raise its error. The caller can then call `run` again.
        """
        self._tasks[self.session.root] = asyncio.create_task(self._watch(self.session.root, is_deep=False))
        self._watch_folders()
        if self._has_run:
            # Files may have been saved while nothing was watched.
            self.notify(ProjectChange(kind="render"))
        self._has_run = True
        try:
            while not self.stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), CHECK_SECONDS)
                for folder, task in list(self._tasks.items()):
                    if task.done():
                        self._end(folder, task)
        finally:
            tasks = list(self._tasks.values())
            self._tasks.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, folder: Path, task: asyncio.Task[None]) -> None:
        """Forget the ended watch of a folder. Raise its error unless the folder was deleted."""
        del self._tasks[folder]
        if folder.is_dir():
            raise task.exception() or RuntimeError(f"the watch of {folder.name} ended")

    def _folders(self) -> set[Path]:
        root = self.session.root
        issues = self.session.project.issues_folder
        folders = {issues, root / "templates", root / "subscribers"}
        parents = {path.parent for path in self.session.files.list_paths().values()} - {root}
        folders |= {folder for folder in parents if not folder.is_relative_to(issues)}
        if outbox := self.session.outbox:
            folders.add(outbox.parent)
        return {folder for folder in folders if folder.is_dir()}

    def _watch_folders(self, created: Collection[Path] = ()) -> None:
        """Watch folders that are not watched yet, and restart the watch of recreated folders."""
        for folder in self._folders():
            if folder in self._tasks and folder not in created:
                continue
            if before := self._tasks.get(folder):
                before.cancel()
            self._tasks[folder] = asyncio.create_task(self._watch(folder, is_deep=True))
            # Files that were saved in the folder before the watch began have caused no event.
            if created:
                self.notify(ProjectChange(kind="outbox"))
                self.notify(ProjectChange(kind="render"))

    async def _watch(self, folder: Path, *, is_deep: bool) -> None:
        batches = awatch(folder, recursive=is_deep, step=STEP_MS, debounce=DEBOUNCE_MS, watch_filter=None)
        async for batch in batches:
            for change in self._interpret({Path(path) for _, path in batch}):
                self.notify(change)
            # A folder may be created later, as the outbox is with its first message.
            created = {Path(path) for kind, path in batch if kind is FileChange.added}
            if not is_deep and created & self._folders():
                self._watch_folders(created)

    def _interpret(self, paths: Iterable[Path]) -> Iterable[ProjectChange]:
        """Return the changes to show on an open page after files were saved, each once."""
        changes: dict[ProjectChange, None] = {}
        root, outbox = self.session.root, self.session.outbox
        for path in paths:
            if path.name.startswith(".") or path.name.endswith(TEMPORARY):
                continue
            if path.name in SETTINGS or root / "templates" in path.parents:
                changes[ProjectChange(kind="render")] = None
            elif outbox and path.parent == outbox:
                changes[ProjectChange(kind="outbox")] = None
            elif path == self.session.store_file:
                changes[ProjectChange(kind="store")] = None
            elif path.suffix in {".md", ".markdown"}:
                changes[ProjectChange(kind="issue", name=self.session.files.name(path))] = None
            elif path.is_relative_to(self.session.project.issues_folder):
                # The file is an image next to an issue.
                changes[ProjectChange(kind="render")] = None
        return changes

    def notify(self, change: ProjectChange) -> None:
        """Notify every open page of a change. Read changed settings first."""
        if change.kind == "render":
            self.session.reload()
        for queue in self._listeners:
            queue.put_nowait(change)

    def close(self) -> None:
        """Stop watching, and end the stream of every page."""
        self.stop.set()
        for queue in self._listeners:
            queue.put_nowait(None)

    async def stream(self) -> AsyncGenerator[str]:
        """Yield new changes as events for one page, until the editor closes."""
        queue: asyncio.Queue[ProjectChange | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield "retry: 500\n\n"
            while not self.stop.is_set():
                try:
                    change = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    # The colon begins a comment in the stream. Writing it shows whether the page is still open.
                    yield ":\n\n"
                    continue
                if change is not None:
                    yield f"event: {change.kind}\ndata: {json.dumps({'name': change.name})}\n\n"
        finally:
            self._listeners.discard(queue)
