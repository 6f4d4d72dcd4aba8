"""Check that dates are readable, not in the past, in order, and have the right weekday."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date

from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.date_problem import DateProblem, DateProblemKind
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Event, to_plain_text

EVENT_DATE = Rule(name="event-date", category=RuleCategory.CONTENT, severity=Severity.WARNING)
PAST_EVENT = Rule(name="past-event", category=RuleCategory.CONTENT, severity=Severity.WARNING)
AGENDA_ORDER = Rule(name="agenda-order", category=RuleCategory.CONTENT, severity=Severity.WARNING)
WEEKDAY = Rule(name="wrong-weekday", category=RuleCategory.CONTENT, severity=Severity.WARNING)

UNMARKED_AGENDA = Rule(name="unmarked-agenda", category=RuleCategory.CONTENT, severity=Severity.INFO)

RULES = (EVENT_DATE, PAST_EVENT, AGENDA_ORDER, WEEKDAY, UNMARKED_AGENDA)

# A section with at least this many dated lines is probably an agenda.
MIN_DATED_LINES = 3

# A number that could be a day of the month, unlike the numbers in `week 12`, `HAVEN #2`, `14:00` and `2027`.
DAY_NUMBER = re.compile(
    r"(?<![\w#.:/-])(?<!week )(?:0?[1-9]|[12]\d|3[01])(?:e|th|st|nd|rd)?(?![\w:]|[.,]\d|\s*(?:kwartaal|helft|quarter|half))"
    r"|\b\d{1,4}[-/]\d{1,2}[-/]\d{2,4}\b",
    re.IGNORECASE,
)
# A date at the end of a title, possibly misspelt (`12 februri`): a day number and one word.
DATE_AT_END = re.compile(rf"(?:{DAY_NUMBER.pattern})\s+[a-z]{{3,}}\.?\s*(?:20\d\d)?", re.IGNORECASE)
SEPARATOR = re.compile(r":\s+|\s+[-–—]\s+")
PROBLEMS = {
    DateProblemKind.MONTH: (
        _("is not a date: the month is misspelt"),
        _("Correct the name of the month."),
    ),
    DateProblemKind.NO_SUCH_DAY: (
        _("is not a date: the calendar does not have it"),
        _("Correct the day or the month."),
    ),
    DateProblemKind.NO_SUCH_TIME: (
        _("is not a time"),
        _("Correct the hour or the minutes."),
    ),
    DateProblemKind.BACKWARD_DAYS: (
        _("ends before it begins"),
        _("Correct the first or the last day."),
    ),
    DateProblemKind.BACKWARD_TIMES: (
        _("ends before it begins, so the calendar file contains no time"),
        _("Correct one of the two times."),
    ),
    DateProblemKind.ORDER: (
        _("can be two different days"),
        _("Write the month as a word, such as `3 February 2026`."),
    ),
    DateProblemKind.SHORT: (
        _("is read as day and month"),
        _("Write the month as a word, so that nobody reads it differently."),
    ),
    DateProblemKind.ZONE: (
        _("has a time zone with more than one meaning, so the calendar file contains no time"),
        _("Write the time of the recipients, or a time zone such as UTC+1 or Europe/Amsterdam."),
    ),
    DateProblemKind.BARE_HOUR: (
        _("may be a time, but has no minutes, so the calendar file contains no time"),
        _("Write the time as `10:00` or `10 am`."),
    ),
    DateProblemKind.HOUR: (
        _("can be in the morning or in the afternoon, so the calendar file contains no time"),
        _("Write the time as `14:00` or `2 pm`."),
    ),
}
DAY_NAMES = (
    _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
)  # fmt: skip
MONTH_NAMES = (
    _("January"), _("February"), _("March"), _("April"), _("May"), _("June"), _("July"), _("August"),
    _("September"), _("October"), _("November"), _("December"),
)  # fmt: skip


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield the mistakes in the events of the agenda, and wrong weekdays in the whole issue."""
    events = context.issue.events
    for event in events:
        yield from _check_date(context, event)
    for group in dict.fromkeys(event.group for event in events):
        yield from _check_order(context, [event for event in events if event.group == group and event.dates])
    for section in context.issue.sections:
        if section.dated_lines >= MIN_DATED_LINES:
            yield UNMARKED_AGENDA.report(
                context,
                section.line,
                _("this looks like an agenda, but its heading does not say so"),
                fix=_(
                    "Give it the heading `Agenda`, so that its dates get into the calendar of the recipients."
                ),
            )
    for problem in context.issue.date_problems:
        yield _check_problem(context, problem)
    for named in context.issue.wrong_weekdays:
        yield WEEKDAY.report(
            context,
            named.line,
            _(
                "{written!r} is wrong: {day} is a {weekday}",
                written=named.written,
                day=_format_day(named.day),
                weekday=DAY_NAMES[named.day.weekday()],
            ),
            fix=_("Correct the weekday or the date."),
        )


