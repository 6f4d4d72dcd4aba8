"""Rules on size and form: what mail programs cut off, what a template left behind, and whether the text part is whole.

The HTML is measured as it stands in the message once the transfer encoding is taken off, in octets of UTF-8: that is what
Gmail clips by. Slots are counted as they stand open; a reader's own link is some hundred octets longer.
"""

import re
from collections.abc import Iterator
from typing import Any

from moza_mail.check import html_tree
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.message import SLOT


def _rule(name: str, severity: Severity) -> Rule:
    return Rule(name=name, category=RuleCategory.SIZE, severity=severity)


HTML_LARGE = _rule("html-large", Severity.WARNING)
HTML_CLIPPED = _rule("html-clipped", Severity.ERROR)
STYLE_LARGE = _rule("style-large", Severity.WARNING)
OPEN_SLOT = _rule("open-slot", Severity.ERROR)
FOREIGN_FIELD = _rule("foreign-field", Severity.WARNING)
MJML_LEFT = _rule("mjml-left", Severity.ERROR)
OUTLOOK_COMMENTS = _rule("outlook-comments", Severity.ERROR)
SUBJECT_LENGTH = _rule("subject-length", Severity.WARNING)
PREHEADER_LENGTH = _rule("preheader-length", Severity.WARNING)
TEXT_LINK = _rule("text-link", Severity.ERROR)
TEXT_HEADING = _rule("text-heading", Severity.ERROR)
DEEP_QUOTE = _rule("deep-quote", Severity.WARNING)

RULES = (
    HTML_LARGE, HTML_CLIPPED, STYLE_LARGE, OPEN_SLOT, FOREIGN_FIELD, MJML_LEFT, OUTLOOK_COMMENTS, SUBJECT_LENGTH, PREHEADER_LENGTH, TEXT_LINK,
    TEXT_HEADING, DEEP_QUOTE,
)  # fmt: skip

# Octets. Gmail shows about 102 kB of a mail, and drops style blocks beyond 16 kB.
LARGE, CLIPPED, STYLE = 80_000, 100_000, 16_000
LONGEST_SUBJECT = 70
SHORTEST_PREHEADER, LONGEST_PREHEADER = 40, 140
DEEPEST_QUOTE = 2

# Template languages and mailing programs: Jinja, Hugo, Mailchimp, old merge fields.
LEFT = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\*?\|[A-Z][A-Z0-9_]+\|\*?|\[\[\w+\]\]|%%\w+%%|https://slot\.invalid/\w*"
)
MJML = re.compile(r"</?mj-[a-z]+", re.IGNORECASE)
CONDITION = re.compile(r"<!--\[if|<!\[endif\]", re.IGNORECASE)
TAG = re.compile(r"<(/?)([a-z][\w:-]*)\b[^>]*?(/?)>", re.IGNORECASE)

STRUCTURE = {"table", "tbody", "tr", "td", "th", "div", "p", "ul", "ol", "li", "center"}


def judge(case: CheckContext) -> Iterator[Finding]:
    """What is too large, left open, unbalanced or missing."""
    for part in (_size, _style, _open, _mjml, _outlook, _lengths, _text_part, _quotes):
        yield from part(case)


def _size(case: CheckContext) -> Iterator[Finding]:
    octets = len(case.rendered.html.encode("utf-8", "replace"))
    if octets > CLIPPED:
        yield HTML_CLIPPED.report(
            case,
            0,
            _(
                "the HTML is {size:.1f} kB, and Gmail cuts a mail off at about 102 kB: the end, with the way to unsubscribe, is not shown",
                size=octets / 1000,
            ),
            fix=_("Make the issue shorter, or put parts of it on the website and link to them."),
        )
    elif octets > LARGE:
        yield HTML_LARGE.report(
            case,
            0,
            _("the HTML is {size:.1f} kB, and Gmail cuts a mail off at about 102 kB", size=octets / 1000),
            fix=_("Keep the issue below 80 kB: put the longest parts on the website and link to them."),
        )


def _style(case: CheckContext) -> Iterator[Finding]:
    octets = sum(
        len("".join(style.itertext()).encode("utf-8", "replace")) for style in case.tree.iter("style")
    )
    if octets > STYLE:
        yield STYLE_LARGE.report(
            case,
            0,
            _(
                "the style blocks hold {size:.1f} kB, and Gmail drops what is beyond 16 kB",
                size=octets / 1000,
            ),
            fix=_(
                "Put less in the theme's partials/screen.css: colours for dark and widths for phones are enough."
            ),
        )


def _open(case: CheckContext) -> Iterator[Finding]:
    """What is left of a template or a merge field; code in the issue may show one."""
    rendered = case.rendered
    code = " ".join(html_tree.words_in(each) for each in case.tree.iter("code", "pre"))
    places = {
        _("text part"): SLOT.sub("", rendered.text),
        _("HTML"): " ".join(_texts(case.tree)),
        _("preheader"): rendered.preheader,
        _("subject"): rendered.subject,
    }
    left = {
        words: place
        for place, text in places.items()
        for found in LEFT.findall(text)
        if (words := html_tree.words(found)) not in code
    }
    for words, place in sorted(left.items()):
        line = html_tree.line_of(case, words)
        if line:
            yield FOREIGN_FIELD.report(
                case,
                line,
                _(
                    "{words} is mailed as it stands, in the {place}",
                    words=html_tree.shown(words),
                    place=place,
                ),
                fix=_("Write what it stands for; between backticks when it is an example of code."),
            )
        else:
            yield OPEN_SLOT.report(
                case,
                0,
                _("{words} is left open in the {place}", words=html_tree.shown(words), place=place),
                fix=_("Nothing fills it: look for it in the theme."),
            )


