"""Check the structure of an issue: empty or unfinished parts, heading order, duplicates."""

import re
from collections.abc import Iterator

from moza_mail.check.passages import text_without_markup
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import (
    Block,
    Blocks,
    Heading,
    Item,
    ItemList,
    Paragraph,
    Quote,
    Section,
    to_plain_text,
)
from moza_mail.model.issue import Divider as Line

EMPTY_SECTION = Rule(name="empty-section", category=RuleCategory.CONTENT, severity=Severity.ERROR)
EMPTY_ITEM = Rule(name="empty-item", category=RuleCategory.CONTENT, severity=Severity.ERROR)
UNFINISHED_TEXT = Rule(name="unfinished-text", category=RuleCategory.CONTENT, severity=Severity.ERROR)
HEADING_LEVELS = Rule(name="heading-levels", category=RuleCategory.CONTENT, severity=Severity.WARNING)
DEEP_LIST = Rule(name="deep-list", category=RuleCategory.CONTENT, severity=Severity.WARNING)
DUPLICATE_TITLE = Rule(name="duplicate-title", category=RuleCategory.CONTENT, severity=Severity.WARNING)
DUPLICATE_DATE = Rule(name="duplicate-date", category=RuleCategory.CONTENT, severity=Severity.WARNING)
FIELD_DEFAULT = Rule(name="merge-field-default", category=RuleCategory.CONTENT, severity=Severity.WARNING)
TITLE_DATE = Rule(name="title-date", category=RuleCategory.CONTENT, severity=Severity.WARNING)

RULES = (
    EMPTY_SECTION, EMPTY_ITEM, UNFINISHED_TEXT, HEADING_LEVELS, DEEP_LIST, DUPLICATE_TITLE, DUPLICATE_DATE, TITLE_DATE,
    FIELD_DEFAULT,
)  # fmt: skip

