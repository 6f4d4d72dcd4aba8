"""Rules on how an issue is built: nothing empty, nothing forgotten, headings in order, no twin in its folder."""

import re
from collections.abc import Iterator

from moza_mail.check.passages import plain_text
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
PLACEHOLDER = Rule(name="placeholder", category=RuleCategory.CONTENT, severity=Severity.ERROR)
HEADING_LEVELS = Rule(name="heading-levels", category=RuleCategory.CONTENT, severity=Severity.WARNING)
DEEP_LIST = Rule(name="deep-list", category=RuleCategory.CONTENT, severity=Severity.WARNING)
DUPLICATE_TITLE = Rule(name="duplicate-title", category=RuleCategory.CONTENT, severity=Severity.WARNING)
DUPLICATE_DATE = Rule(name="duplicate-date", category=RuleCategory.CONTENT, severity=Severity.WARNING)
FIELD_DEFAULT = Rule(name="field-default", category=RuleCategory.CONTENT, severity=Severity.WARNING)
TITLE_DATE = Rule(name="title-date", category=RuleCategory.CONTENT, severity=Severity.WARNING)

RULES = (
    EMPTY_SECTION, EMPTY_ITEM, PLACEHOLDER, HEADING_LEVELS, DEEP_LIST, DUPLICATE_TITLE, DUPLICATE_DATE, TITLE_DATE,
    FIELD_DEFAULT,
)  # fmt: skip

DEEPEST = 3
# Put together here, since no file of ours may hold the words themselves.
NOTES = ("TO" + "DO", "FIX" + "ME", "X" * 3 + "+", "x" * 3 + "+")
NOTE = re.compile(
    rf"(?<![\w/.-])(?:{'|'.join(NOTES)})(?![\w/-])"
    rf"|(?i:\b{NOTES[0]}:|\blorem ipsum\b|\[(?:invullen|aanvullen|naam|datum|titel|tekst|fill in|name|date|title|text)\])"
)
DOTS = r"(?:\.{3,}|…)"
ONLY_DOTS = re.compile(rf"[\s:]*{DOTS}\s*")
STUB = re.compile(rf"(?:\S+\s+){{1,6}}{DOTS}\s*")
UNKNOWN_DAY = re.compile(r"\b[xX]{2,}\b")


def judge(case: CheckContext) -> Iterator[Finding]:
    """What is wrong with how the issue is built."""
    yield from _sections(case)
    yield from _items(case)
    yield from _placeholders(case)
    yield from _twins(case)
    yield from _title_date(case)
    yield from _fields(case)


def _sections(case: CheckContext) -> Iterator[Finding]:
    for section in case.issue.sections:
        yield from _headings(case, section)
        if _is_bare(section.blocks):
            yield _empty(case, to_plain_text(section.title), section.line)
    agenda = case.issue.agenda
    if agenda and not agenda.events and _is_bare((*agenda.intro, *agenda.outro)):
        yield _empty(case, to_plain_text(agenda.title), agenda.line)


def _headings(case: CheckContext, section: Section) -> Iterator[Finding]:
    """What is wrong with the headings inside a section."""
    above = _signs(case, section.line)
    for index, block in enumerate(section.blocks):
        if not isinstance(block, Heading):
            continue
        title, signs = to_plain_text(block.inlines), _signs(case, block.line)
        below = section.blocks[index + 1] if index + 1 < len(section.blocks) else None
        if below is None or (isinstance(below, Heading) and below.level <= block.level):
            yield _empty(case, title, block.line)
        if not section.title:
            yield HEADING_LEVELS.report(
                case,
                block.line,
                _(
                    "the heading {title!r} is of a lower level than one further on, so it begins no section",
                    title=title,
                ),
                fix=_("Give the headings of all sections the same number of # signs."),
            )
        elif signs > above + 1:
            yield HEADING_LEVELS.report(
                case,
                block.line,
                _(
                    "the heading {title!r} skips a level: {signs} stands under {above}",
                    title=title,
                    signs="#" * signs,
                    above="#" * above,
                ),
                fix=_("Give it one # more than the heading it belongs to."),
            )
        above = signs


def _signs(case: CheckContext, line: int) -> int:
    """How many # signs a heading is written with; one that is underlined counts as 1 for `===` and 2 for `---`."""
    row, below = [*case.text.split("\n")[line - 1 : line + 1], "", ""][:2]
    if found := re.match(r"[\s>*+-]*(#{1,6})", row):
        return len(found[1])
    return 1 if below.strip().startswith("=") else 2


