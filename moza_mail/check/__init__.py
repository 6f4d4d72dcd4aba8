"""Check an issue before it is mailed. Each finding names a line and says how to fix it.

A module with rules has a tuple `RULES` and a function `check(context)` that yields the findings. To add a
module, name it in `_rule_modules`.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from moza_mail.lazy import import_on_first_use
from moza_mail.model.finding import CheckOptions, Finding, Severity
from moza_mail.model.issue import Issue
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.link import LinkAnswer
from moza_mail.model.message import Rendered

if TYPE_CHECKING:
    from moza_mail.check.house_style import find_named_events
    from moza_mail.check.privacy_statement import PrivacyStatement as PrivacyStatement
    from moza_mail.check.rule import CheckContext, CheckFunction, Rule, RuleCategory

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
    """A module with rules."""

    @property
    def RULES(self) -> "tuple[Rule, ...]": ...  # noqa: N802  # a constant of the module

    @property
    def check(self) -> "CheckFunction": ...


def _rule_modules() -> tuple[_RuleModule, ...]:
    from moza_mail.check import (
        accessibility,
        agenda,
        clients,
        content,
        house_style,
        issue_file,
        leftovers,
        link_markup,
        link_targets,
        link_texts,
        mistyped_markup,
        privacy,
        readability,
        size,
        subject,
        wording,
    )

    return (
        *(content, subject, agenda, wording, readability, link_markup, link_targets, link_texts),
        *(accessibility, clients, size, privacy, issue_file, leftovers, house_style, mistyped_markup),
    )


def check_issue(
    issue: Issue,
    rendered: Rendered,
    options: CheckOptions,
    *,
    text: str,
    other_issues: tuple[IssueHeader, ...] = (),
) -> tuple[Finding, ...]:
    """Return the findings of all enabled rules, the most severe first, then by line.

    text: the issue's file as written.
    rendered: the mail, with open placeholders.
    other_issues: the headers of the other issues.

    Raises ProjectError if `[check] clients` names an unknown mail program.
    """
    context = _make_context(issue, rendered, options, text, other_issues)
    enabled = [m for m in _rule_modules() if not options.disabled.issuperset(rule.name for rule in m.RULES)]
    found = {finding for module in enabled for finding in module.check(context)}
    return sort_findings(finding for finding in found if finding.rule not in options.disabled)


def write_privacy_statement(
    issue: Issue, rendered: Rendered, options: CheckOptions, *, text: str
) -> "PrivacyStatement":
    """Return a statement for the privacy officer: what the mail reveals about its recipients."""
    from moza_mail.check.privacy_statement import build_statement

    return build_statement(_make_context(issue, rendered, options, text), rendered.compute_digest())


def _make_context(
    issue: Issue,
    rendered: Rendered,
    options: CheckOptions,
    text: str,
    other_issues: tuple[IssueHeader, ...] = (),
) -> "CheckContext":
    from moza_mail.check.rule import CheckContext

    return CheckContext(
        issue=issue,
        # Recipients get values instead of placeholders, so the rules check the mail with example values.
        rendered=rendered.fill_with_typical_values(),
        options=options,
        text=text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"),
        other_issues=other_issues,
    )


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings, the most severe first, then by line."""
    return tuple(sorted(findings, key=_sort_key))


def _sort_key(finding: Finding) -> tuple[int, int, str, str]:
    return SEVERITY_ORDER[finding.severity], finding.line, finding.rule, finding.message


def list_rules() -> "tuple[Rule, ...]":
    """Return the rules that `check_issue` applies."""
    return tuple(rule for module in _rule_modules() for rule in module.RULES)


def find_urls_to_check(issue: Issue, *, skip_prefixes: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the distinct web addresses to check.

    skip_prefixes: addresses that start with one of these are left out.
    """
    from moza_mail.check import link_status

    return link_status.find_urls_to_check(issue, skip_prefixes=skip_prefixes)


def check_link_answers(
    issue: Issue, options: CheckOptions, answers: Sequence[LinkAnswer]
) -> tuple[Finding, ...]:
    """Return the findings of the link rules for the answers of the websites."""
    from moza_mail.check import link_status

    found = link_status.check_answers(issue, options, answers)
    return tuple(finding for finding in found if finding.rule not in options.disabled)


def list_link_rules() -> "tuple[Rule, ...]":
    """Return the rules that `check_link_answers` applies."""
    from moza_mail.check import link_status

    return link_status.RULES


__getattr__ = import_on_first_use(
    __name__, house_style="find_named_events", rule="Rule RuleCategory", privacy_statement="PrivacyStatement"
)
