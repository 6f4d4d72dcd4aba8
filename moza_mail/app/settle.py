"""Settle uncertain deliveries from the relay's log, or by a person's statement."""

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from moza_mail.app.clock import now
from moza_mail.app.lost_mailings import record_lost_mailings
from moza_mail.app.mailing_status import UNCERTAIN, find_mailings, make_message_id_function
from moza_mail.bounces import read_log_period, read_relay_log
from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import Mailing
from moza_mail.model.relay_log import AcceptanceProof, LogPeriod
from moza_mail.model.store_mark import RestoreGap
from moza_mail.project import Project
from moza_mail.store import Store

# The clocks of two machines may differ by this much.
MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The number of deliveries that the relay's log settled, and the number still uncertain."""

    mailing: Mailing
    settled: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleReport:
    """The result of comparing the store with the relay's log.

    gap: the period that a restored store still has no record of; None if the store was not restored, or if one issue
        was named.
    period: the period that the log covers; None if the log has no line about mail with a time, or if there is no gap.
    """

    mailings: Sequence[Settlement]
    gap: RestoreGap | None = None
    period: LogPeriod | None = None

    @property
    def needs_attention(self) -> bool:
        """True if a delivery stays uncertain, or if the log does not cover the whole gap."""
        return any(one.left for one in self.mailings) or bool(self.gap and self.gap.is_open)


async def settle(store: Store, project: Project, issue: str, list_slug: str, log: Path) -> SettleReport:
    """Record uncertain deliveries as accepted if the relay's log shows their acceptance.

    Settles the newest mailing of the named issue, or else the newest mailing of all.

    A restored store has no record of what was sent in some period. If no issue is named, the mailings that only the log
    has are then recorded first, and all mailings are settled. After that, the period that the log covers counts as known.

    Raises UnknownMailing if there is no mailing, StoreLocked if another process is sending, IssueError for an issue that
    cannot be compared with the log, and ProjectError for an unreadable log.
    """
    gap = await store.identity.read_gap()
    if gap is None or not gap.is_open or issue:
        mailing = (await find_mailings(store, project, issue, list_slug))[0]
        return SettleReport(mailings=[await _settle_mailing(store, project, mailing, log)])
    period = _read_period(log)
    await record_lost_mailings(store, project, lambda wanted: _read_log(log, wanted))
    settled = [
        await _settle_mailing(store, project, mailing, log) for mailing in await store.ledger.list_mailings()
    ]
    left = gap.without(period)
    await store.identity.write_gap(left)
    return SettleReport(mailings=[one for one in settled if one.settled or one.left], gap=left, period=period)


async def assume_sent(store: Store, project: Project, until: datetime) -> RestoreGap:
    """Record a person's statement that every issue dated up to a time was sent.

    Raises ProjectError if the store was not restored, or if the time is before the restored store's last change.
    """
    gap = await store.identity.read_gap()
    if gap is None:
        raise ProjectError(_("this store was not restored from a backup, so there is nothing to assume"))
    if until < gap.start:
        raise ProjectError(
            _(
                "the store already has complete records until {start} UTC",
                start=f"{gap.start:%Y-%m-%d %H:%M}",
            ),
            hint=_("Name a later time."),
        )
    assumed = gap.assume_sent(until, project.config.zone)
    await store.identity.write_gap(assumed)
    return assumed


async def _settle_mailing(store: Store, project: Project, mailing: Mailing, log: Path) -> Settlement:
    message_id = make_message_id_function(project, mailing.list_slug, mailing.key)
    async with store.ledger.hold_sender_lock(f"moza-mail settle {mailing.issue_slug}"):
        await store.ledger.recover(mailing.id, now=now())
        uncertain = {
            message_id(delivery.subscriber_id): delivery
            async for delivery in store.ledger.iter_deliveries(mailing.id, UNCERTAIN)
        }
        proofs = _read_log(log, uncertain)
        for proof in proofs:
            delivery = uncertain[proof.message_id]
            await store.ledger.settle_from_log(
                delivery.id, queue_id=proof.queue_id, evidence=proof.line, now=now()
            )
    return Settlement(mailing=mailing, settled=len(proofs), left=len(uncertain) - len(proofs))


def _read_log(log: Path, message_ids: Container[str]) -> list[AcceptanceProof]:
    with _open_log(log) as lines:
        return list(read_relay_log(lines, message_ids))


def _read_period(log: Path) -> LogPeriod | None:
    """Return the period that a log covers; None if the log shows no times.

    Raises ProjectError if a time is in the future. Then the log is not in the time zone of this machine.
    """
    moment = now()
    with _open_log(log) as lines:
        period = read_log_period(lines, moment)
    if period and period.last > moment + MAX_CLOCK_DIFFERENCE:
        raise ProjectError(
            _(
                "{log} has a time in the future, {last} UTC: its times are not in the time zone of this machine",
                log=str(log),
                last=f"{period.last.astimezone(UTC):%Y-%m-%d %H:%M}",
            ),
            hint=_("Name the time zone of the log: TZ=Europe/Amsterdam moza-mail settle --log FILE"),
        )
    return period


@contextmanager
def _open_log(log: Path) -> Iterator[TextIO]:
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as error:
        raise ProjectError(
            _("{log} cannot be read: {reason}", log=str(log), reason=describe_os_error(error)),
            hint=_("Name the relay's log: --log FILE"),
        ) from None
