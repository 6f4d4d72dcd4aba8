"""Compose messages shortly before they are needed.

Signed messages are composed in threads.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from moza_mail.compose import CompiledMailing
from moza_mail.errors import AddressError
from moza_mail.model.mailing import Delivery
from moza_mail.model.message import Envelope, Message

CHUNK_SIZE = 16
"""The number of messages composed in one call."""
CHUNKS_AHEAD = 4
"""The number of chunks that threads may sign before the transport needs them."""
SIGNING_THREADS = min(os.cpu_count() or 1, 4)

T = TypeVar("T")
R = TypeVar("R")


Composed = tuple[Envelope, Message] | AddressError


def compose_all(compiled: CompiledMailing, batch: Sequence[Delivery]) -> list[tuple[Delivery, Composed]]:
    """Return each delivery with its message, or with an error.

    The error says why the recipient cannot be addressed.
    """
    composed: list[tuple[Delivery, Composed]] = []
    for delivery in batch:
        try:
            composed.append((delivery, compiled.compose_message(delivery)))
        except AddressError as error:
            composed.append((delivery, error))
    return composed


async def run_in_threads(
    pool: ThreadPoolExecutor,
    work: Callable[[Sequence[T]], R],
    batches: AsyncIterable[Sequence[T]],
    ahead: int = CHUNKS_AHEAD,
) -> AsyncGenerator[R]:
    """Apply `work` to chunks of each batch in the pool, and yield the results in order.

    At most `ahead` chunks are started before their results are needed, which bounds memory.
    """
    loop = asyncio.get_running_loop()
    started: deque[asyncio.Future[R]] = deque()
    async for batch in batches:
        for start in range(0, len(batch), CHUNK_SIZE):
            started.append(loop.run_in_executor(pool, work, batch[start : start + CHUNK_SIZE]))
            if len(started) > ahead:
                yield await started.popleft()
    while started:
        yield await started.popleft()


async def run_inline(
    work: Callable[[Sequence[T]], R], batches: AsyncIterable[Sequence[T]]
) -> AsyncGenerator[R]:
    """Apply `work` to one chunk of each batch at a time, and only when its result is needed."""
    async for batch in batches:
        for start in range(0, len(batch), CHUNK_SIZE):
            yield work(batch[start : start + CHUNK_SIZE])
