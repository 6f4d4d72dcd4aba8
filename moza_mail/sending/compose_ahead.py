"""Composing messages a little before they are asked for, those that are signed in other threads."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from moza_mail.compose import CompiledMailing
from moza_mail.errors import AddressError
from moza_mail.model.mailing import Delivery
from moza_mail.model.message import Envelope, Message, Recipient

# Messages are composed so many together, and so many of such runs ahead when they are signed in other threads.
CHUNK, AHEAD = 16, 4
SIGNERS = min(os.cpu_count() or 1, 4)

T = TypeVar("T")
R = TypeVar("R")


def recipient_of(delivery: Delivery) -> Recipient:
    """Whom a delivery is for, as they were frozen."""
    return Recipient(
        subscriber=delivery.subscriber, address=delivery.address, name=delivery.name, values=delivery.values
    )


Composed = tuple[Envelope, Message] | AddressError


def compose_all(compiled: CompiledMailing, batch: Sequence[Delivery]) -> list[tuple[Delivery, Composed]]:
    """Each delivery with its message, or with why it cannot be addressed."""
    made: list[tuple[Delivery, Composed]] = []
    for delivery in batch:
        try:
            made.append((delivery, compiled.compose_message(recipient_of(delivery))))
        except AddressError as error:
            made.append((delivery, error))
    return made


async def run_in_threads(
    pool: ThreadPoolExecutor,
    work: Callable[[Sequence[T]], R],
    batches: AsyncIterable[Sequence[T]],
    ahead: int = AHEAD,
) -> AsyncGenerator[R]:
    """Work on runs of each batch in the pool, and yield what comes of them in order.

    No more than `ahead` runs of RUN are begun and not asked for, which bounds the memory they take.
    """
    loop = asyncio.get_running_loop()
    begun: deque[asyncio.Future[R]] = deque()
    async for batch in batches:
        for start in range(0, len(batch), CHUNK):
            begun.append(loop.run_in_executor(pool, work, batch[start : start + CHUNK]))
            if len(begun) > ahead:
                yield await begun.popleft()
    while begun:
        yield await begun.popleft()


async def run_inline(
    work: Callable[[Sequence[T]], R], batches: AsyncIterable[Sequence[T]]
) -> AsyncGenerator[R]:
    """Work on a run of each batch at a time, as it is asked for."""
    async for batch in batches:
        for start in range(0, len(batch), CHUNK):
            yield work(batch[start : start + CHUNK])
