"""Attribute findings to the theme if the theme, and not the issue, causes them.

A neutral issue without faults is rendered with the theme and checked. All its findings are faults of the theme.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache

from moza_mail import check, parse, render
from moza_mail.app.prepare_issue import PreparedIssue, build_colophon
from moza_mail.model.finding import CheckOptions, Finding

SCORE = "client-score"
# The categories of rules that examine the HTML of the mail.
CATEGORIES = {
    check.RuleCategory.ACCESSIBILITY,
    check.RuleCategory.CLIENTS,
    check.RuleCategory.SIZE,
    check.RuleCategory.PRIVACY,
}
NEUTRAL_TEXT = """\
---
title: A new building for the library
date: 2026-01-14
lang: {lang}
summary: The library moves on the first of March.
---
## News

* **Building**: the library moves to [its new building](https://www.example.org/building).
* **Books**: all books move too.

A paragraph with **bold** and *emphasis*.

1. First
2. Second

> A quotation.

| Day | Hours |
| --- | --- |
| Monday | Nine to five |

## Agenda

* **Opening**: 1 March 2026
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ThemeKey:
    """A theme for one list and language: a key of the cache.

    prepared: any issue with this theme. It is not a part of the key.
    """

    files: tuple[tuple[str, str], ...]
    settings: str
    mailing_list: str
    lang: str
    prepared: PreparedIssue = field(compare=False)
    options: CheckOptions = field(compare=False)


def attribute_to_theme(
    prepared: PreparedIssue, findings: tuple[Finding, ...], options: CheckOptions
) -> tuple[Finding, ...]:
    """Return the findings. A finding that the theme causes has the theme as its source.

    If the theme is a bundled one, the finding about its support by mail programs is left out, because no author can
    change a bundled theme.
    """
    theme = prepared.theme
    if not theme.has_own_templates:
        return tuple(finding for finding in findings if finding.rule != SCORE)
    faults = _find_faults(
        _ThemeKey(
            files=tuple(theme.files.items()),
            settings=repr(theme.settings),
            mailing_list=repr(prepared.mailing_list),
            lang=prepared.issue.lang,
            prepared=prepared,
            options=options,
        )
    )
    source = f"templates/{theme.name}"
    return check.sort_findings(
        replace(finding, source=source, line=0)
        if finding.rule == SCORE or (finding.rule, finding.message) in faults
        else finding
        for finding in findings
    )


@lru_cache(maxsize=8)
def _find_faults(key: _ThemeKey) -> frozenset[tuple[str, str]]:
    """Return the rule and the message of each finding in the neutral issue."""
    prepared = key.prepared
    text = NEUTRAL_TEXT.format(lang=key.lang)
    issue = parse.parse_issue(text, "theme.md")
    rendered = render.render_issue(
        issue,
        prepared.theme,
        build_colophon(prepared.project, prepared.mailing_list, issue),
        zone=prepared.project.config.zone,
    )
    rules = {rule.name for rule in check.list_rules() if rule.category in CATEGORIES}
    found = check.check_issue(issue, rendered, key.options, text=text)
    return frozenset((finding.rule, finding.message) for finding in found if finding.rule in rules)
