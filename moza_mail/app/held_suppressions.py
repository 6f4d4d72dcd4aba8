"""Accept or reject held suppressions, and remove many suppressions at once."""

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
    """Accept or reject the held suppressions of an issue's newest mailing. Return how many.

    domain: decide only about the held suppressions at this domain; empty for all.
    """
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
    """Conditions on the suppressions to remove. All conditions that are given must match."""

    issue: str = ""
    since: datetime | None = None
    domain: str = ""
    reply: str = ""

    def __bool__(self) -> bool:
        return bool(self.issue or self.since or self.domain or self.reply)


async def find_removable(store: Store, project: Project, options: UnsuppressOptions) -> list[Suppression]:
    """Return the suppressions that match the options.

    Suppressions by complaint and by hand never match. Raises ProjectError if no condition is given.
    """
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
    """Remove suppressions and log each removal. Return how many were removed."""
    removed = [await store.suppressions.remove(one.address, reason, now=now()) for one in suppressions]
    return sum(one is not None for one in removed)
