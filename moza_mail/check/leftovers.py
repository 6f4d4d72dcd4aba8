"""Check for words that do not fit the issue when it is sent.

Examples are example text, a reference to an attachment that is not there, and `tomorrow` in an event of the
same day.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from moza_mail.check.passages import find_links
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import find_images, to_plain_text

EXAMPLE_TEXT = Rule(name="example-text", category=RuleCategory.CONTENT, severity=Severity.INFO)
BUTTON_TEXT = Rule(name="button-text", category=RuleCategory.CONTENT, severity=Severity.WARNING)
ATTACHMENT = Rule(name="missing-attachment", category=RuleCategory.CONTENT, severity=Severity.WARNING)
RELATIVE_DAY = Rule(name="relative-day", category=RuleCategory.CONTENT, severity=Severity.WARNING)

RULES = (EXAMPLE_TEXT, BUTTON_TEXT, ATTACHMENT, RELATIVE_DAY)

# Sentences of the first issue that `init` writes.
EXAMPLES = (
    "Schrijf je eigen items in de plaats van deze",
    "vertel waar jullie aan werken en wanneer het af is",
    "Replace these items by your own",
    "tell what you are working on and when it will be ready",
)
# Texts that the buttons of the editor insert, for a section, an event and a link.
BUTTONS = re.compile(
    r"(?:\A|\n)(?:Titel|Title)(?=\Z|\n|:)|(?<=: )(?:datum|date)\Z|\A(?:waar het heen leidt|where it leads)\Z"
)
ATTACHED = re.compile(
    r"\b(?:(?:zie|in|open) (?:de )?bijlagen?|bijgevoegde?|als bijlage|see (?:the )?attach(?:ment|ed)|in the attachment|attached (?:is|are|you)"
    r"|(?:siehe|im) anhang|angehängt|ci-joint[es]{0,2}|en pièce jointe)\b",
    re.IGNORECASE,
)
PICTURED = re.compile(
    r"\b(?:(?:zie|op) de (?:foto|afbeelding|plaat) hier(?:onder|boven)|zie (?:de )?(?:foto|afbeelding)\b"
    r"|see (?:the )?(?:picture|photo|image)(?: below| above)?|siehe (?:bild|foto)|voir (?:la photo|l'image))",
    re.IGNORECASE,
)
NOUN = re.compile(r"bijlage|attach|anhang|pi[eè]ce", re.IGNORECASE)
DAYS = {
    0: re.compile(r"\b(?:vandaag|today|heute|aujourd['’]hui)\b", re.IGNORECASE),
    1: re.compile(r"(?<!['’]s )\b(?:morgen(?:ochtend|middag|avond)?|tomorrow|demain)\b"),
}


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield example text, references to missing files or images, and days that do not fit."""
    yield from _check_texts(context)
    yield from _check_days(context)


def _check_texts(context: CheckContext) -> Iterator[Finding]:
    has_file = any(
        NOUN.search(to_plain_text(link.children)) or NOUN.search(link.url)
        for link in find_links(context.issue)
    )
    has_image = next(find_images(context.issue), None) is not None
    for passage in context.texts:
        if found := next((example for example in EXAMPLES if example in passage.text), ""):
            message = _("{text!r} is an example of moza-mail", text=found)
            yield EXAMPLE_TEXT.report(
                context, passage.line, message, fix=_("Write your own text instead of it.")
            )
        if found_button := BUTTONS.search(passage.text):
            yield BUTTON_TEXT.report(
                context,
                passage.line_at(found_button.start()),
                _("{text!r} was inserted by a button of the editor", text=found_button.group().strip()),
                fix=_("Write your own text instead of it."),
            )
        for pattern, has_one in ((ATTACHED, has_file), (PICTURED, has_image)):
            if not has_one and (found_words := pattern.search(passage.text)):
                yield ATTACHMENT.report(
                    context,
                    passage.line_at(found_words.start()),
                    _("the text says {words!r}, but the mail does not have it", words=found_words.group()),
                    fix=_("Link to the file on your site, add the image, or remove these words."),
                )


def _check_days(context: CheckContext) -> Iterator[Finding]:
    """Report an event with `today` or `tomorrow` whose date is another day.

    Both words are relative to the day of the issue.
    """
    issue = context.issue
    for event in issue.events:
        words = f"{to_plain_text(event.title)} {event.when} {to_plain_text(event.note)}"
        for days, pattern in DAYS.items():
            found = pattern.search(words)
            if found and event.dates and issue.date + timedelta(days=days) not in event.dates:
                yield RELATIVE_DAY.report(
                    context,
                    event.line,
                    _("{word!r} is not {when}, the date of the event", word=found.group(), when=event.when),
                    fix=_(
                        "Remove the word, or correct the date. The issue is of {day}.", day=str(issue.date)
                    ),
                )
