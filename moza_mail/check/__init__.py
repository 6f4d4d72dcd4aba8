"""Check: what the editor should know of an issue before it is mailed, each with a line and a way out.

A family of rules is a module with its `RULES` and one `judge(case)` that gives their findings; `_families` names them all.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from moza_mail.check.house_style import find_named_events
from moza_mail.check.rule import CheckContext, CheckFunction, Rule, RuleCategory
from moza_mail.model.finding import CheckOptions, Finding, Severity
from moza_mail.model.issue import Issue, IssueHeader
from moza_mail.model.link import LinkAnswer
from moza_mail.model.message import Rendered

if TYPE_CHECKING:
    from moza_mail.check.privacy_statement import PrivacyStatement

__all__ = [
    "Rule",
    "RuleCategory",
    "check_issue",
    "check_link_answers",
    "find_named_events",
    "find_urls_to_check",
    "list_link_rules",
    "list_rules",
    "sort_findings",
    "write_privacy_statement",
]

SEVERITY_ORDER = {severity: weight for weight, severity in enumerate(Severity)}


class _RuleModule(Protocol):
    """A module of rules."""

    @property
    def RULES(self) -> tuple[Rule, ...]: ...  # noqa: N802  # a constant of the module

    @property
    def check(self) -> CheckFunction: ...


def _rule_modules() -> tuple[_RuleModule, ...]:
    from moza_mail.check import (
        accessibility,
        agenda,
        clients,
        content,
        house_style,
        link_markup,
        link_targets,
        link_texts,
        privacy,
        readability,
        size,
        wording,
    )

    return (
        *(content, agenda, wording, readability, link_markup, link_targets, link_texts),
        *(accessibility, clients, size, privacy, house_style),
    )


def check_issue(
    issue: Issue,
    rendered: Rendered,
    options: CheckOptions,
    *,
    text: str,
    other_issues: tuple[IssueHeader, ...] = (),
) -> tuple[Finding, ...]:
    """Judge an issue by every rule that is not off; the gravest findings come first, then in the order of their lines.

    `text` is the issue's file as written, `rendered` what its readers would get, `others` the other issues of its folder.
    """
    case = _make_context(issue, rendered, options, text, other_issues)
    found = {
        finding
        for family in _rule_modules()
        for finding in family.check(case)
        if finding.rule not in options.disabled
    }
    return sort_findings(found)


def write_privacy_statement(
    issue: Issue, rendered: Rendered, options: CheckOptions, *, text: str
) -> "PrivacyStatement":
    """What the mail gives away about its readers, for a privacy officer; of the findings only those of that family."""
    from moza_mail.check.privacy_statement import build_statement

    return build_statement(_make_context(issue, rendered, options, text), rendered.compute_digest())


def _make_context(
    issue: Issue, rendered: Rendered, rules: CheckOptions, text: str, others: tuple[IssueHeader, ...] = ()
) -> CheckContext:
    rows = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    # No reader gets a slot's mark, so no rule is to measure or judge one.
    return CheckContext(
        issue=issue,
        rendered=rendered.fill_with_typical_values(),
        options=rules,
        text=rows,
        other_issues=others,
    )


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, the gravest first, then in the order of their lines."""
    return tuple(sorted(findings, key=_sort_key))


def _sort_key(finding: Finding) -> tuple[int, int, str, str]:
    return SEVERITY_ORDER[finding.severity], finding.line, finding.rule, finding.message


def list_rules() -> tuple[Rule, ...]:
    """Every rule that `issue` applies, by family, for docs and for who switches one off."""
    return tuple(rule for family in _rule_modules() for rule in family.RULES)


def find_urls_to_check(issue: Issue, *, skip_prefixes: Sequence[str] = ()) -> tuple[str, ...]:
    """The distinct web addresses of an issue that may be asked: not those with a merge field, nor beginning with one of `never`."""
    from moza_mail.check import link_status

    return link_status.find_urls_to_check(issue, skip_prefixes=skip_prefixes)


def check_link_answers(
    issue: Issue, options: CheckOptions, answers: Sequence[LinkAnswer]
) -> tuple[Finding, ...]:
    """What the web's answers mean for the issue, by every rule of `web_rules` that is not off."""
    from moza_mail.check import link_status

    return tuple(link_status.check_answers(issue, options, answers))


def list_link_rules() -> tuple[Rule, ...]:
    """Every rule that `link_findings` applies."""
    from moza_mail.check import link_status

    return link_status.RULES
