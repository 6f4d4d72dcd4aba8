"""Check the file of an issue: its name, its front matter keys, and that it has content."""

import re
from collections.abc import Iterator
from datetime import date

from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue_name import issue_name

UNKNOWN_KEY = Rule(name="unknown-key", category=RuleCategory.CONTENT, severity=Severity.WARNING)
FILE_DATE = Rule(name="file-date", category=RuleCategory.CONTENT, severity=Severity.WARNING)
EMPTY_ISSUE = Rule(name="empty-issue", category=RuleCategory.CONTENT, severity=Severity.ERROR)

DUPLICATE_SLUG = Rule(name="duplicate-slug", category=RuleCategory.CONTENT, severity=Severity.ERROR)

RULES = (UNKNOWN_KEY, FILE_DATE, EMPTY_ISSUE, DUPLICATE_SLUG)

DATE_IN_NAME = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield the problems of the file as a whole."""
    issue = context.issue
    for key, known in issue.similar_keys.items():
        yield UNKNOWN_KEY.report(
            context,
            context.find_key_line(key),
            _("the key `{key}` is unknown", key=key),
            fix=_("Did you mean `{known}`?", known=known),
        )
    named = _date_in_name(issue.source)
    if named and named != issue.date:
        yield FILE_DATE.report(
            context,
            context.find_key_line("date"),
            _("the file name says {named} and `date` says {date}", named=str(named), date=str(issue.date)),
            fix=_("Correct the one that still comes from the previous issue."),
        )
    yield from _check_slug(context)
    if not any(section.blocks for section in issue.sections):
        yield EMPTY_ISSUE.report(
            context, 0, _("there is no text in this issue"), fix=_("Write it below the front matter.")
        )


def _check_slug(context: CheckContext) -> Iterator[Finding]:
    """Report a slug that another issue of the list has too.

    The ledger would take both issues for one mailing.
    """
    issue = context.issue
    for other in context.other_issues:
        if (other.slug, other.list_slug) == (issue.slug, issue.list_slug):
            yield DUPLICATE_SLUG.report(
                context,
                context.find_key_line("slug"),
                _("{other} has the same slug, `{slug}`", other=other.source, slug=issue.slug),
                fix=_("Give one of the two another file name or `slug`, because a slug is mailed once."),
            )
            return


def _date_in_name(source: str) -> date | None:
    found = DATE_IN_NAME.match(issue_name(source))
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
