"""Accept or reject held suppressions, and remove many suppressions at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moza_mail import sending
from moza_mail.app.clock import now
from moza_mail.app.mailing_status import find_mailings
from moza_mail.app.open_project import open_store
from moza_mail.errors import ProjectError
from moza_mail.i18n import Translatable, ngettext
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import Mailing
from moza_mail.model.provider import find_provider
from moza_mail.model.subscriber import Suppression, SuppressionQuery
from moza_mail.model.verdict import Verdict
from moza_mail.project import Project
from moza_mail.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """The suppressions of a mailing that are held until a person accepts or rejects them.

    counts: the number of held suppressions by provider and verdict.
    examples: one suppression of each provider and verdict.
    """

    mailing: Mailing
    domain: str
    counts: Mapping[tuple[str, Verdict], int]
    examples: Sequence[Suppression]

    @property
    def total(self) -> int:
        """The number of held suppressions."""
        return sum(self.counts.values())

    def describe(self) -> Iterator[str]:
        """Return a line with the total, and a line for each provider and verdict."""
        mailing = f"{self.mailing.issue_slug} to {self.mailing.list_slug}"
        yield _("{mailing}: {count} held", mailing=mailing, count=self.total)
        for ((provider, verdict), count), one in zip(self.counts.items(), self.examples, strict=False):
            example = f"{one.address.mask()}: {one.evidence[:120]}"
            yield _(
                "{count:>8} at {provider} ({verdict}), for example {example}",
                count=count,
                provider=provider,
                verdict=verdict.value,
                example=example,
            )

    def as_data(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "issue": self.mailing.issue_slug,
            "list": self.mailing.list_slug,
            "held": [
                {"provider": provider, "verdict": verdict.value, "count": count}
                for (provider, verdict), count in self.counts.items()
            ],
        }


async def plan_decision(project: Project, issue: str, domain: str) -> HeldPlan:
    """Return the held suppressions of the newest mailing of an issue.

    issue: the issue; empty for the newest mailing of any issue.
    domain: return only the held suppressions at the provider of this domain; empty for all providers.
    """
    provider = find_provider(domain) if domain else ""
    async with open_store(project) as store:
        mailing = (await find_mailings(store, project, issue, ""))[0]
        counts = await store.suppressions.count_held(mailing.id)
        examples = await store.suppressions.find_held_examples(mailing.id)
    return HeldPlan(
        mailing=mailing,
        domain=domain,
        counts={key: count for key, count in counts.items() if provider in {"", key[0]}},
        examples=[one for one in examples if provider in {"", find_provider(one.address.domain)}],
    )


async def decide_held(project: Project, plan: HeldPlan, *, accept: bool) -> int:
    """Accept or reject the held suppressions of a plan. Return their number."""
    async with open_store(project) as store:
        reason = "the mass verdict was rejected by a person"
        count = await store.suppressions.decide_held(
            plan.mailing.id, accept=accept, domain=plan.domain, reason=reason, now=now()
        )
        decision = "accepted" if accept else "rejected"
        detail = f"held suppressions {decision}: {count} of {plan.mailing.issue_slug}"
        await sending.log_access(
            store, detail, now=now(), list_slug=plan.mailing.list_slug, mailing=plan.mailing.id
        )
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsuppressOptions:
    """Conditions for removing suppressions. A suppression must meet all given conditions."""

    issue: str = ""
    since: datetime | None = None
    domain: str = ""
    reply: str = ""

    def __bool__(self) -> bool:
        return bool(self.issue or self.since or self.domain or self.reply)


async def find_removable(store: Store, project: Project, options: UnsuppressOptions) -> list[Suppression]:
    """Return the suppressions that match the options.

    Suppressions after a complaint and suppressions made by hand never match. Raises ProjectError if no condition is given.
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


async def remove_all(store: Store, suppressions: Sequence[Suppression], reason: str) -> int:
    """Remove suppressions and log each removal. Return the number of removals."""
    return await store.suppressions.remove_all([one.address for one in suppressions], reason, now=now())


def describe_found(count: int) -> Translatable:
    """Return a sentence about the number of suppressions that match."""
    return ngettext(
        "{count} address is suppressed by such a bounce",
        "{count} addresses are suppressed by such bounces",
        count,
    )


def describe_removed(count: int) -> Translatable:
    """Return a sentence about the number of suppressions that were removed."""
    return ngettext("{count} address may be mailed again", "{count} addresses may be mailed again", count)