def _texts(tree: Any) -> Iterator[str]:
    for element in tree.iter("*"):
        if element.tag not in {"code", "pre", "script", "style"}:
            yield element.text or ""
        yield element.tail or ""


def _mjml(case: CheckContext) -> Iterator[Finding]:
    places = [f"<{element.tag}" for element in case.tree.iter("*") if str(element.tag).startswith("mj-")]
    places += [found for html in html_tree.outlook(case.tree) for found in MJML.findall(html)]
    for found in sorted(set(places)):
        yield MJML_LEFT.report(
            case,
            0,
            _("{found}> was not turned into HTML", found=found),
            fix=_(
                "Look at the theme: this tag is not closed, is misspelt, or stands where MJML does not look."
            ),
        )


def _outlook(case: CheckContext) -> Iterator[Finding]:
    depth = 0
    for found in CONDITION.findall(case.rendered.html):
        depth += 1 if found.startswith("<!--") else -1
        if depth not in {0, 1}:
            break
    stray = _unbalanced(case.tree)
    if depth or stray:
        what = (
            _("<{tag}> is opened or closed once too often in them", tag=stray)
            if stray
            else _("one is not closed")
        )
        yield OUTLOOK_COMMENTS.report(
            case,
            0,
            _("the comments for Outlook do not fit together: {what}", what=what),
            fix=_(
                "Give each <!--[if mso]> of the theme its <![endif]-->, and each tag in them its end in a later one."
            ),
        )


def _unbalanced(tree: Any) -> str:
    """The first tag that the comments for Outlook, one after the other, do not open and close in turn."""
    opened: list[str] = []
    for html in html_tree.outlook(tree):
        for closing, name, closed in TAG.findall(html):
            tag = name.lower()
            if tag not in STRUCTURE or closed:
                continue
            if not closing:
                opened.append(tag)
            elif not opened or opened.pop() != tag:
                return str(tag)
    return opened[-1] if opened else ""


def _lengths(case: CheckContext) -> Iterator[Finding]:
    subject, preheader = case.rendered.subject, html_tree.words(case.rendered.preheader)
    if len(subject) > LONGEST_SUBJECT:
        yield SUBJECT_LENGTH.report(
            case,
            html_tree.line_of(case, subject),
            _(
                "the subject is {count} characters long, and a phone shows some forty of them",
                count=len(subject),
            ),
            fix=_(
                "Say it in {longest_subject} characters or less with `subject` in the issue, the main thing first.",
                longest_subject=LONGEST_SUBJECT,
            ),
        )
    if not SHORTEST_PREHEADER <= len(preheader) <= LONGEST_PREHEADER:
        yield PREHEADER_LENGTH.report(
            case,
            html_tree.line_of(case, preheader),
            _(
                "the preheader, which is shown beside the subject, is {count} characters long",
                count=len(preheader),
            ),
            fix=_(
                "Write a `summary` of {shortest_preheader} to {longest_preheader} characters in the issue.",
                shortest_preheader=SHORTEST_PREHEADER,
                longest_preheader=LONGEST_PREHEADER,
            ),
        )


def _text_part(case: CheckContext) -> Iterator[Finding]:
    text = html_tree.words(case.rendered.text)
    plain = text.casefold()
    for link, target in html_tree.links(case.tree):
        bare = target.partition(":")[2] if target.lower().startswith(("mailto:", "tel:")) else target
        if (
            bare
            and not target.startswith("#")
            and html_tree.words(target) not in text
            and html_tree.words(bare) not in text
        ):
            yield TEXT_LINK.report(
                case,
                html_tree.line_of(case, target),
                _(
                    "the link {link} to {target} is not in the text part",
                    link=html_tree.shown(html_tree.words_in(link)),
                    target=html_tree.shown(target),
                ),
                fix=_("Add it to issue.txt of the theme: who reads the text part cannot follow it now."),
            )
    for heading in case.tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        name = html_tree.words_in(heading)
        if name.casefold() not in plain:
            yield TEXT_HEADING.report(
                case,
                html_tree.line_of(case, name),
                _("the heading {name} is not in the text part", name=html_tree.shown(name)),
                fix=_("Add it to issue.txt of the theme."),
            )


def _quotes(case: CheckContext) -> Iterator[Finding]:
    for quote in case.tree.iter("blockquote"):
        depth = 1 + sum(1 for _ in quote.iterancestors("blockquote"))
        if depth == DEEPEST_QUOTE + 1:
            yield DEEP_QUOTE.report(
                case,
                html_tree.line_of(case, html_tree.words_in(quote)),
                _(
                    "{quote} is a quotation in a quotation in a quotation",
                    quote=html_tree.shown(html_tree.words_in(quote)),
                ),
                fix=_("Say who said it in words: in the ear and on a phone nobody hears how deep it is."),
            )
