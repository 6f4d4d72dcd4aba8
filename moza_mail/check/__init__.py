"""Check: what the editor should know of an issue before it is mailed, each with a line and a way out."""

from moza_mail.check.case import Family, Other, Rule
from moza_mail.model.finding import Finding, Rules
from moza_mail.model.issue import Issue
from moza_mail.model.message import Rendered

__all__ = ["Family", "Other", "Rule", "issue", "rules"]


def issue(
    issue: Issue, rendered: Rendered, rules: Rules, *, text: str, others: tuple[Other, ...] = ()
) -> tuple[Finding, ...]:
    """Judge an issue by every rule that is not off; the findings come in the order of their lines.

    `text` is the issue's file as written, `rendered` what its readers would get, `others` the other issues of its folder.
    """
    from lxml.html import document_fromstring

    from moza_mail.check import content
    from moza_mail.check.case import Case

    case = Case(
        issue=issue,
        rendered=rendered,
        rules=rules,
        text=text,
        tree=document_fromstring(rendered.html),
        others=others,
    )
    found = [
        finding for judge in (content.judge,) for finding in judge(case) if finding.rule not in rules.off
    ]
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.rule)))


def rules() -> tuple[Rule, ...]:
    """Every rule there is, by family, for docs and for who switches one off."""
    from moza_mail.check import content

    return content.RULES