def _check_date(context: CheckContext, event: Event) -> Iterator[Finding]:
    title = to_plain_text(event.title)
    if event.dates and event.dates[-1] < context.issue.date:
        yield PAST_EVENT.report(
            context,
            event.line,
            _(
                "the event {title!r} ends on {day}, before the date of the issue",
                title=title,
                day=_format_day(event.dates[-1]),
            ),
            fix=_("Remove it, or correct its date."),
        )
    elif not event.dates and event.line not in {problem.line for problem in context.issue.date_problems}:
        yield from _check_undated(context, event, title)


def _check_undated(context: CheckContext, event: Event, title: str) -> Iterator[Finding]:
    """Yield an event without a date, unless its line says in words that the date will follow."""
    *others, last = SEPARATOR.split(title)
    if DAY_NUMBER.search(last) and (others or DATE_AT_END.search(last)):
        yield EVENT_DATE.report(
            context,
            event.line,
            _("the date of the event {title!r} is not understood", title=title),
            fix=_(
                "Write it as `15 januari`, `19 en 20 januari` or `3 februari om 14:00`. See docs/write.md."
            ),
        )
    elif not others:
        yield EVENT_DATE.report(
            context,
            event.line,
            _("the event {title!r} has no date", title=title),
            fix=_("Write when it takes place, or when the date will be known."),
        )


def _check_problem(context: CheckContext, problem: DateProblem) -> Finding:
    message, fix = PROBLEMS[problem.kind]
    return EVENT_DATE.report(
        context, problem.line, _("{written!r} {problem}", written=problem.written, problem=message), fix=fix
    )


def _check_order(context: CheckContext, events: Sequence[Event]) -> Iterator[Finding]:
    """Yield the fewest events that must move so that all events are in order."""
    kept = set(_longest_ordered([event.dates[0] for event in events]))
    for index, event in enumerate(events):
        if index in kept:
            continue
        later = next((other for at in sorted(kept) if (other := events[at]).dates[0] > event.dates[0]), None)
        last = to_plain_text(events[max(kept)].title)
        yield AGENDA_ORDER.report(
            context,
            event.line,
            _(
                "the event {title!r} ({when}) is not in the order of the dates",
                title=to_plain_text(event.title),
                when=event.when,
            ),
            fix=_("Move it above {title!r}.", title=to_plain_text(later.title))
            if later
            else _("Move it below {title!r}.", title=last),
        )


def _longest_ordered(days: Sequence[date]) -> list[int]:
    """Return the indexes of the longest subsequence that never decreases (patience sorting)."""
    ends: list[date] = []
    at: list[int] = []
    before: list[int] = []
    for index, day in enumerate(days):
        rank = bisect_right(ends, day)
        before.append(at[rank - 1] if rank else -1)
        ends[rank : rank + 1] = [day]
        at[rank : rank + 1] = [index]
    run: list[int] = []
    index = at[-1] if at else -1
    while index >= 0:
        run.append(index)
        index = before[index]
    return run[::-1]


def _format_day(day: date) -> Translatable:
    return _("{day} {month} {year}", day=day.day, month=MONTH_NAMES[day.month - 1], year=day.year)
