"""What is judged: an issue as written, as read and as rendered; and Rule, which names what is looked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from moza_mail.model.finding import Finding, Rules, Severity
from moza_mail.model.issue import Issue
from moza_mail.model.message import Rendered


class Family(StrEnum):
    """What a rule looks after; docs/check.md has a chapter for each."""

    CONTENT = "content"
    LINKS = "links"
    ACCESSIBILITY = "accessibility"
    CLIENTS = "clients"
    SIZE = "size"
    PRIVACY = "privacy"
    PROGRAMME = "programme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Another issue of the same folder, as far as it can clash with this one."""

    slug: str
    title: str
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a rule may look at.

    `text` is the issue's file as written, `tree` the rendered HTML as lxml reads it, `others` the other issues.
    """

    issue: Issue
    rendered: Rendered
    rules: Rules
    text: str
    tree: Any
    others: tuple[Other, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that is looked for."""

    name: str
    family: Family
    severity: Severity

    def found(self, case: Case, line: int, message: str, *, fix: str) -> Finding:
        """A finding of this rule on a line of the issue's file."""
        return Finding(
            rule=self.name,
            severity=self.severity,
            source=case.issue.source,
            line=line,
            message=message,
            fix=fix,
        )


Judge = Callable[[Case], Iterator[Finding]]
