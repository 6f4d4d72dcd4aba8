"""Each rule of docs/check.md fires on its bad examples and is silent on its good ones.

A family has a chapter (`## Content`), a rule a section in it (`### empty-section`) that begins with its severity (`Error.`, `Warning.` or
`Info.`) and holds fenced blocks, each with the language and one word behind it:

    markdown bad, markdown good    an issue: a body alone, or a whole one with its front matter
    markdown other                 another issue of the same folder, for the examples below it in its section
    toml                           a moza-mail.toml with [check], for the examples below it in its section
    html bad, html good            a rendered mail: a whole one (`<!doctype`), or a fragment put at the end of a rendered one's <body>
    html bad x900                  the same, with the fragment so many times

A bad example must be found by its own rule (what other rules say of it does not matter), a good one must not.
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
from moza_mail.model.issue import IssueHeader
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
    """A block of a rule's section, with what stands above it."""

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
    """What stands under each heading, up to the next of its level; a heading in a block is an example's."""
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
def dressed(text: str):
    issue = parse.parse_issue(text, "issues/2026-01-14.md", site_url=SITE)
    return issue, render.render_issue(issue, theme(), COLOPHON, zone=AMSTERDAM)


def findings(example: Example) -> list[Finding]:
    """What check says of an example, of its own rule alone."""
    text = whole(example.text if example.kind == "markdown" else PLAIN)
    issue, rendered = dressed(text)
    if example.kind == "html":
        html = example.text
        if not html.lower().startswith("<!doctype"):
            html = rendered.html.replace("</body>", f"{html}</body>")
        rendered = replace(rendered, html=html)
    given = CheckSettings(**example.settings)
    rules = CheckOptions(**{**dict(given), "disabled": frozenset(given.disabled)})
    found = check.check_issue(issue, rendered, rules, text=text, other_issues=example.others)
    return [finding for finding in found if finding.rule == example.rule]


def in_family(family: str, *, is_bad: bool) -> list[Example]:
    rules = {rule.name for rule in check.list_rules() if rule.category == family}
    return [example for example in EXAMPLES if example.is_bad is is_bad and example.rule in rules]


FAMILIES = sorted({rule.category for rule in check.list_rules()})


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rule_fires_on_its_bad_examples_with_a_place_and_a_fix(family):
    for example in in_family(family, is_bad=True):
        found = findings(example)
        assert found, example
        for finding in found:
            assert 0 <= finding.line <= whole(example.text).count("\n"), example
            assert not finding.message.endswith("."), example
            assert finding.fix.endswith((".", "?")), example


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rule_is_silent_on_its_good_examples(family):
    found = {str(example): findings(example) for example in in_family(family, is_bad=False)}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_every_rule_has_its_section_with_its_severity_and_both_examples():
    for rule in check.list_rules():
        told = [
            (chapter.lower(), SEVERITY.match(text)) for chapter, name, text in SECTIONS if name == rule.name
        ]
        assert [(chapter, said and said[1].lower()) for chapter, said in told] == [
            (rule.category.value, rule.severity.value)
        ], rule.name
        kinds = {example.is_bad for example in EXAMPLES if example.rule == rule.name}
        assert kinds == {True, False}, rule.name


def test_the_page_tells_of_no_rule_that_is_not_there():
    assert {name for _, name, _ in SECTIONS} == {rule.name for rule in check.list_rules()}


def test_no_two_rules_share_a_name():
    names = [rule.name for rule in check.list_rules()]
    assert len(names) == len(set(names))
