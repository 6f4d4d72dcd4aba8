"""Decide about held suppressions, and remove many suppressions together."""

from dataclasses import dataclass
from datetime import datetime

from moza_mail import sending
from moza_mail.app.clock import now
from moza_mail.app.mailing_status import find_mailings
from moza_mail.app.open_project import open_store
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.subscriber import Suppression, SuppressionQuery
from moza_mail.project import Project
from moza_mail.store import Store


async def decide_held(project: Project, issue: str, domain: str, *, accept: bool) -> int:
    """Suppress the addresses that are held of the newest mailing of an issue, or release them; return how many."""
    async with open_store(project) as store:
        mailing = (await find_mailings(store, project, issue, ""))[0]
        reason = "the mass verdict was rejected by a person"
        count = await store.suppressions.decide_held(
            mailing.id, accept=accept, domain=domain, reason=reason, now=now()
        )
        decision = "accepted" if accept else "rejected"
        detail = f"held suppressions {decision}: {count} of {mailing.issue_slug}"
        await sending.log_access(store, detail, now=now(), list_slug=mailing.list_slug, mailing=mailing.id)
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsuppressOptions:
    """Which suppressions by bounces to remove; all conditions that are given must hold."""

    issue: str = ""
    since: datetime | None = None
    domain: str = ""
    reply: str = ""

    def __bool__(self) -> bool:
        return bool(self.issue or self.since or self.domain or self.reply)


async def find_removable(store: Store, project: Project, options: UnsuppressOptions) -> list[Suppression]:
    """Return the suppressions that `remove_all` would remove. Complaints and manual ones are never among them."""
    if not options:
        raise ProjectError(
            _("no address and no condition is given"),
            hint=_("Name an ADDRESS, or use --mailing, --since, --domain or --reply."),
        )
    mailing_id = (await find_mailings(store, project, options.issue, ""))[0].id if options.issue else None
    return await store.suppressions.find_matching(
        SuppressionQuery(
            mailing_id=mailing_id, since=options.since, domain=options.domain, reply=options.reply
        )
    )


async def remove_all(store: Store, suppressions: list[Suppression], reason: str) -> int:
    """Remove suppressions; each is logged. Return how many were left to remove."""
    removed = [await store.suppressions.remove(one.address, reason, now=now()) for one in suppressions]
    return sum(one is not None for one in removed)
