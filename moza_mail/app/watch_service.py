"""Mail the operator when a person must act on the running service, once for each cause.

The store remembers the mailed causes. This process remembers them too, because the store itself may fail.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from moza_mail.app.background import keep_running
from moza_mail.app.clock import now
from moza_mail.app.login_backoff import open_relay_for_cron
from moza_mail.app.notify import describe_cause, mail_causes, make_cause_key
from moza_mail.app.open_project import open_transport
from moza_mail.app.service_health import find_service_problems
from moza_mail.errors import (
    AuthenticationRefused,
    ListError,
    MozaMailError,
    StoreError,
    StoreLocked,
    TransportError,
)
from moza_mail.i18n import gettext as _
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.transport import Transport

CHECK_SECONDS = 60.0
MOST_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class ServiceWatch:
    """Finds problems of a running service that need a person, and mails them.

    The operator's address is in `notify`.

    list_faults: the errors of the lists whose table could not be used when the service started.
    """

    project: Project
    store: Store
    list_faults: Sequence[ListError] = ()
    _errors: dict[str, str] = field(default_factory=dict)
    _present: frozenset[str] = frozenset()
    _mailed: set[str] = field(default_factory=set)

    def note_error(self, error: Exception) -> None:
        """Remember an error of the sign-up mails until the next check, if a person must act on it."""
        if isinstance(error, StoreLocked) or (
            isinstance(error, TransportError)
            and (error.exit_code == TransportError.exit_code or isinstance(error, AuthenticationRefused))
        ):
            # Such an error ends without a person's help, or `find_service_problems` reports it.
            return
        cause = (
            describe_cause(error)
            if isinstance(error, MozaMailError)
            else _("sign-up mails fail because of a bug in moza-mail ({name})", name=type(error).__name__)
        )
        self._errors[make_cause_key(cause)] = cause

    async def check(self) -> None:
        """Mail each new cause. A cause that ended and occurs again is mailed again."""
        try:
            problems = await find_service_problems(self.project, self.store)
        except StoreLocked:
            return
        except StoreError as error:
            problems = [describe_cause(error)]
        problems += map(describe_cause, self.list_faults)
        found = {make_cause_key(problem): problem for problem in problems}
        await self._forget(self._present - found.keys())
        self._present = frozenset(found)
        causes, self._errors = {**found, **self._errors}, {}
        fresh = {key: cause for key, cause in causes.items() if key not in self._mailed}
        self._mailed |= fresh.keys()
        if news := [cause for key, cause in fresh.items() if await self._is_new(key)]:
            await self._mail(news)

    async def _is_new(self, key: str) -> bool:
        try:
            return await self.store.notices.report_once(key, now=now())
        except StoreError:
            return True

    async def _forget(self, keys: frozenset[str]) -> None:
        self._mailed -= keys
        with suppress(StoreError):
            for key in keys:
                await self.store.notices.forget(key)

    async def _mail(self, causes: list[str]) -> None:
        with suppress(MozaMailError, OSError, TimeoutError):
            async with asyncio.timeout(MOST_SECONDS), AsyncExitStack() as stack:
                await mail_causes(self.project, await self._open_transport(stack), causes)

    async def _open_transport(self, stack: AsyncExitStack) -> Transport:
        try:
            return await stack.enter_async_context(open_relay_for_cron(self.project, self.store))
        except StoreError:
            return await stack.enter_async_context(open_transport(self.project))


@asynccontextmanager
async def keep_watching(watch: ServiceWatch, on_error: Callable[[Exception], None]) -> AsyncGenerator[None]:
    """Check the service every minute in a background task, if the project has `notify`."""
    if not watch.project.config.notify:
        yield
        return
    stop = asyncio.Event()

    async def check_repeatedly() -> None:
        while not stop.is_set():
            await watch.check()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), CHECK_SECONDS)

    task = asyncio.create_task(keep_running(check_repeatedly, stop, on_error))
    try:
        yield
    finally:
        stop.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
