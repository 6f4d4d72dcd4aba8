"""Wait for an unavailable database server during a mailing, and report it once to cron."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from moza_mail.app.clock import now
from moza_mail.app.judge_health import STANDBY_HINT, describe_standbys
from moza_mail.errors import StoreUnavailable
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import Mailing
from moza_mail.model.timestamps import format_duration
from moza_mail.project import Project
from moza_mail.store import Store

PATIENCE = timedelta(minutes=10)
REPORTED = "subscribers/database-away"
"""This file exists if the last run from cron could not reach the database, which cannot store that fact itself."""


def wait_for_database(
    store: Store, say: Callable[[str], None], stop: asyncio.Event, patience: timedelta | None = None
) -> None:
    """Let a mailing wait while the database server is unavailable.

    say: receives one message for each outage.
    stop: an event. When it is set, the mailing stops waiting.
    patience: wait up to this long; None for ten minutes.
    """
    limit = PATIENCE if patience is None else patience

    def on_outage(error: StoreUnavailable) -> None:
        text = _(
            "{message}\n  Waiting up to {patience} for the database. Meanwhile, no more recipients are claimed. Outcomes are recorded when the database is available again.",
            message=error.message,
            patience=format_duration(limit),
        )
        say(text)

    outage = store.transactions.database.outage
    outage.patience, outage.on_outage, outage.is_stopped = limit.total_seconds(), on_outage, stop.is_set


async def find_standby_warnings(store: Store, mailing: Mailing) -> list[str]:
    """Return a warning if a failover of the database may lose commits.

    Returns no warning if an earlier call for the same mailing returned it.
    """
    count = await store.ledger.count_unsafe_standbys()
    if count and await store.notices.report_once(f"standbys {mailing.key}", now=now()):
        return [_("Warning: {message}. {hint}", message=describe_standbys(count), hint=STANDBY_HINT)]
    return []


def report_outage_once(project: Project, work: Callable[[], int], *, repeat: bool) -> int:
    """Run the work of a cron command and return its exit code.

    If an earlier run reported that the database is away, return the exit code of that error without raising the error.

    repeat: raise the error also if it was reported before.
    """
    mark = project.root / REPORTED
    try:
        code = work()
    except StoreUnavailable as error:
        is_known = mark.exists()
        # In a folder that may not be written, the error is reported each time.
        with suppress(OSError):
            mark.touch(mode=0o600)
        if repeat or not is_known:
            raise
        return error.exit_code
    with suppress(OSError):
        mark.unlink(missing_ok=True)
    return code
