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
from moza_mail.model.message import PLACEHOLDER


def _rule(name: str, severity: Severity) -> Rule:
    return Rule(name=name, category=RuleCategory.SIZE, severity=severity)


HTML_LARGE = _rule("html-large", Severity.WARNING)
HTML_CLIPPED = _rule("html-clipped", Severity.ERROR)
STYLE_LARGE = _rule("style-large", Severity.WARNING)
OPEN_PLACEHOLDER = _rule("open-placeholder", Severity.ERROR)
FOREIGN_FIELD = _rule("foreign-field", Severity.WARNING)
MJML_LEFT = _rule("leftover-mjml", Severity.ERROR)
OUTLOOK_COMMENTS = _rule("outlook-comments", Severity.ERROR)
SUBJECT_LENGTH = _rule("subject-length", Severity.WARNING)
PREHEADER_LENGTH = _rule("preheader-length", Severity.WARNING)
TEXT_LINK = _rule("text-link", Severity.ERROR)
TEXT_HEADING = _rule("text-heading", Severity.ERROR)
DEEP_QUOTE = _rule("deep-quote", Severity.WARNING)

RULES = (
    HTML_LARGE, HTML_CLIPPED, STYLE_LARGE, OPEN_PLACEHOLDER, FOREIGN_FIELD, MJML_LEFT, OUTLOOK_COMMENTS, SUBJECT_LENGTH, PREHEADER_LENGTH, TEXT_LINK,
    TEXT_HEADING, DEEP_QUOTE,
)  # fmt: skip

# Octets. Gmail shows about 102 kB of a mail, and drops style blocks beyond 16 kB.
LARGE_HTML, MAX_HTML, MAX_STYLE = 80_000, 100_000, 16_000
MAX_SUBJECT = 70
MIN_PREHEADER, MAX_PREHEADER = 40, 140
MAX_QUOTE_DEPTH = 2

# Template languages and mailing programs: Jinja, Hugo, Mailchimp, old merge fields.
TEMPLATE_CODE = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\*?\|[A-Z][A-Z0-9_]+\|\*?|\[\[\w+\]\]|%%\w+%%|https://slot\.invalid/\w*"
)
MJML_TAG = re.compile(r"</?mj-[a-z]+", re.IGNORECASE)
CONDITIONAL_COMMENT = re.compile(r"<!--\[if|<!\[endif\]", re.IGNORECASE)
TAG = re.compile(r"<(/?)([a-z][\w:-]*)\b[^>]*?(/?)>", re.IGNORECASE)

STRUCTURE_TAGS = {"table", "tbody", "tr", "td", "th", "div", "p", "ul", "ol", "li", "center"}


def check(context: CheckContext) -> Iterator[Finding]:
    """What is too large, left open, unbalanced or missing."""
    for part in (
        _check_html_size,
        _check_style_size,
        _check_template_code,
        _check_mjml,
        _check_outlook_comments,
        _check_lengths,
        _check_text_part,
        _check_quotes,
    ):
        yield from part(context)


def _check_html_size(context: CheckContext) -> Iterator[Finding]:
    octets = len(context.rendered.html.encode("utf-8", "replace"))
    if octets > MAX_HTML:
        yield HTML_CLIPPED.report(
            context,
            0,
            _(
                "the HTML is {size:.1f} kB, and Gmail cuts a mail off at about 102 kB: the end, with the way to unsubscribe, is not shown",
                size=octets / 1000,
            ),
            fix=_("Make the issue shorter, or put parts of it on the website and link to them."),
        )
    elif octets > LARGE_HTML:
        yield HTML_LARGE.report(
            context,
            0,
            _("the HTML is {size:.1f} kB, and Gmail cuts a mail off at about 102 kB", size=octets / 1000),
            fix=_("Keep the issue below 80 kB: put the longest parts on the website and link to them."),
        )


def _check_style_size(context: CheckContext) -> Iterator[Finding]:
    octets = sum(
        len("".join(style.itertext()).encode("utf-8", "replace")) for style in context.tree.iter("style")
    )
    if octets > MAX_STYLE:
        yield STYLE_LARGE.report(
            context,
            0,
            _(
                "the style blocks hold {size:.1f} kB, and Gmail drops what is beyond 16 kB",
                size=octets / 1000,
            ),
            fix=_(
                "Put less in the theme's partials/screen.css: colours for dark and widths for phones are enough."
            ),
        )


def _check_template_code(context: CheckContext) -> Iterator[Finding]:
    """What is left of a template or a merge field; code in the issue may show one."""
    rendered = context.rendered
    code = " ".join(html_tree.element_text(each) for each in context.tree.iter("code", "pre"))
    places = {
        _("text part"): PLACEHOLDER.sub("", rendered.text),
        _("HTML"): " ".join(_texts_outside_code(context.tree)),
        _("preheader"): rendered.preheader,
        _("subject"): rendered.subject,
    }
    left = {
        words: place
        for place, text in places.items()
        for found in TEMPLATE_CODE.findall(text)
        if (words := html_tree.normalize_text(found)) not in code
    }
    for words, place in sorted(left.items()):
        line = html_tree.find_line(context, words)
        if line:
            yield FOREIGN_FIELD.report(
                context,
                line,
                _(
                    "{words} is mailed as it stands, in the {place}",
                    words=html_tree.quote(words),
                    place=place,
                ),
                fix=_("Write what it stands for; between backticks when it is an example of code."),
            )
        else:
            yield OPEN_PLACEHOLDER.report(
                context,
                0,
                _("{words} is left open in the {place}", words=html_tree.quote(words), place=place),
                fix=_("Nothing fills it: look for it in the theme."),
            )


