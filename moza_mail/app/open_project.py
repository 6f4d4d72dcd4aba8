"""Where the command line chooses the concrete wires: the store and the relay of a project."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from moza_mail import store as stores
from moza_mail import transport as transports
from moza_mail.model.address_hash import Pseudonyms
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.transport import Limits, Transport

T = TypeVar("T")


@asynccontextmanager
async def open_store(project: Project, actor: str = "", *, any_secret: bool = False) -> AsyncGenerator[Store]:
    """The project's store, closed at the end; what is done in it is done by the account of this process, or by `actor`."""
    known_by = Pseudonyms(secret=project.read_secret())
    store = await stores.open_store(
        project.store_url(),
        actor=actor,
        pseudonyms=known_by,
        any_secret=any_secret,
        thresholds=project.config.thresholds,
    )
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_transport(project: Project) -> AsyncGenerator[Transport]:
    """The project's way out, its connections let go of at the end."""
    config = project.config
    transport = transports.open_transport(
        config.relay,
        base=project.root,
        password=project.read_smtp_password(),
        limits=Limits(
            connections=config.connections, messages=config.messages_per_connection, notify=config.dsn_notify
        ),
        allow_plaintext=config.allow_plaintext,
        cafile=str(project.root / config.relay_ca_file) if config.relay_ca_file else "",
    )
    try:
        yield transport
    finally:
        await transport.close()


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run asynchronous work to its end; the only place where an event loop begins."""

    async def main() -> T:
        return await work()

    return asyncio.run(main())


@contextmanager
def pause_garbage_collection() -> Generator[None]:
    """Have Python look for cycles seldom, and never among what is there already: a send or an import makes few, and many objects."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
