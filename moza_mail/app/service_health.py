"""Find the problems of a running service, for a monitoring system."""

from datetime import timedelta

from moza_mail.app.clock import now
from moza_mail.app.login_backoff import RELAY, was_refused
from moza_mail.errors import StoreError
from moza_mail.project import Project
from moza_mail.store import Store

MAX_MAIL_DELAY = timedelta(minutes=5)
"""A confirmation mail that has waited longer than this is a problem."""


async def find_service_problems(project: Project, store: Store, *, faulty_lists: int = 0) -> list[str]:
    """Return a line for each problem of the service.

    Anybody may read the lines, so they contain no names or paths.

    faulty_lists: the number of lists whose table could not be used when the service started.

    Raises StoreError if the store cannot be read.
    """
    problems = []
    if faulty_lists:
        problems.append(f"attention: {faulty_lists} of the lists cannot be used: correct it, then restart")
    try:
        await store.ledger.require_space()
    except StoreError:
        problems.append("attention: less than 8 MB is free on the disk of the store")
    if await was_refused(store, project, RELAY):
        problems.append(
            "attention: the relay refused the login, and is not tried again until the settings change"
        )
    oldest = await store.confirmations.find_oldest_unsent()
    if oldest is not None and now() - oldest > MAX_MAIL_DELAY:
        problems.append(f"delayed: confirmation mails wait since {oldest:%Y-%m-%dT%H:%M:%SZ}")
    return problems