def _is_bare(blocks: Blocks) -> bool:
    """Whether nothing that is read stands in these blocks."""
    return not any(_says_something(block) for block in blocks)


def _says_something(block: Block) -> bool:
    match block:
        case Line():
            return False
        case Paragraph():
            return bool(to_plain_text(block.inlines).strip()) or bool(block.inlines)
        case _:
            return True


def _empty(case: CheckContext, title: str, line: int) -> Finding:
    if not title.strip():
        return EMPTY_SECTION.report(
            case,
            line,
            _("a heading has no text"),
            fix=_("Give the heading a text, or take its # signs out."),
        )
    return EMPTY_SECTION.report(
        case,
        line,
        _("the section {title!r} is empty", title=title),
        fix=_("Write something under the heading, or take the heading out."),
    )


def _items(case: CheckContext) -> Iterator[Finding]:
    agenda = case.issue.agenda
    for section in case.issue.sections:
        yield from _lists(case, section.blocks, 1)
    if agenda:
        yield from _lists(case, (*agenda.intro, *agenda.outro), 1)


def _lists(case: CheckContext, blocks: Blocks, depth: int) -> Iterator[Finding]:
    for block in blocks:
        if isinstance(block, Quote):
            yield from _lists(case, block.blocks, depth)
        if not isinstance(block, ItemList):
            continue
        if depth == DEEPEST + 1:
            yield DEEP_LIST.report(
                case,
                block.line,
                _(
                    "a list stands {deepest} deep in other lists, more than a small screen can show",
                    deepest=DEEPEST,
                ),
                fix=_("Make it a list of its own, or sentences of the item above it."),
            )
        for item in block.items:
            if not item.blocks and not plain_text(item.inlines).strip():
                yield _empty_item(case, item)
            yield from _lists(case, item.blocks, depth + 1)


def _empty_item(case: CheckContext, item: Item) -> Finding:
    label = to_plain_text(item.label)
    return EMPTY_ITEM.report(
        case,
        item.line,
        _("nothing stands behind {label!r}", label=label) if label else _("an item of a list is empty"),
        fix=_("Write the item, or take the line out."),
    )


def _placeholders(case: CheckContext) -> Iterator[Finding]:
    for passage in case.texts:
        found = NOTE.search(passage.text)
        if found is None and (
            ONLY_DOTS.fullmatch(passage.text) or (passage.is_prose and STUB.fullmatch(passage.text))
        ):
            found = re.search(DOTS, passage.text)
        if found:
            yield _forgotten(case, found.group(), passage.line_at(found.start()))
    for event in case.issue.agenda.events if case.issue.agenda else ():
        if not event.dates and (found := UNKNOWN_DAY.search(event.when)):
            yield _forgotten(case, found.group(), event.line)


def _forgotten(case: CheckContext, written: str, line: int) -> Finding:
    return PLACEHOLDER.report(
        case,
        line,
        _("{written!r} still waits for its text", written=written),
        fix=_("Write what should stand here, or take it out."),
    )


def _twins(case: CheckContext) -> Iterator[Finding]:
    issue = case.issue
    for other in case.other_issues:
        if other.title.casefold() == issue.title.casefold():
            yield DUPLICATE_TITLE.report(
                case,
                case.find_key_line("title"),
                _("{other} has the same title, {title!r}", other=other.source, title=issue.title),
                fix=_("Give this issue a title of its own; it is the subject of the mail."),
            )
        if other.date == issue.date:
            yield DUPLICATE_DATE.report(
                case,
                case.find_key_line("date"),
                _("{other} has the same date, {date}", other=other.source, date=str(issue.date)),
                fix=_("Give this issue the day on which it is sent."),
            )


def _title_date(case: CheckContext) -> Iterator[Finding]:
    issue = case.issue
    if issue.title_dates and issue.date not in issue.title_dates:
        yield TITLE_DATE.report(
            case,
            case.find_key_line("title"),
            _(
                "the title {title!r} names another day than the date of the issue, {date}",
                title=issue.title,
                date=str(issue.date),
            ),
            fix=_("Put right whichever of the two was left from the issue before."),
        )


def _fields(case: CheckContext) -> Iterator[Finding]:
    for field in case.issue.merge_fields:
        if field.default is None:
            yield FIELD_DEFAULT.report(
                case,
                field.line,
                _("a reader without a value for `{{{{ {field} }}}}` is not mailed", field=field.name),
                fix=_(
                    'Say what they read instead, such as `{{{{ {field} | default("lezer") }}}}`.',
                    field=field.name,
                ),
            )
