"""Load the status of a mailing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moza_mail import sending
from moza_mail.app.clock import now
from moza_mail.app.mailing_report import progress_as_data, summary_as_data
from moza_mail.app.planned_issues import load_planned_issues
from moza_mail.compose import SignedLinks
from moza_mail.errors import IssueError, MozaMailError, UnknownMailing
from moza_mail.i18n import gettext as _
from moza_mail.model.audit_seal import AuditCheck
from moza_mail.model.mailing import Delivery, DeliveryState, Mailing
from moza_mail.model.subscriber import Suppression
from moza_mail.model.summary import MailingSummary
from moza_mail.project import Project
from moza_mail.sending import MailingProgress
from moza_mail.store import Store

UNCERTAIN = (DeliveryState.UNCERTAIN, DeliveryState.INTENT)
UNFINISHED = (*UNCERTAIN, DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
MOST_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOptions:
    """Lists to show in addition to the counts.

    state: list every recipient in this state.
    uncertain: list the addresses of uncertain recipients.
    suppressed: list the addresses that the mailing's replies have suppressed.
    domains: also count the recipients by domain.
    """

    state: DeliveryState | None = None
    uncertain: bool = False
    suppressed: bool = False
    domains: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMailing:
    """A mailing as one line in the list of mailings."""

    mailing: Mailing
    states: Mapping[DeliveryState, int]

    @property
    def remaining(self) -> int:
        """The number of recipients who are not mailed yet, or about whom a person must decide."""
        return sum(self.states[state] for state in UNFINISHED)

    def as_data(self) -> dict[str, Any]:
        """Return the line as JSON values."""
        return {
            "issue": self.mailing.issue_slug,
            "list": self.mailing.list_slug,
            "created_at": self.mailing.created_at.isoformat(),
            "audience": sum(self.states.values()),
            "accepted": self.states[DeliveryState.ACCEPTED],
            "remaining": self.remaining,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingStatus:
    """The status of a mailing. The lists that `StatusOptions` did not request are empty.

    earlier: the number of mailings that are older than this mailing.
    mailings: the newest mailings, including this mailing; empty if the status of a named issue was requested.
    unreadable: an error for each unreadable issue, which cannot be sent automatically.
    audit_check: the result of verifying the newest entries of the audit log.
    """

    progress: MailingProgress
    summary: MailingSummary
    relay: str
    earlier: int
    mailings: Sequence[ListedMailing] = ()
    uncertain: Sequence[str] = ()
    recipients: Sequence[Mapping[str, Any]] = ()
    suppressions: Sequence[Mapping[str, str]] = ()
    unreadable: Sequence[MozaMailError] = ()
    audit_check: AuditCheck

    @property
    def needs_attention(self) -> bool:
        """True if a person must decide about recipients or correct an issue.

        A person decides about uncertain recipients, held suppressions and a changed audit log.
        """
        has_problem = bool(self.unreadable) or not self.audit_check.is_intact
        return self.has_uncertain or has_problem or bool(self.progress.held)

    @property
    def has_uncertain(self) -> bool:
        """True if a person must decide about uncertain recipients."""
        return any(self.summary.states[state] for state in UNCERTAIN)

    def as_data(self, options: StatusOptions) -> dict[str, Any]:
        """Return the status as JSON values, with the lists that `options` requests."""
        return {
            **progress_as_data(self.progress, self.relay),
            **summary_as_data(self.summary),
            **({"uncertain": self.uncertain} if options.uncertain else {}),
            **({"recipients": self.recipients} if options.state else {}),
            **({"suppressions": self.suppressions} if options.suppressed else {}),
            "mailings": [one.as_data() for one in self.mailings],
            "unreadable": [error.message for error in self.unreadable],
            "audit_log": self.audit_check.to_dict(),
        }


async def load_status(
    store: Store, project: Project, issue: str, list_slug: str, options: StatusOptions
) -> MailingStatus:
    """Load the status of the newest mailing. Write to the audit log if addresses are shown.

    issue: choose the newest mailing of this issue; empty for any issue.
    list_slug: choose the newest mailing to this list; empty for any list.

    Raises UnknownMailing if there is no such mailing.
    """
    mailings = await find_mailings(store, project, issue, list_slug)
    mailing = mailings[0]
    summary = await store.ledger.summarize(mailing.id, domains=options.domains)
    progress = replace(
        await sending.load_progress(store, mailing), states=dict(summary.states), skipped=summary.skipped
    )
    await _log_access(store, mailing, options, summary)
    uncertain: list[str] = []
    if options.uncertain:
        uncertain = [str(one.address) async for one in store.ledger.iter_deliveries(mailing.id, UNCERTAIN)]
    recipients: list[dict[str, Any]] = []
    if options.state:
        message_id = make_message_id_function(project, mailing.list_slug, mailing.key)
        deliveries = store.ledger.iter_deliveries(mailing.id, [options.state])
        recipients = [_recipient_as_data(one, message_id) async for one in deliveries]
    suppressions: list[dict[str, str]] = []
    if options.suppressed:
        suppressions = [
            _suppression_as_data(one) async for one in store.suppressions.iter_from_mailing(mailing.id)
        ]
    return MailingStatus(
        progress=progress,
        summary=summary,
        relay=project.config.relay,
        earlier=len(mailings) - 1,
        mailings=[] if issue else await _list_mailings(store, mailings[:MOST_LISTED]),
        uncertain=uncertain,
        recipients=recipients,
        suppressions=suppressions,
        unreadable=() if issue else load_planned_issues(project).errors,
        audit_check=await store.audit_log.verify(is_quick=True),
    )


async def _list_mailings(store: Store, mailings: Sequence[Mailing]) -> list[ListedMailing]:
    return [ListedMailing(mailing=one, states=await store.ledger.count_by_state(one.id)) for one in mailings]


async def _log_access(
    store: Store, mailing: Mailing, options: StatusOptions, summary: MailingSummary
) -> None:
    """Add an audit entry if addresses are shown."""
    has_uncertain = options.uncertain and any(summary.states[state] for state in UNCERTAIN)
    parts = [
        f"state {options.state}" if options.state else "",
        "uncertain" if has_uncertain and options.state not in UNCERTAIN else "",
        "suppressed by its replies" if options.suppressed else "",
    ]
    if shown := "; ".join(filter(None, parts)):
        detail = f"recipients of {mailing.issue_slug} shown: {shown}"
        await sending.log_access(store, detail, now=now(), list_slug=mailing.list_slug, mailing=mailing.id)


def _recipient_as_data(delivery: Delivery, message_id: Callable[[int], str]) -> dict[str, Any]:
    return {
        "address": str(delivery.address),
        "message_id": message_id(delivery.subscriber_id),
        "attempts": delivery.attempts,
        "reply": delivery.reply or delivery.detail or delivery.skip_reason,
        "queue_id": delivery.queue_id,
    }


def _suppression_as_data(suppression: Suppression) -> dict[str, str]:
    return {
        "address": str(suppression.address),
        "reason": suppression.reason.value,
        "created_at": suppression.created_at.isoformat(),
        "evidence": suppression.evidence,
    }


async def find_mailings(store: Store, project: Project, issue: str, list_slug: str) -> list[Mailing]:
    """Return the mailings of an issue to a list, newest first. Empty arguments match all.

    Raises UnknownMailing if there are none, and ProjectError or ListError if the list is unknown or cannot be used.
    """
    slug = _find_slug(project, issue) if issue else ""
    mailings = [
        mailing for mailing in await store.ledger.list_mailings(slug) if list_slug in {"", mailing.list_slug}
    ]
    if not mailings:
        if list_slug:
            project.read_list(list_slug)
        raise UnknownMailing(
            _("the ledger has no mailing of {issue} yet", issue=slug)
            if slug
            else _("the ledger has no mailing yet"),
            hint=_("Begin one: moza-mail send ISSUE"),
        )
    return mailings


def _find_slug(project: Project, issue: str) -> str:
    """Return the slug of an issue. `issue` is its file or its slug."""
    from moza_mail.app.prepare_issue import load_issue

    try:
        return load_issue(project, issue).slug
    except IssueError:
        return issue


def make_message_id_function(project: Project, list_slug: str, mailing_key: str) -> Callable[[int], str]:
    """Return a function that makes a Message-ID of a mailing from a subscriber's id."""
    links = SignedLinks(secret=project.read_secret(), public_url=project.config.public_url)
    domain = project.read_list(list_slug).sender.domain
    return lambda subscriber: links.make_message_id(mailing_key, subscriber, domain)
