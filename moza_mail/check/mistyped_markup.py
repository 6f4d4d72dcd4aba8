"""Check for links, images and merge fields whose markup is nearly right.

moza-mail reads such markup as ordinary text, or as something else than the author meant.
"""

import difflib
import re
from collections.abc import Iterator
from posixpath import basename
from urllib.parse import unquote, urlsplit

from moza_mail.check.passages import find_links
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Image, Link, find_images

EMPTY_LINK = Rule(name="empty-link", category=RuleCategory.LINKS, severity=Severity.ERROR)
IMAGE_MARKUP = Rule(name="image-markup", category=RuleCategory.LINKS, severity=Severity.ERROR)
IMAGE_AS_LINK = Rule(name="image-as-link", category=RuleCategory.LINKS, severity=Severity.WARNING)
FIELD_BRACES = Rule(name="merge-field-braces", category=RuleCategory.CONTENT, severity=Severity.WARNING)

RULES = (EMPTY_LINK, IMAGE_MARKUP, IMAGE_AS_LINK, FIELD_BRACES)

IMAGE_FILE = r"\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|heic)"
EMPTY_TARGET = re.compile(r"(?<![!\\])\[([^\[\]\n]+)\]\(\s*(?:<\s*>\s*)?\)")
CODE = re.compile(r"`[^`]*`")
# `![text] (file.png)` and `![[file.png]]`. An address of a website is a finding of `link-markup`.
BROKEN_IMAGE = re.compile(
    rf"!\[[^\[\]\n]*\]\s+\((?!https?:|www\.|mailto:|/\w)[^()\n]{{0,200}}{IMAGE_FILE}[^()\n]{{0,200}}\)|!\[\[[^\[\]\n]+\]\]",
    re.IGNORECASE,
)
SINGLE_BRACES = re.compile(r"(?<![{$%\\/#=])\{\s*([^\W\d]\w*)\s*\}(?![}/])")
MARKUP_CHARACTERS = re.compile(r"[*_~]+")
MIN_SIMILARITY = 0.75


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield links without an address, and images and merge fields that are mailed as typed."""
    yield from _check_empty_links(context)
    yield from _check_texts(context)
    yield from _check_image_links(context)


def _check_empty_links(context: CheckContext) -> Iterator[Finding]:
    """Yield each link without an address.

    The parser keeps only the words of such a link, so this looks at the file as typed. Words that recipients do not
    read, such as those in a comment or in code, are ignored.
    """
    for line, row in enumerate(context.text.split("\n"), start=1):
        for found in EMPTY_TARGET.finditer(CODE.sub("", row)) if "](" in row else ():
            words = MARKUP_CHARACTERS.sub("", found[1]).strip()
            if words and _is_read(context, words, line):
                yield EMPTY_LINK.report(
                    context,
                    line,
                    _("the link {words!r} has no address, so recipients see only its words", words=words),
                    fix=_("Write the address between the parentheses."),
                )


def _is_read(context: CheckContext, words: str, line: int) -> bool:
    """Return True if the text of the mail has these words at a line of the file."""
    return any(
        words in MARKUP_CHARACTERS.sub("", each.text)
        for each in context.texts
        if each.line <= line <= each.line + each.text.count("\n")
    )


def _check_texts(context: CheckContext) -> Iterator[Finding]:
    for passage in context.texts:
        for found in BROKEN_IMAGE.finditer(passage.text):
            yield IMAGE_MARKUP.report(
                context,
                passage.line_at(found.start()),
                _(
                    "this did not become an image, and recipients see it as typed: {text!r}",
                    text=found.group(),
                ),
                fix=_("Write ![what it shows](photo.jpg) with nothing between ] and (."),
            )
        for found in SINGLE_BRACES.finditer(passage.text):
            if field := _find_field(context, found[1]):
                yield FIELD_BRACES.report(
                    context,
                    passage.line_at(found.start()),
                    _(
                        "{written!r} is not a merge field, and recipients see it as typed",
                        written=found.group(),
                    ),
                    fix=_(
                        'Write two braces and a default text, such as `{{{{ {field} | default("lezer") }}}}`.',
                        field=field,
                    ),
                )


def _find_field(context: CheckContext, written: str) -> str:
    """Return the merge field with this name or nearly this name; empty if there is none."""
    names = {*context.options.merge_fields, *(field.name for field in context.issue.merge_fields)}
    found = difflib.get_close_matches(written.lower(), sorted(names), 1, MIN_SIMILARITY)
    return found[0] if found else ""


def _check_image_links(context: CheckContext) -> Iterator[Finding]:
    """Yield each link to an image next to the issue that the issue does not show."""
    shown = {basename(image.src) for image in find_images(context.issue)}
    for link in find_links(context.issue):
        name = basename(unquote(urlsplit(link.url).path))
        if name in context.options.image_files and name not in shown and _is_own_file(context, link, name):
            yield IMAGE_AS_LINK.report(
                context,
                link.line,
                _("the image {name} is only a link, so the mail does not show it", name=name),
                fix=_("Write ! before the [, or use another name than that of a file next to the issue."),
            )


def _is_own_file(context: CheckContext, link: Link, name: str) -> bool:
    """Return True if a link of words is typed as the name of a file, without a folder or a website."""
    has_image = any(isinstance(child, Image) for child in link.children)
    return not has_image and re.search(rf"\]\(\s*<?(?:\./)?{re.escape(name)}[>\s)]", context.text) is not None
