"""What is judged: an issue as written, as read and as rendered; and Rule, which names what is looked for."""

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
from moza_mail.model.issue import Issue, IssueHeader
from moza_mail.model.message import Rendered


class RuleCategory(StrEnum):
    """What a rule looks after; docs/check.md has a chapter for each."""

    CONTENT = "content"
    LINKS = "links"
    ACCESSIBILITY = "accessibility"
    CLIENTS = "clients"
    SIZE = "size"
    PRIVACY = "privacy"
    HOUSE_STYLE = "house style"


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    r"""All that a rule may look at.

    `text` is the issue's file as written, its lines ended by `\n`; `others` are the other issues of its folder.
    """

    issue: Issue
    rendered: Rendered
    options: CheckOptions
    text: str
    other_issues: tuple[IssueHeader, ...] = ()

    @cached_property
    def tree(self) -> Any:
        """The rendered HTML as lxml reads it; an lxml.html.HtmlElement."""
        from lxml.etree import ParserError
        from lxml.html import document_fromstring

        try:
            return document_fromstring(self.rendered.html)
        except ParserError:
            return document_fromstring("<html></html>")

    @cached_property
    def light_styles(self) -> dict[Any, ComputedStyle]:
        """How each element of the HTML looks on a light screen."""
        return compute_styles(self.tree)

    @cached_property
    def texts(self) -> tuple[PlainText, ...]:
        """Every text of the issue with its line in reading order, those of its front matter first."""
        issue = self.issue
        keys = {"title": issue.title, "subject": issue.subject, "summary": issue.summary}
        front = (PlainText(text=text, line=self.find_key_line(key)) for key, text in keys.items() if text)
        return (*front, *find_plain_texts(issue))

    def find_key_line(self, key: str) -> int:
        """The line of a key in the front matter, 1 when it is not written there."""
        found = re.search(rf"^[\"']?{re.escape(key)}[\"']?\s*:", self.text, re.MULTILINE)
        return self.text.count("\n", 0, found.start()) + 1 if found else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that is looked for."""

    name: str
    category: RuleCategory
    severity: Severity

    def report(
        self, context: CheckContext, line: int, message: Translatable, *, fix: Translatable
    ) -> Finding:
        """A finding of this rule on a line of the issue's file, 0 for the whole."""
        return Finding(
            rule=self.name,
            severity=self.severity,
            source=context.issue.source,
            line=line,
            message=message,
            fix=fix,
        )


CheckFunction = Callable[[CheckContext], Iterator[Finding]]
