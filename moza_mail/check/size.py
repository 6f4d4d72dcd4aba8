"""Check the size and form of a mail: clipping, leftover template code and text version.

Gmail clips a mail by the size of its decoded HTML in bytes of UTF-8, so this module measures that size.
Placeholders count as written; a personal link is about a hundred bytes longer.
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

# In bytes. Gmail shows about 102 kB of a mail, and drops style blocks above 16 kB.
LARGE_HTML, MAX_HTML, MAX_STYLE = 80_000, 100_000, 16_000
MAX_SUBJECT = 70
MIN_PREHEADER, MAX_PREHEADER = 40, 140
MAX_QUOTE_DEPTH = 2

# Code of Jinja, Hugo and Mailchimp templates, and of other mailing programs.
TEMPLATE_CODE = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\*?\|[A-Z][A-Z0-9_]+\|\*?|\[\[\w+\]\]|%%\w+%%|https://slot\.invalid/\w*"
)
MJML_TAG = re.compile(r"</?mj-[a-z]+", re.IGNORECASE)
CONDITIONAL_COMMENT = re.compile(r"<!--\[if|<!\[endif\]", re.IGNORECASE)
LINK_NUMBER = re.compile(r" \[\d+\]")
TAG = re.compile(r"<(/?)([a-z][\w:-]*)\b[^>]*?(/?)>", re.IGNORECASE)

STRUCTURE_TAGS = {"table", "tbody", "tr", "td", "th", "div", "p", "ul", "ol", "li", "center"}


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield every part of the mail that is too large, not filled in, unbalanced or missing."""
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
                "the HTML is {size:.1f} kB, and Gmail cuts off a mail at about 102 kB: the end with the unsubscribe link is not shown",
                size=octets / 1000,
            ),
            fix=_("Shorten the issue, or move parts of it to the website and link to them."),
        )
    elif octets > LARGE_HTML:
        yield HTML_LARGE.report(
            context,
            0,
            _("the HTML is {size:.1f} kB, and Gmail cuts off a mail at about 102 kB", size=octets / 1000),
            fix=_("Keep the issue below 80 kB: move the longest parts to the website and link to them."),
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
                "the style blocks are {size:.1f} kB in total, and Gmail drops everything above 16 kB",
                size=octets / 1000,
            ),
            fix=_("Shorten partials/screen.css of the theme to colours for dark mode and widths for phones."),
        )


def _check_template_code(context: CheckContext) -> Iterator[Finding]:
    """Yield template code and merge fields that are left in the mail.

    Code that the issue shows as an example is not reported.
    """
    rendered = context.rendered
    code = " ".join(html_tree.element_text(each) for each in context.tree.iter("code", "pre"))
    places = {
        _("text version"): PLACEHOLDER.sub("", rendered.text),
        _("HTML"): " ".join(_texts_outside_code(context.tree)),
        _("preheader"): rendered.preheader,
        _("subject"): rendered.subject,
    }
    places_by_text = {
        text_found: place
        for place, text in places.items()
        for found in TEMPLATE_CODE.findall(text)
        if (text_found := html_tree.normalize_text(found)) not in code
    }
    for text_found, place in sorted(places_by_text.items()):
        line = html_tree.find_line(context, text_found)
        if line:
            yield FOREIGN_FIELD.report(
                context,
                line,
                _(
                    "{text_found} is mailed as it is, in the {place}",
                    text_found=html_tree.quote(text_found),
                    place=place,
                ),
                fix=_("Write the text itself. If it is an example of code, put it between backticks."),
            )
        else:
            yield OPEN_PLACEHOLDER.report(
                context,
                0,
                _(
                    "{text_found} is not filled in, in the {place}",
                    text_found=html_tree.quote(text_found),
                    place=place,
                ),
                fix=_("Find it in the theme and remove it, because nothing fills it in."),
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
            _("{found}> did not become HTML", found=found),
            fix=_(
                "Correct this tag in the theme: it is not closed, is misspelt, or is in a place that MJML ignores."
            ),
        )


def _check_outlook_comments(context: CheckContext) -> Iterator[Finding]:
    depth = 0
    for found in CONDITIONAL_COMMENT.findall(context.rendered.html):
        depth += 1 if found.startswith("<!--") else -1
        if depth not in {0, 1}:
            break
    unbalanced = _find_unbalanced_tag(context.tree)
    if depth or unbalanced:
        problem = (
            _("<{tag}> is opened or closed once too often", tag=unbalanced)
            if unbalanced
            else _("one is not closed")
        )
        yield OUTLOOK_COMMENTS.report(
            context,
            0,
            _("the comments for Outlook do not match: {problem}", problem=problem),
            fix=_(
                "In the theme, close each <!--[if mso]> with <![endif]-->, and close each tag in them in a later one."
            ),
        )


def _find_unbalanced_tag(tree: Any) -> str:
    """Return the name of a tag in the comments for Outlook that is opened or closed wrongly.

    A tag may open in one comment and close in a later one. The result is empty if all tags match.
    """
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
                "the subject has {count} characters, and a phone shows about forty of them",
                count=len(subject),
            ),
            fix=_(
                "Write a `subject` of at most {longest_subject} characters in the issue, with the main point first.",
                longest_subject=MAX_SUBJECT,
            ),
        )
    if not MIN_PREHEADER <= len(preheader) <= MAX_PREHEADER:
        yield PREHEADER_LENGTH.report(
            context,
            html_tree.find_line(context, preheader),
            _(
                "the preheader, which is shown next to the subject, has {count} characters",
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
                    "the link {link} to {target} is not in the text version",
                    link=html_tree.quote(html_tree.element_text(link)),
                    target=html_tree.quote(target),
                ),
                fix=_(
                    "Add it to issue.txt of the theme, because people who read the text version cannot follow it now."
                ),
            )
    # In the text version, a heading with a link has the number of the link in it.
    without_numbers = LINK_NUMBER.sub("", plain)
    for heading in context.tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        name = html_tree.element_text(heading)
        if name.casefold() not in plain and name.casefold() not in without_numbers:
            yield TEXT_HEADING.report(
                context,
                html_tree.find_line(context, name),
                _("the heading {name} is not in the text version", name=html_tree.quote(name)),
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
                    "{quote} is a quote inside a quote inside a quote",
                    quote=html_tree.quote(html_tree.element_text(quote)),
                ),
                fix=_(
                    "Write in words who said it, because neither a screen reader nor a phone shows how deep a quote is."
                ),
            )