def _texts_outside_code(tree: Any) -> Iterator[str]:
    for element in tree.iter("*"):
        if element.tag not in {"code", "pre", "script", "style"}:
            yield element.text or ""
        yield element.tail or ""


def _check_mjml(context: CheckContext) -> Iterator[Finding]:
    places = [f"<{element.tag}" for element in context.tree.iter("*") if str(element.tag).startswith("mj-")]
    places += [found for html in html_tree.outlook_comments(context.tree) for found in MJML_TAG.findall(html)]
    for found in sorted(set(places)):
        yield MJML_LEFT.report(
            context,
            0,
            _("{found}> was not turned into HTML", found=found),
            fix=_(
                "Look at the theme: this tag is not closed, is misspelt, or stands where MJML does not look."
            ),
        )


def _check_outlook_comments(context: CheckContext) -> Iterator[Finding]:
    depth = 0
    for found in CONDITIONAL_COMMENT.findall(context.rendered.html):
        depth += 1 if found.startswith("<!--") else -1
        if depth not in {0, 1}:
            break
    stray = _find_unbalanced_tag(context.tree)
    if depth or stray:
        what = (
            _("<{tag}> is opened or closed once too often in them", tag=stray)
            if stray
            else _("one is not closed")
        )
        yield OUTLOOK_COMMENTS.report(
            context,
            0,
            _("the comments for Outlook do not fit together: {what}", what=what),
            fix=_(
                "Give each <!--[if mso]> of the theme its <![endif]-->, and each tag in them its end in a later one."
            ),
        )


def _find_unbalanced_tag(tree: Any) -> str:
    """The first tag that the comments for Outlook, one after the other, do not open and close in turn."""
    opened: list[str] = []
    for html in html_tree.outlook_comments(tree):
        for closing, name, closed in TAG.findall(html):
            tag = name.lower()
            if tag not in STRUCTURE_TAGS or closed:
                continue
            if not closing:
                opened.append(tag)
            elif not opened or opened.pop() != tag:
                return str(tag)
    return opened[-1] if opened else ""


def _check_lengths(context: CheckContext) -> Iterator[Finding]:
    subject, preheader = context.rendered.subject, html_tree.normalize_text(context.rendered.preheader)
    if len(subject) > MAX_SUBJECT:
        yield SUBJECT_LENGTH.report(
            context,
            html_tree.find_line(context, subject),
            _(
                "the subject is {count} characters long, and a phone shows some forty of them",
                count=len(subject),
            ),
            fix=_(
                "Say it in {longest_subject} characters or less with `subject` in the issue, the main thing first.",
                longest_subject=MAX_SUBJECT,
            ),
        )
    if not MIN_PREHEADER <= len(preheader) <= MAX_PREHEADER:
        yield PREHEADER_LENGTH.report(
            context,
            html_tree.find_line(context, preheader),
            _(
                "the preheader, which is shown beside the subject, is {count} characters long",
                count=len(preheader),
            ),
            fix=_(
                "Write a `summary` of {shortest_preheader} to {longest_preheader} characters in the issue.",
                shortest_preheader=MIN_PREHEADER,
                longest_preheader=MAX_PREHEADER,
            ),
        )


def _check_text_part(context: CheckContext) -> Iterator[Finding]:
    text = html_tree.normalize_text(context.rendered.text)
    plain = text.casefold()
    for link, target in html_tree.find_links(context.tree):
        bare = target.partition(":")[2] if target.lower().startswith(("mailto:", "tel:")) else target
        if (
            bare
            and not target.startswith("#")
            and html_tree.normalize_text(target) not in text
            and html_tree.normalize_text(bare) not in text
        ):
            yield TEXT_LINK.report(
                context,
                html_tree.find_line(context, target),
                _(
                    "the link {link} to {target} is not in the text part",
                    link=html_tree.quote(html_tree.element_text(link)),
                    target=html_tree.quote(target),
                ),
                fix=_("Add it to issue.txt of the theme: who reads the text part cannot follow it now."),
            )
    for heading in context.tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        name = html_tree.element_text(heading)
        if name.casefold() not in plain:
            yield TEXT_HEADING.report(
                context,
                html_tree.find_line(context, name),
                _("the heading {name} is not in the text part", name=html_tree.quote(name)),
                fix=_("Add it to issue.txt of the theme."),
            )


def _check_quotes(context: CheckContext) -> Iterator[Finding]:
    for quote in context.tree.iter("blockquote"):
        depth = 1 + sum(1 for _ in quote.iterancestors("blockquote"))
        if depth == MAX_QUOTE_DEPTH + 1:
            yield DEEP_QUOTE.report(
                context,
                html_tree.find_line(context, html_tree.element_text(quote)),
                _(
                    "{quote} is a quotation in a quotation in a quotation",
                    quote=html_tree.quote(html_tree.element_text(quote)),
                ),
                fix=_("Say who said it in words: in the ear and on a phone nobody hears how deep it is."),
            )
