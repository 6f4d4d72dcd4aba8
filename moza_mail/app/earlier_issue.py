"""Find out, for the command `check`, if an issue was sent before under another name."""

from moza_mail.app.check_issue import SENT_BEFORE, check_issue, load_rules
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.errors import MozaMailError
from moza_mail.i18n import gettext as _
from moza_mail.model.duplicate import EarlierIssue
from moza_mail.model.finding import Finding, Severity


def check_with_history(prepared: PreparedIssue) -> tuple[Finding, ...]:
    """Check a prepared issue, and look for an earlier mailing of it under another name.

    On a machine without a store, only the issue is checked, and no module that needs a store is imported.
    """
    found = check_issue(prepared)
    project = prepared.project
    has_history = project.has_secret() and project.read_store_mark() is not None
    if SENT_BEFORE in load_rules(project).disabled or not has_history:
        return found
    import asyncio

    earlier = asyncio.run(find_earlier_issue(prepared))
    return (*found, earlier) if earlier else found


async def find_earlier_issue(prepared: PreparedIssue) -> Finding | None:
    """Return a finding if the issue may have been sent before under another name.

    An earlier issue counts if it has the same title or date, or nearly the same words. If the store cannot be read,
    the finding reports that.
    """
    from moza_mail import sending
    from moza_mail.app.open_project import open_store

    draft = prepared.draft_mailing()
    try:
        async with open_store(prepared.project) as store:
            if await store.ledger.find_mailing(draft.issue_slug, draft.list_slug):
                return None
            earlier = await sending.find_duplicate(store, draft)
    except MozaMailError as error:
        return _make_finding(
            prepared,
            Severity.INFO,
            _("it is unknown if this issue was sent before: {reason}", reason=error.message),
            error.hint or _("Look up the earlier mailings: moza-mail status"),
        )
    return _describe(prepared, earlier) if earlier else None


def _describe(prepared: PreparedIssue, earlier: EarlierIssue) -> Finding:
    from moza_mail.sending.due import ALIKE

    return _make_finding(
        prepared,
        Severity.WARNING,
        _(
            "it {is_like} `{issue_slug}`, which `{list_slug}` got on {day}",
            is_like=ALIKE[earlier.likeness],
            issue_slug=earlier.issue.issue_slug,
            list_slug=prepared.mailing_list.slug,
            day=f"{earlier.issue.created_at.astimezone(prepared.project.config.zone):%Y-%m-%d}",
        ),
        _(
            "If the file was renamed, write `slug: {slug}` in its front matter. Otherwise, correct the title or the date.",
            slug=earlier.issue.issue_slug,
        ),
    )


def _make_finding(prepared: PreparedIssue, severity: Severity, message: str, fix: str) -> Finding:
    return Finding(
        rule=SENT_BEFORE,
        severity=severity,
        source=prepared.issue.source,
        line=0,
        message=message,
        fix=fix,
    )
