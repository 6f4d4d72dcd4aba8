"""Settle uncertain deliveries from the relay's log, or by a person's word after a restore."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from moza_mail.app.clock import now
from moza_mail.app.mailing_status import UNCERTAIN, find_mailings, message_ids
from moza_mail.app.prepare_issue import PreparedIssue, prepare_issue
from moza_mail.bounces import AcceptanceProof, read_relay_log
from moza_mail.errors import MozaMailError, ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import Mailing
from moza_mail.model.store_mark import RestoreGap
from moza_mail.project import Project
from moza_mail.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The number of deliveries that the relay's log settled, and the number still uncertain."""

    mailing: Mailing
    settled: int
    left: int


async def settle(store: Store, project: Project, issue: str, list_slug: str, log: Path) -> list[Settlement]:
    """Record an uncertain delivery as accepted if the relay's log shows its acceptance.

    Settles one mailing, by default the newest. After a restore, if no issue is named, settles all mailings: mailings from after
    the backup, which the store does not know, are recorded first. Then the period that the store does not know is closed.

    Raises UnknownMailing, StoreLocked if another process is sending, and ProjectError for an unreadable log.
    """
    gap = await store.identity.read_gap()
    if gap is None or not gap.is_open or issue:
        return [
            await _settle_mailing(
                store, project, (await find_mailings(store, project, issue, list_slug))[0], log
            )
        ]
    await _record_unknown_mailings(store, project, gap, log)
    settled = [
        await _settle_mailing(store, project, mailing, log) for mailing in await store.ledger.list_mailings()
    ]
    await store.identity.write_gap(replace(gap, is_open=False))
    return [one for one in settled if one.settled or one.left]


async def assume_sent(store: Store, until: datetime) -> RestoreGap:
    """Record a person's statement that every issue dated up to a time was sent.

    Raises ProjectError if the store was not restored, or if the time is before the restored store's last change.
    """
    gap = await store.identity.read_gap()
    if gap is None:
        raise ProjectError(_("this store was not restored from a backup, so there is nothing to assume"))
    if until < gap.start:
        raise ProjectError(
            _("the store knows everything until {start} UTC already", start=f"{gap.start:%Y-%m-%d %H:%M}"),
            hint=_("Name a later time."),
        )
    settled = replace(gap, is_open=until < gap.end, assumed_until=until)
    await store.identity.write_gap(settled)
    return settled


async def _settle_mailing(store: Store, project: Project, mailing: Mailing, log: Path) -> Settlement:
    message_id = message_ids(project, mailing)
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


def _read_log(log: Path, message_ids: Mapping[str, object]) -> list[AcceptanceProof]:
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            return list(read_relay_log(lines, message_ids.keys()))
    except OSError as error:
        raise ProjectError(
            _("{log} cannot be read: {reason}", log=str(log), reason=describe_os_error(error)),
            hint=_("Name the relay's log: --log FILE"),
        ) from None


async def _record_unknown_mailings(store: Store, project: Project, gap: RestoreGap, log: Path) -> None:
    """Record a mailing for each issue that is in the relay's log but not in the store.

    The deliveries of such a mailing are uncertain at first.
    """
    async for prepared, mailing in _iter_unknown(store, project, gap):
        message_id = message_ids(project, mailing)
        recipients = store.subscribers.iter_recipients(mailing.list_slug)
        known = {message_id(recipient.subscriber_id): None async for recipient in recipients}
        if not _read_log(log, known):
            continue
        await store.subscribers.save_list(prepared.mailing_list)
        await store.ledger.create_mailing(mailing)
        await store.identity.doubt_deliveries(now=now())


async def _iter_unknown(
    store: Store, project: Project, gap: RestoreGap
) -> AsyncGenerator[tuple[PreparedIssue, Mailing]]:
    """Yield each issue that is dated in the gap and has no mailing. Skip unreadable issues."""
    for path in project.list_issues():
        try:
            prepared = prepare_issue(project, str(path))
        except MozaMailError:
            continue
        date = prepared.issue.date
        mailing = prepared.draft_mailing()
        if date is None or not gap.start.date() <= date <= gap.end.date():
            continue
        if await store.ledger.find_mailing(mailing.issue_slug, mailing.list_slug) is None:
            yield prepared, mailing
