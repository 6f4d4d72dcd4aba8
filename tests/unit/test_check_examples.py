"""Each rule in docs/check.md finds its bad examples and ignores its good ones.

A category has a chapter (`## Content`) and a rule a section (`### empty-section`). The section starts with
the severity (`Error.`, `Warning.` or `Info.`) and contains fenced blocks, each with the language and a word:

    markdown bad, markdown good    an issue: only a body, or a whole file with front matter
    markdown other                 another issue in the same folder, for the examples below it in its section
    toml                           a moza-mail.toml with [check], for the examples below it in its section
    html bad, html good            a rendered mail: a whole one (`<!doctype`), or a fragment for the end of its <body>
    html bad x900                  the same, with the fragment repeated

The folder of the issue contains the image `team.jpg`.

A bad example must be found by its own rule (other rules do not matter); a good one must not.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import pytest

from moza_mail import check, parse, render
from moza_mail.model.finding import CheckOptions, Finding
from moza_mail.model.issue_header import IssueHeader
from moza_mail.project.config import CheckSettings
from tests.support.builders import AMSTERDAM, COLOPHON, theme

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
CHAPTER = re.compile(r"^## +(.+)$", re.MULTILINE)
SECTION = re.compile(r"^### +`?([\w-]+)`?$", re.MULTILINE)
BLOCK = re.compile(r"^```(markdown|html|toml)(?: (\w+))?(?: x(\d+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
SEVERITY = re.compile(r"\s*(\w+)\.")
SITE = "https://www.example.org/"
FRONT = "---\ntitle: MOZa Weekly 14 januari 2026\ndate: 2026-01-14\n---\n\n"
PLAIN = "## Algemeen\n\nEr is nieuws, en het staat hieronder.\n"


@dataclass(frozen=True, kw_only=True)
class Example:
    """A block in the section of a rule, with the settings and other issues above it."""

    rule: str
    kind: str
    is_bad: bool
    text: str
    settings: dict = field(default_factory=dict)
    others: tuple[IssueHeader, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}-{'bad' if self.is_bad else 'good'}"


def whole(body: str) -> str:
    return body if body.startswith("---") else FRONT + body


def parts(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """Yield each heading with its text, up to the next heading of its level, ignoring headings in examples."""
    bare = FENCED.sub(lambda block: re.sub(r"[^\n]", " ", block.group()), text)
    found = list(pattern.finditer(bare))
    ends = [heading.start() for heading in found[1:]] + [len(text)]
    for heading, end in zip(found, ends, strict=False):
        yield heading[1], text[heading.end() : end]


SECTIONS = [
    (chapter, name, text) for chapter, rules in parts(CHAPTER, PAGE) for name, text in parts(SECTION, rules)
]


def examples() -> Iterator[Example]:
    for _, rule, text in SECTIONS:
        settings, others = {}, []
        for kind, word, times, body in BLOCK.findall(text):
            if kind == "toml":
                settings = tomllib.loads(body)["check"]
            elif word == "other":
                others.append(parse.parse_issue_header(whole(body), f"other-{len(others)}.md"))
            else:
                yield Example(
                    rule=rule,
                    kind=kind,
                    is_bad={"bad": True, "good": False}[word],
                    text=body * int(times or 1),
                    settings=settings,
                    others=tuple(others),
                )


EXAMPLES = list(examples())


@lru_cache
def rendered_issue(text: str):
    issue = parse.parse_issue(text, "issues/2026-01-14.md", site_url=SITE)
    return issue, render.render_issue(issue, theme(), COLOPHON, zone=AMSTERDAM)


def findings(example: Example) -> list[Finding]:
    """Return what the rule finds in its own example."""
    text = whole(example.text if example.kind == "markdown" else PLAIN)
    issue, rendered = rendered_issue(text)
    if example.kind == "html":
        html = example.text
        if not html.lower().startswith("<!doctype"):
            html = rendered.html.replace("</body>", f"{html}</body>")
        rendered = replace(rendered, html=html)
    given = CheckSettings(**example.settings)
    others = {rule.name for rule in check.list_rules()} - {example.rule}
    disabled = frozenset(given.disabled) | others
    rules = CheckOptions(**{**dict(given), "disabled": disabled}, image_files=frozenset({"team.jpg"}))
    found = check.check_issue(issue, rendered, rules, text=text, other_issues=example.others)
    return [finding for finding in found if finding.rule == example.rule]


def in_category(category: str, *, is_bad: bool) -> list[Example]:
    rules = {rule.name for rule in check.list_rules() if rule.category == category}
    return [example for example in EXAMPLES if example.is_bad is is_bad and example.rule in rules]


CATEGORIES = sorted({rule.category for rule in check.list_rules()})


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_rule_finds_its_bad_examples_with_a_line_and_a_fix(category):
    for example in in_category(category, is_bad=True):
        found = findings(example)
        assert found, example
        for finding in found:
            assert 0 <= finding.line <= whole(example.text).count("\n"), example
            assert not finding.message.endswith("."), example
            assert finding.fix.endswith((".", "?")), example


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_rule_finds_nothing_in_its_good_examples(category):
    found = {str(example): findings(example) for example in in_category(category, is_bad=False)}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_every_rule_is_documented_with_its_severity_and_both_kinds_of_examples():
    for rule in check.list_rules():
        reported = [
            (chapter.lower(), SEVERITY.match(text)) for chapter, name, text in SECTIONS if name == rule.name
        ]
        assert [(chapter, said and said[1].lower()) for chapter, said in reported] == [
            (rule.category.value, rule.severity.value)
        ], rule.name
        kinds = {example.is_bad for example in EXAMPLES if example.rule == rule.name}
        assert kinds == {True, False}, rule.name


def test_every_documented_rule_exists():
    assert {name for _, name, _ in SECTIONS} == {rule.name for rule in check.list_rules()}


def test_rule_names_are_unique():
    names = [rule.name for rule in check.list_rules()]
    assert len(names) == len(set(names))
