"""Background tasks that must not end silently."""

import asyncio

import pytest

from moza_mail.app import background
from moza_mail.app.background import keep_running


@pytest.mark.parametrize("ending", [ZeroDivisionError("a bug"), asyncio.CancelledError(), None])
def test_a_task_that_ends_is_reported_and_restarted(monkeypatch, ending):
    monkeypatch.setattr(background, "RESTART_SECONDS", 0.001)
    runs, errors, stop = [], [], asyncio.Event()

    async def work():
        runs.append(True)
        if len(runs) == 3:
            stop.set()
        elif ending is not None:
            raise ending

    def report(error):
        errors.append(str(error))
        raise OSError("standard error is closed")

    async def main():
        async with asyncio.timeout(30):
            await keep_running(work, stop, report)

    asyncio.run(main())
    assert len(runs) == 3
    assert (
        errors
        == ["a bug" if isinstance(ending, ZeroDivisionError) else "a background task ended too early"] * 2
    )


def test_a_cancelled_task_is_not_restarted():
    async def main():
        work = keep_running(lambda: asyncio.sleep(60), asyncio.Event(), lambda _: None)
        task = asyncio.create_task(work)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
