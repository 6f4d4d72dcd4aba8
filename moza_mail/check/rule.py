"""The rules of a check, and the data that a rule may look at."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from moza_mail.check.computed_style import ComputedStyle, compute_styles
from moza_mail.check.passages import PlainText, find_plain_texts
from moza_mail.i18n import Translatable
from moza_mail.model.finding import CheckOptions, Finding, Severity
from moza_mail.model.issue import Issue
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.message import Rendered


class RuleCategory(StrEnum):
    """The subject of a rule. docs/check.md has a chapter for each category."""

    CONTENT = "content"
    LINKS = "links"
    ACCESSIBILITY = "accessibility"
    CLIENTS = "clients"
    SIZE = "size"
    PRIVACY = "privacy"
    HOUSE_STYLE = "house style"


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    r"""The issue, its rendered mail and the project settings, as a rule sees them.

    text: the issue's file as written, with `\n` as line ending.
    other_issues: the headers of the other issues.
    """

    issue: Issue
    rendered: Rendered
    options: CheckOptions
    text: str
    other_issues: tuple[IssueHeader, ...] = ()

    @cached_property
    def tree(self) -> Any:
        """The rendered HTML as an lxml.html.HtmlElement."""
        from lxml.etree import ParserError
        from lxml.html import document_fromstring

        try:
            return document_fromstring(self.rendered.html)
        except ParserError:
            return document_fromstring("<html></html>")

    @cached_property
    def light_styles(self) -> dict[Any, ComputedStyle]:
        """The computed style of each HTML element in light mode."""
        return compute_styles(self.tree)

    @cached_property
    def texts(self) -> tuple[PlainText, ...]:
        """Every text of the issue in reading order, beginning with the front matter."""
        issue = self.issue
        keys = {"title": issue.title, "subject": issue.subject, "summary": issue.summary}
        front = (PlainText(text=text, line=self.find_key_line(key)) for key, text in keys.items() if text)
        return (*front, *find_plain_texts(issue))

    def find_key_line(self, key: str) -> int:
        """Return the line of a key in the front matter, 1 if the key is missing."""
        found = re.search(rf"^[\"']?{re.escape(key)}[\"']?\s*:", self.text, re.MULTILINE)
        return self.text.count("\n", 0, found.start()) + 1 if found else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that issues are checked against.

    name: the name by which moza-mail.toml can disable the rule.
    """

    name: str
    category: RuleCategory
    severity: Severity

    def report(
        self, context: CheckContext, line: int, message: Translatable, *, fix: Translatable
    ) -> Finding:
        """Return a finding of this rule. `line` counts from 1; 0 means the whole issue."""
        return self.make_finding(context.issue, line, message, fix=fix)

    def make_finding(self, issue: Issue, line: int, message: Translatable, *, fix: Translatable) -> Finding:
        """Return a finding of this rule for a parsed issue, without a CheckContext."""
        return Finding(
            rule=self.name, severity=self.severity, source=issue.source, line=line, message=message, fix=fix
        )


CheckFunction = Callable[[CheckContext], Iterator[Finding]]
