"""The watcher of saved files in the editor: it starts again after an error, and open pages learn what they missed."""

import asyncio

from moza_mail.app import background
from moza_mail.app.background import keep_running
from moza_mail.app.project_session import ProjectSession
from moza_mail.project import find_project
from moza_mail.web.editor import watch
from moza_mail.web.editor.watch import ProjectWatcher
from tests.support.project_folder import folder


def test_a_watcher_that_fails_is_reported_and_restarted(tmp_path, monkeypatch):
    monkeypatch.setattr(background, "RESTART_SECONDS", 0.01)
    monkeypatch.setattr(watch, "CHECK_SECONDS", 0.05)
    here = folder(tmp_path)
    theme = here.path / "templates" / "huis"
    theme.mkdir(parents=True)
    session = ProjectSession(find_project(here.path))
    watcher, errors = ProjectWatcher(session), []
    reload = ProjectSession.reload

    def fail_once(self):
        monkeypatch.setattr(ProjectSession, "reload", reload)
        raise OSError("too many open files")

    monkeypatch.setattr(ProjectSession, "reload", fail_once)

    async def scenario():
        task = asyncio.create_task(keep_running(watcher.run, watcher.stop, errors.append))
        stream = watcher.stream()
        assert (await anext(stream)).startswith("retry")

        async def save_and_wait(path, kind):
            for number in range(200):
                path.write_text(f"# {number}\n")
                try:
                    event = await asyncio.wait_for(asyncio.shield(waiting[0]), 0.1)
                except TimeoutError:
                    continue
                waiting[0] = asyncio.ensure_future(anext(stream))
                if f"event: {kind}" in event:
                    return
            raise AssertionError(kind)

        waiting = [asyncio.ensure_future(anext(stream))]
        await save_and_wait(theme / "theme.toml", "render")
        await save_and_wait(here.path / "issues" / "new.md", "issue")
        watcher.close()
        waiting[0].cancel()
        await asyncio.wait_for(task, 20)

    asyncio.run(scenario())
    assert [str(error) for error in errors] == ["too many open files"]
