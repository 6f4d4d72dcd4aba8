"""Find what is wrong with a running service, for a monitor."""

from moza_mail.app.login_backoff import RELAY, was_refused
from moza_mail.errors import StoreError
from moza_mail.project import Project
from moza_mail.store import Store


async def find_service_problems(project: Project, store: Store, *, faulty_lists: int = 0) -> list[str]:
    """Return a line for each problem, without names and paths, because anybody may read it.

    faulty_lists: the number of lists whose table could not be used when the service started.
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
    return problems
