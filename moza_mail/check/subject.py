"""Propose a subject for an issue that has no subject, but a title with a date.

The title then serves as the subject. A title with a date looks much the same every week.
"""

import json
import re
from collections.abc import Iterator

from moza_mail.check.passages import text_without_markup
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Issue, ItemList, Paragraph, to_plain_text
from moza_mail.model.merge_field import MergeField

NO_SUBJECT = Rule(name="no-subject", category=RuleCategory.CONTENT, severity=Severity.INFO)
RULES = (NO_SUBJECT,)

# A phone shows about forty characters of a subject, and a computer about seventy.
MAX_PROPOSAL = 60
SENTENCE_END = re.compile(r"(?<=[.!?])\s")


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield a proposal if the issue has no subject, and its title contains a date."""
    issue = context.issue
    if issue.subject or not issue.title_dates:
        return
    if proposal := propose_subject(issue):
        yield NO_SUBJECT.report(
            context,
            context.find_key_line("title"),
            _("the subject of the mail is the title, and looks like that of every other issue"),
            fix=_(
                "Put the news in it. Write, for example, `subject: {proposal}` below the title.",
                proposal=json.dumps(proposal, ensure_ascii=False),
            ),
        )


def propose_subject(issue: Issue) -> str:
    """Return a proposal for the subject of an issue.

    It consists of the bold labels of the first list items. If there are none, it is the first sentence. The
    result has at most 60 characters. It is empty if the issue has no such text.
    """
    proposal = ""
    for label in _first_labels(issue):
        longer = f"{proposal}, {label}" if proposal else label
        if len(longer) > MAX_PROPOSAL:
            break
        proposal = longer
    return proposal or _shorten(_first_sentence(issue))


def _first_labels(issue: Issue) -> Iterator[str]:
    for section in issue.sections:
        for block in section.blocks if not section.is_agenda else ():
            for item in block.items if isinstance(block, ItemList) else ():
                if label := _collapse(to_plain_text(item.label)):
                    yield label


def _first_sentence(issue: Issue) -> str:
    for section in issue.sections:
        for block in section.blocks if not section.is_agenda else ():
            inlines = block.inlines if isinstance(block, Paragraph) else ()
            if isinstance(block, ItemList) and block.items:
                inlines = block.items[0].inlines
            if any(isinstance(inline, MergeField) for inline in inlines):
                continue
            if text := _collapse(text_without_markup(inlines)):
                return SENTENCE_END.split(text)[0].rstrip(".")
    return ""


def _shorten(text: str) -> str:
    if len(text) <= MAX_PROPOSAL:
        return text
    return f"{text[: MAX_PROPOSAL - 1].rpartition(' ')[0].rstrip(' ,;:')}…"


def _collapse(text: str) -> str:
    return " ".join(text.split())