MAX_DEPTH = 3
# The words are written in parts, because a test forbids them in our files.
NOTE_WORDS = ("TO" + "DO", "FIX" + "ME", "X" * 3 + "+", "x" * 3 + "+")
# Such a word is a note if it is alone, at the beginning or end, between brackets or before a colon. Elsewhere it is
# an ordinary word.
NOTE = re.compile(
    rf"(?:\A|(?<=[(\[]))(?:{'|'.join(NOTE_WORDS)})(?![\w/-])|(?<![\w/.-])(?:{'|'.join(NOTE_WORDS)})(?=[:\])]|\Z)"
    rf"|(?i:\b{NOTE_WORDS[0]}:|\blorem ipsum\b|\[(?:invullen|aanvullen|naam|datum|titel|tekst|fill in|name|date|title|text)\])"
)
DOTS = r"(?:\.{3,}|…)"
ONLY_DOTS = re.compile(rf"[\s:]*{DOTS}\s*")
UNFINISHED_SENTENCE = re.compile(rf"(?:\S+\s+){{1,6}}{DOTS}\s*")
UNKNOWN_DAY = re.compile(r"\b[xX]{2,}\b")


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield the problems in the structure of the issue."""
    yield from _check_sections(context)
    yield from check_items(context)
    yield from _check_unfinished(context)
    yield from _check_duplicates(context)
    yield from _check_title_date(context)
    yield from _check_merge_fields(context)


def _check_sections(context: CheckContext) -> Iterator[Finding]:
    for section in context.issue.sections:
        yield from _check_headings(context, section)
        if _is_empty(section.blocks):
            yield _report_empty(context, to_plain_text(section.title), section.line)


def _check_headings(context: CheckContext, section: Section) -> Iterator[Finding]:
    """Yield the problems of the headings inside a section."""
    above = _written_level(context, section.line)
    for index, block in enumerate(section.blocks):
        if not isinstance(block, Heading):
            continue
        title, level = to_plain_text(block.inlines), _written_level(context, block.line)
        below = section.blocks[index + 1] if index + 1 < len(section.blocks) else None
        if below is None or (isinstance(below, Heading) and below.level <= block.level):
            yield _report_empty(context, title, block.line)
        if not section.title:
            yield HEADING_LEVELS.report(
                context,
                block.line,
                _(
                    "the heading {title!r} has a lower level than a later one, so it does not start a section",
                    title=title,
                ),
                fix=_("Give the headings of all sections the same number of # characters."),
            )
        elif level > above + 1:
            yield HEADING_LEVELS.report(
                context,
                block.line,
                _(
                    "the heading {title!r} skips a level: {level} comes after {above}",
                    title=title,
                    level="#" * level,
                    above="#" * above,
                ),
                fix=_("Give it one # more than the heading above it."),
            )
        above = level


def _written_level(context: CheckContext, line: int) -> int:
    """Return the level of a heading as written, which is its number of # characters.

    A heading underlined with `===` has level 1, and one underlined with `---` has level 2.
    """
    row, below = [*context.text.split("\n")[line - 1 : line + 1], "", ""][:2]
    if found := re.match(r"[\s>*+-]*(#{1,6})", row):
        return len(found[1])
    return 1 if below.strip().startswith("=") else 2


def _is_empty(blocks: Blocks) -> bool:
    """Return True if the blocks contain nothing to read."""
    return not any(_has_content(block) for block in blocks)


def _has_content(block: Block) -> bool:
    match block:
        case Line():
            return False
        case Paragraph():
            return bool(to_plain_text(block.inlines).strip()) or bool(block.inlines)
        case _:
            return True


def _report_empty(context: CheckContext, title: str, line: int) -> Finding:
    if not title.strip():
        return EMPTY_SECTION.report(
            context,
            line,
            _("a heading has no text"),
            fix=_("Write the text of the heading, or remove its # characters."),
        )
    return EMPTY_SECTION.report(
        context,
        line,
        _("the section {title!r} is empty", title=title),
        fix=_("Write something below the heading, or remove the heading."),
    )


def check_items(context: CheckContext) -> Iterator[Finding]:
    """Yield the problems of list items."""
    for section in context.issue.sections:
        yield from _check_lists(context, section.blocks, 1)


def _check_lists(context: CheckContext, blocks: Blocks, depth: int) -> Iterator[Finding]:
    for block in blocks:
        if isinstance(block, Quote):
            yield from _check_lists(context, block.blocks, depth)
        if not isinstance(block, ItemList):
            continue
        if depth == MAX_DEPTH + 1:
            yield DEEP_LIST.report(
                context,
                block.line,
                _(
                    "a list is nested more than {deepest} levels deep, which does not fit on a small screen",
                    deepest=MAX_DEPTH,
                ),
                fix=_("Make it a separate list, or write it as sentences in the item above it."),
            )
        for item in block.items:
            if not item.blocks and not text_without_markup(item.inlines).strip():
                yield _report_empty_item(context, item)
            yield from _check_lists(context, item.blocks, depth + 1)


def _report_empty_item(context: CheckContext, item: Item) -> Finding:
    label = to_plain_text(item.label)
    return EMPTY_ITEM.report(
        context,
        item.line,
        _("there is no text after {label!r}", label=label) if label else _("a list item is empty"),
        fix=_("Write the item, or remove the line."),
    )


def _check_unfinished(context: CheckContext) -> Iterator[Finding]:
    for passage in context.texts:
        found = NOTE.search(passage.text)
        if found is None and (
            ONLY_DOTS.fullmatch(passage.text)
            or (passage.is_prose and UNFINISHED_SENTENCE.fullmatch(passage.text))
        ):
            found = re.search(DOTS, passage.text)
        if found:
            yield _report_unfinished(context, found.group(), passage.line_at(found.start()))
    for event in context.issue.events:
        if not event.dates and (found := UNKNOWN_DAY.search(to_plain_text(event.title))):
            yield _report_unfinished(context, found.group(), event.line)


def _report_unfinished(context: CheckContext, written: str, line: int) -> Finding:
    return UNFINISHED_TEXT.report(
        context,
        line,
        _("{written!r} is not finished", written=written),
        fix=_("Write the text, or remove it."),
    )


def _check_duplicates(context: CheckContext) -> Iterator[Finding]:
    issue = context.issue
    for other in context.other_issues:
        if other.title.casefold() == issue.title.casefold():
            yield DUPLICATE_TITLE.report(
                context,
                context.find_key_line("title"),
                _("{other} has the same title: {title!r}", other=other.source, title=issue.title),
                fix=_("Give this issue its own title, because the title is the subject of the mail."),
            )
        if other.date == issue.date:
            yield DUPLICATE_DATE.report(
                context,
                context.find_key_line("date"),
                _("{other} has the same date: {date}", other=other.source, date=str(issue.date)),
                fix=_("Set `date` to the day on which this issue is sent."),
            )


def _check_title_date(context: CheckContext) -> Iterator[Finding]:
    issue = context.issue
    if issue.title_dates and issue.date not in issue.title_dates:
        yield TITLE_DATE.report(
            context,
            context.find_key_line("title"),
            _(
                "the title {title!r} names a different day than the date of the issue, {date}",
                title=issue.title,
                date=str(issue.date),
            ),
            fix=_("Correct the one that still comes from the previous issue."),
        )


def _check_merge_fields(context: CheckContext) -> Iterator[Finding]:
    for field in context.issue.merge_fields:
        if field.default is None:
            yield FIELD_DEFAULT.report(
                context,
                field.line,
                _("a recipient without a value for `{{{{ {field} }}}}` is skipped", field=field.name),
                fix=_(
                    'Write a default text, such as `{{{{ {field} | default("lezer") }}}}`.',
                    field=field.name,
                ),
            )
