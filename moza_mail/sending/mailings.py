"""Mailings: draft a mailing, find one that has begun, and begin one.

Beginning a mailing freezes its content and audience.
"""

from datetime import datetime

from moza_mail.errors import IssueChanged, MailingError, StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.duplicate import EarlierIssue, Likeness, collect_news, compare_issues
from moza_mail.model.issue import Issue
from moza_mail.model.mailing import Mailing, SentIssue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered
from moza_mail.model.segment import Segment
from moza_mail.model.store_mark import RestoreGap
from moza_mail.store import Store


def draft_mailing(
    issue: Issue,
    mailing_list: MailingList,
    rendered: Rendered,
    *,
    now: datetime,
    segment: Segment | None = None,
) -> Mailing:
    """Return the mailing of an issue to a list or to a segment, without storing it.

    The key of the mailing depends only on the issue and the list. Every Message-ID is derived from the key.
    """
    return Mailing(
        id=0,
        key=f"{mailing_list.slug}/{issue.slug}",
        issue_slug=issue.slug,
        issue_title=issue.title,
        list_slug=mailing_list.slug,
        digest=rendered.compute_digest(),
        rendered=rendered,
        created_at=now,
        issue_date=issue.date,
        segment=segment,
        news=collect_news(issue),
    )


async def find_mailing(store: Store, drafted: Mailing) -> Mailing | None:
    """Return the mailing that has already begun for this issue and list, or None.

    Raises IssueChanged if the mailing's content differs from the draft. Raises MailingError if the mailing began with a
    different segment: an issue goes to a list only once, because a subscriber in both segments would get it twice.
    """
    known = await store.ledger.find_mailing(drafted.issue_slug, drafted.list_slug)
    if known is None:
        return None
    requested, begun = (mailing.segment.slug if mailing.segment else "" for mailing in (drafted, known))
    if requested != begun:
        raise _make_segment_error(known, begun)
    if known.digest != drafted.digest:
        raise IssueChanged(
            _(
                "`{issue_slug}` has changed since its mailing to `{list_slug}` began on {created_at} UTC; some recipients may have the earlier text",
                issue_slug=drafted.issue_slug,
                list_slug=drafted.list_slug,
                created_at=f"{known.created_at:%Y-%m-%d %H:%M}",
            ),
            hint=_(
                "To continue this mailing, undo the changes to the issue, its theme and the settings of its list. To send the new text to everybody as a new mailing, give the issue another `slug`."
            ),
        )
    return known


def _make_segment_error(known: Mailing, begun: str) -> MailingError:
    audience = (
        _("segment `{segment}` of `{list_slug}`", segment=begun, list_slug=known.list_slug)
        if begun
        else _("the whole list `{list_slug}`", list_slug=known.list_slug)
    )
    option = f" --segment {begun}" if begun else ""
    return MailingError(
        _(
            "`{issue_slug}` went to {audience} on {created_at} UTC; an issue goes to a list once, so that nobody gets it twice",
            issue_slug=known.issue_slug,
            audience=audience,
            created_at=f"{known.created_at:%Y-%m-%d %H:%M}",
        ),
        hint=_(
            "To continue that mailing: moza-mail send {issue_slug}{option}. To mail others, give the text a `slug` of its own.",
            issue_slug=known.issue_slug,
            option=option,
        ),
    )


async def find_duplicate(store: Store, drafted: Mailing) -> EarlierIssue | None:
    """Return an earlier issue of the list that the draft seems to repeat, or None.

    The slugs of the two issues differ, usually because the file was renamed. If the draft seems to repeat several issues, the
    most similar one is returned; if these are equally similar, the newest.
    """
    sent = [
        one
        for one in await store.ledger.list_sent_issues(drafted.list_slug)
        if one.issue_slug != drafted.issue_slug
    ]
    drafts = SentIssue(
        issue_slug=drafted.issue_slug,
        issue_title=drafted.issue_title,
        issue_date=drafted.issue_date.isoformat() if drafted.issue_date else "",
        text=drafted.rendered.text,
        news=drafted.news,
        created_at=drafted.created_at,
    )
    found = [
        EarlierIssue(issue=one, likeness=likeness)
        for one in sent
        if (likeness := compare_issues(drafts, one))
    ]
    return min(found, key=lambda earlier: list(Likeness).index(earlier.likeness), default=None)


def require_known_past(gap: RestoreGap | None, issue: Issue) -> None:
    """Raise MailingError if the store may have lost the record that the issue was sent.

    A restored store does not know what was sent after its backup was made.
    """
    if gap is None:
        return
    if gap.is_open:
        raise MailingError(
            _(
                "the store was restored, and has no record of what was sent between {start} UTC and {end} UTC",
                start=f"{gap.start:%Y-%m-%d %H:%M}",
                end=f"{gap.end:%Y-%m-%d %H:%M}",
            ),
            hint=_(
                "Record what was sent in that time. With the relay's log: moza-mail settle --log FILE. If every issue up to a certain time was sent: moza-mail settle --assume-sent-until TIME"
            ),
        )
    if gap.counts_as_sent(issue.date, issue.send_at):
        raise MailingError(
            _(
                "`{source}` counts as sent: the restored store has no record of it, and you stated that every issue dated up to {day} was sent",
                source=issue.source,
                day=str(gap.assumed_through),
            ),
            hint=_("If nobody received the issue, give it a later `date` and send it again."),
        )


async def begin_mailing(store: Store, issue: Issue, mailing_list: MailingList, drafted: Mailing) -> Mailing:
    """Return the mailing if it has begun already, or else create it.

    Creating a mailing freezes its content and audience. Raises IssueChanged, EmptyAudience, or MailingError if the mailing must
    not begin, for example because the issue is a draft.
    """
    if known := await find_mailing(store, drafted):
        return known
    if issue.draft:
        raise MailingError(
            _("`{source}` is a draft", source=issue.source),
            hint=_("Delete `draft: true` from it. A draft can be tried with --test ADDRESS and --dry-run."),
        )
    require_known_past(await store.identity.read_gap(), issue)
    await store.subscribers.save_list(mailing_list)
    try:
        return await store.ledger.create_mailing(drafted)
    except StoreError:
        # Another machine may have begun the mailing at the same moment.
        if known := await find_mailing(store, drafted):
            return known
        raise
