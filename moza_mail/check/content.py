"""Rules on what an issue says."""

from collections.abc import Iterator

from moza_mail.check.case import Case, Family, Rule
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import plain

EMPTY_SECTION = Rule(name="empty-section", family=Family.CONTENT, severity=Severity.ERROR)

RULES = (EMPTY_SECTION,)


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong with the content."""
    for section in case.issue.sections:
        if not section.blocks:
            yield EMPTY_SECTION.found(
                case,
                section.line,
                f"the section {plain(section.title)!r} is empty",
                fix="Write something under the heading, or take the heading out.",
            )
