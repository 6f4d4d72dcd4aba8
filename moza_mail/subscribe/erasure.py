"""Erasing a person."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from moza_mail.errors import AddressError, StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.retention import ErasureResult
from moza_mail.store import Store

PATIENCE = timedelta(seconds=30)
"""How long to wait for a message that is on its way to the person."""
AGAIN = 0.25


async def erase(
    store: Store, text: str, *, clock: Callable[[], datetime], patience: timedelta = PATIENCE
) -> ErasureResult:
    """Take the person and the address out of everything that is held, and leave what keeps an import from reviving them.

    Raises AddressError when nothing was held and nobody of that address was erased before, StoreError when a message to
    them stays under way for longer than `patience`. Doing it again finishes what could not be finished.
    """
    address = Address.parse(text, international=True)
    until = clock() + patience
    while (done := await store.data_requests.erase(address, now=clock())) is None:
        if clock() >= until:
            raise StoreError(
                _(
                    "a message to {address} is being sent at this moment, so nothing was erased",
                    address=str(address),
                ),
                hint=_("Try again in a minute. If a `send` was interrupted, run it again first."),
            )
        await asyncio.sleep(AGAIN)
    if not done.rows and done.erased_at is None:
        raise AddressError(str(address), _("nothing is stored about this address"))
    return done
