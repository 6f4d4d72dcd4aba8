"""Check the house style of the project: its words, and its required sections and events."""

import re
from collections.abc import Iterable, Iterator

from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Event, to_plain_text

PREFERRED_WORD = Rule(name="preferred-word", category=RuleCategory.HOUSE_STYLE, severity=Severity.WARNING)
MISSING_SECTION = Rule(name="missing-section", category=RuleCategory.HOUSE_STYLE, severity=Severity.ERROR)
MISSING_EVENT = Rule(name="missing-event", category=RuleCategory.HOUSE_STYLE, severity=Severity.WARNING)

RULES = (PREFERRED_WORD, MISSING_SECTION, MISSING_EVENT)


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield every difference between the issue and the house style."""
    yield from _check_words(context)
    yield from _check_sections(context)
    for name in context.options.required_events:
        yield from _check_event(context, name)


def _check_words(context: CheckContext) -> Iterator[Finding]:
    for word, instead in context.options.preferred_words.items():
        pattern = _whole_words(word)
        for passage in context.texts:
            for found in pattern.finditer(passage.text):
                yield PREFERRED_WORD.report(
                    context,
                    passage.line_at(found.start()),
                    _("the house style does not use {words!r}", words=" ".join(found.group().split())),
                    fix=_("Write {instead!r}.", instead=instead) if instead else _("Use other words."),
                )


def _whole_words(words: str) -> re.Pattern[str]:
    """Return a pattern for whole words, with any white space between them."""
    inside = r"\s+".join(re.escape(word) for word in words.split())
    return re.compile(rf"(?<!\w){inside}(?!\w)", re.IGNORECASE)


def _check_sections(context: CheckContext) -> Iterator[Finding]:
    issue = context.issue
    titles = [section.title for section in issue.sections]
    present = {_normalize_title(to_plain_text(title)) for title in titles}
    for wanted in context.options.required_sections:
        if _normalize_title(wanted) not in present:
            yield MISSING_SECTION.report(
                context,
                0,
                _("the section {wanted!r} is missing", wanted=wanted),
                fix=_("Add a section with the heading `## {wanted}`.", wanted=wanted),
            )


def _normalize_title(title: str) -> str:
    return " ".join(title.split()).strip(" :").casefold()


def find_named_events(name: str, events: Iterable[Event]) -> list[Event]:
    """Return the events whose title contains `name`.

    name: one of the names in `[check] required_events`.
    """
    return [event for event in events if _whole_words(name).search(to_plain_text(event.title))]


def _check_event(context: CheckContext, name: str) -> Iterator[Finding]:
    agenda = next((section for section in context.issue.sections if section.is_agenda), None)
    named = find_named_events(name, context.issue.events)
    if any(event.dates and event.dates[-1] >= context.issue.date for event in named):
        return
    if named:
        line, message = (
            named[0].line,
            _("the agenda has no next date for {title!r}", title=to_plain_text(named[0].title)),
        )
    else:
        line, message = agenda.line if agenda else 0, _("the agenda does not contain {name!r}", name=name)
    yield MISSING_EVENT.report(context, line, message, fix=_("Write when the next one is."))
