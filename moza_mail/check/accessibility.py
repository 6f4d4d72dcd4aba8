"""Check the accessibility of the HTML: WCAG 2.2 A and AA, and some requirements of mail.

The rules check the final HTML in light and in dark mode, on a screen 640 px wide. See `computed_style` for
the limits of the colour checks.
"""

import re
from collections.abc import Iterator
from typing import Any

from moza_mail.check import alt_text, content, html_tree, table_roles
from moza_mail.check.computed_style import SIZE_BY_TAG, ComputedStyle, compute_styles
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.colour import contrast_ratio
from moza_mail.model.finding import Finding, Severity


def _rule(name: str, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(name=name, category=RuleCategory.ACCESSIBILITY, severity=severity)


LANGUAGE = _rule("language")
TITLE = _rule("title")
HEADINGS = _rule("headings")
LISTS = _rule("lists")
IMITATED_LIST = _rule("imitated-list", Severity.WARNING)
LINK_PURPOSE = _rule("link-purpose")
CONTRAST = _rule("contrast")
TEXT_SIZE = _rule("text-size", Severity.WARNING)
UNDERLINE = _rule("underline")
TARGET_SIZE = _rule("target-size", Severity.WARNING)

RULES = (
    LANGUAGE, TITLE, HEADINGS, LISTS, IMITATED_LIST, *table_roles.RULES, *alt_text.RULES, LINK_PURPOSE, CONTRAST, TEXT_SIZE, UNDERLINE,
    TARGET_SIZE,
)  # fmt: skip

# BCP 47, as far as mail needs it. `und` (unknown language) is MJML's default.
LANGUAGE_TAG = re.compile(r"(?!und\b)[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")
HEADING_TAGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BULLET = re.compile(r"^\s*(?:[•◦▪‣●■·]|[-–—*]\s|\d{1,2}[.)]\s)")
BULLET_CHARACTER = re.compile(r"[•◦▪‣●■]")

# WCAG 2.2, 1.4.3: large text is at least 24 px, or 18.66 px if it is bold.
MIN_CONTRAST, MIN_CONTRAST_LARGE = 4.5, 3.0
LARGE_TEXT, LARGE_BOLD_TEXT = 24.0, 18.66
MIN_TEXT_SIZE = 16.0
# WCAG 2.2, 2.5.8 requires 24 px for every target outside a sentence; 2.5.5 recommends 44.
MIN_TARGET, MIN_BUTTON = 24.0, 44.0
INLINE_TAGS = {
    "a", "abbr", "b", "br", "code", "em", "i", "img", "s", "small", "span", "strong", "sub", "sup", "u",
}  # fmt: skip


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield every part of the mail that is hard or impossible to read with a disability."""
    light = context.light_styles
    for part in (
        _check_language,
        _check_title,
        _check_headings,
        _check_lists,
        table_roles.check,
        alt_text.check,
    ):
        yield from part(context)
    yield from _check_imitated_lists(context, light)
    yield from _check_links(context, light)
    yield from _check_text_sizes(context, light)
    yield from _check_contrast(context, light, _("light"))
    yield from _check_contrast(context, compute_styles(context.tree, dark=True), _("dark"))


def _check_language(context: CheckContext) -> Iterator[Finding]:
    body = context.tree.find("body")
    children = [] if body is None else [child for child in body if isinstance(child.tag, str)]
    for element in [context.tree, *([] if body is None else [body]), *children]:
        language, direction = element.get("lang", ""), element.get("dir", "")
        if not LANGUAGE_TAG.fullmatch(language) or direction not in {"ltr", "rtl"}:
            yield LANGUAGE.report(
                context,
                0,
                _(
                    "<{tag}> has language {language!r} and direction {direction!r}, so a screen reader has to guess",
                    tag=element.tag,
                    language=language,
                    direction=direction,
                ),
                fix=_(
                    'In the theme, write lang="{{ lang }}" and dir="{{ dir }}" on html, on body and on each direct child of body.'
                ),
            )
        elif element in {context.tree, body} and _base_language(language) != _base_language(
            context.issue.lang
        ):
            yield LANGUAGE.report(
                context,
                0,
                _(
                    "<{tag}> has language {language!r}, but the issue is written in {lang!r}",
                    tag=element.tag,
                    language=language,
                    lang=context.issue.lang,
                ),
                fix=_('Write lang="{{ lang }}" in the theme, or correct `lang` in the issue.'),
            )


def _base_language(tag: str) -> str:
    return tag.partition("-")[0].lower()


def _check_title(context: CheckContext) -> Iterator[Finding]:
    if not any(html_tree.normalize_text(title.text) for title in context.tree.iter("title")):
        yield TITLE.report(
            context,
            0,
            _("the mail has no title, which is the first thing a screen reader says"),
            fix=_("Put <mj-title>{{ issue.title }}</mj-title> in the head of the theme."),
        )


def _check_headings(context: CheckContext) -> Iterator[Finding]:
    headings = list(context.tree.iter(*HEADING_TAGS))
    top_level = [heading for heading in headings if heading.tag == "h1"]
    if len(top_level) != 1:
        yield HEADINGS.report(
            context,
            0,
            _("the mail has {count} headings of level 1 and must have exactly one", count=len(top_level)),
            fix=_("Make the title of the issue the only <h1> in the theme."),
        )
    level = 0
    for heading in headings:
        text = html_tree.element_text(heading)
        current = int(heading.tag[1])
        if not text and not _alternative_text(heading):
            yield HEADINGS.report(
                context,
                0,
                _("an <{tag}> is empty", tag=heading.tag),
                fix=_("Write its text, or remove it."),
            )
        elif current > level + 1 and level:
            yield HEADINGS.report(
                context,
                html_tree.find_line(context, text),
                _(
                    "the heading {text} has level {current} and follows a heading of level {level}",
                    text=html_tree.quote(text),
                    current=current,
                    level=level,
                ),
                fix=_(
                    "Make it level {wanted}; people who jump from heading to heading would otherwise miss a part.",
                    wanted=level + 1,
                ),
            )
        level = current


def _check_lists(context: CheckContext) -> Iterator[Finding]:
    # `empty-item` reports an empty item of the issue, with its line.
    is_reported = any(finding.rule == content.EMPTY_ITEM.name for finding in content.check_items(context))
    for item in context.tree.iter("li"):
        parent = item.getparent()
        if parent is None or parent.tag not in {"ul", "ol", "menu"}:
            yield LISTS.report(
                context,
                html_tree.find_line(context, html_tree.own_text(item)),
                _(
                    "the list item {item} is not in a list",
                    item=html_tree.quote(html_tree.element_text(item)),
                ),
                fix=_("In the theme, put the <li> inside a <ul> or <ol>."),
            )
        elif not is_reported and not html_tree.element_text(item) and next(item.iter("img"), None) is None:
            yield LISTS.report(
                context,
                0,
                _("a list item is empty"),
                fix=_("Write something after the bullet, or remove it."),
            )
    for container in context.tree.iter("ul", "ol"):
        misplaced = [
            child for child in container if isinstance(child.tag, str) and child.tag not in {"li", "template"}
        ]
        if misplaced or html_tree.own_text(container):
            what = f"<{misplaced[0].tag}>" if misplaced else html_tree.quote(html_tree.own_text(container))
            yield LISTS.report(
                context,
                0,
                _("{what} is in a list, but not in a list item", what=what),
                fix=_("Put it in an <li>, or before the list."),
            )


def _check_imitated_lists(context: CheckContext, styles: dict[Any, ComputedStyle]) -> Iterator[Finding]:
    before = False
    for paragraph in context.tree.iter("p"):
        if styles[paragraph].is_hidden:
            continue
        lines = _split_at_br(paragraph)
        bulleted = [line for line in lines if BULLET.match(line)]
        follows = before and _follows_paragraph(paragraph)
        before = bool(lines) and len(bulleted) == len(lines)
        if (
            len(bulleted) >= 2
            or (follows and bulleted)
            or len(BULLET_CHARACTER.findall(" ".join(lines))) >= 2
        ):
            text = html_tree.normalize_text(" ".join(lines))
            yield IMITATED_LIST.report(
                context,
                html_tree.find_line(
                    context, *(line.strip() for line in bulleted), *BULLET_CHARACTER.split(text)
                ),
                _("the paragraph {text} looks like a list but is not one", text=html_tree.quote(text)),
                fix=_(
                    "Start each item on a new line with `* ` or `1. `, so that a screen reader can count the items."
                ),
            )


def _split_at_br(paragraph: Any) -> list[str]:
    """Return the lines of a paragraph, split at each <br>."""
    lines = [""]
    for element in paragraph.iter("*"):
        if element.tag == "br":
            lines.append("")
        elif element.tag not in {"code", "pre"}:
            lines[-1] += element.text or ""
        if element is not paragraph:
            lines[-1] += element.tail or ""
    return [line for line in lines if line.strip()]


def _follows_paragraph(paragraph: Any) -> bool:
    sibling = paragraph.getprevious()
    return sibling is not None and sibling.tag == "p"


def _alternative_text(element: Any) -> str:
    return html_tree.normalize_text(" ".join(image.get("alt", "") for image in element.iter("img")))


def _check_links(context: CheckContext, styles: dict[Any, ComputedStyle]) -> Iterator[Finding]:
    for link, target in html_tree.find_links(context.tree):
        if link.tag != "a" or styles[link].is_hidden:
            continue
        text = html_tree.element_text(link)
        if not (text or _alternative_text(link) or html_tree.normalize_text(link.get("aria-label"))):
            yield LINK_PURPOSE.report(
                context,
                html_tree.find_line(context, target),
                _(
                    "the link to {target} has no text, so nobody can tell where it leads",
                    target=html_tree.quote(target),
                ),
                fix=_(
                    "Write the text between the square brackets. An image in a link needs an alternative text."
                ),
            )
        elif target in {"", "#"}:
            yield LINK_PURPOSE.report(
                context,
                html_tree.find_line(context, f"[{text}]"),
                _("the link {text} has no address", text=html_tree.quote(text)),
                fix=_("Write the address between the parentheses."),
            )
        if (
            text
            and not _is_button(styles[link])
            and not all(_is_underlined(each, styles) for each in _elements_with_text(link))
        ):
            yield UNDERLINE.report(
                context,
                html_tree.find_line(context, target),
                _(
                    "the link {text} is not underlined, and not everybody can see its colour",
                    text=html_tree.quote(text),
                ),
                fix=_("Give links `text-decoration: underline` in the theme's inline.css."),
            )
        yield from _check_target_size(context, link, styles[link])


def _elements_with_text(link: Any) -> list[Any]:
    return [element for element in link.iter("*") if html_tree.own_text(element)]


def _is_underlined(element: Any, styles: dict[Any, ComputedStyle]) -> bool:
    """Return True if the text of an element is underlined or hidden.

    The underline of a link also covers the elements inside the link.
    """
    above = (each for each in element.iterancestors() if each.tag == "a")
    return (
        styles[element].is_hidden
        or styles[element].is_underlined
        or any(styles[each].is_underlined for each in above)
    )


def _is_button(style: ComputedStyle) -> bool:
    return style.has_own_background and style.padding > 0


def _check_target_size(context: CheckContext, link: Any, style: ComputedStyle) -> Iterator[Finding]:
    button = _is_button(style)
    height = style.line_height + style.padding
    least = MIN_BUTTON if button else MIN_TARGET
    if height < least and (button or _fills_its_block(link)):
        what = _("button") if button else _("link")
        yield TARGET_SIZE.report(
            context,
            html_tree.find_line(context, link.get("href", "")),
            _(
                "the {what} {link} is {height:.0f} px high, and a thumb needs {least:.0f} px",
                what=what,
                link=html_tree.quote(html_tree.element_text(link)),
                height=height,
                least=least,
            ),
            fix=_("In the theme, add padding above and below, or increase `line-height`."),
        )


def _fills_its_block(link: Any) -> bool:
    """Return True if the block around a link contains no other text.

    Such a link must have a minimum height. A link inside a sentence need not (WCAG 2.2, 2.5.8).
    """
    if next(link.iter("img"), None) is not None:
        return False
    block = next((each for each in link.iterancestors() if each.tag not in INLINE_TAGS), None)
    return block is not None and html_tree.element_text(block) == html_tree.element_text(link)


def _check_text_sizes(context: CheckContext, styles: dict[Any, ComputedStyle]) -> Iterator[Finding]:
    seen: set[float] = set()
    for element, look in styles.items():
        text = html_tree.own_text(element)
        size = round(_size_on_the_line(element, look), 2)
        if text and not look.is_hidden and size < MIN_TEXT_SIZE and size not in seen:
            seen.add(size)
            yield TEXT_SIZE.report(
                context,
                html_tree.find_line(context, text),
                _(
                    "the text {text} is {size:g} px, which is too small for many people",
                    text=html_tree.quote(text),
                    size=size,
                ),
                fix=_("In the theme, set `font-size` to 16 px or more, in inline.css and in mj-text."),
            )


def _size_on_the_line(element: Any, look: ComputedStyle) -> float:
    """Return the font size of the text; for a superscript or subscript, that of the text around it.

    Mail programs show both smaller. A theme that makes them smaller still is found.
    """
    raised = sum(each.tag in {"sub", "sup"} for each in (element, *element.iterancestors()))
    return look.font_size / SIZE_BY_TAG["sub"] ** raised


def _check_contrast(
    context: CheckContext, styles: dict[Any, ComputedStyle], mode: Translatable
) -> Iterator[Finding]:
    seen: set[tuple[str, str, bool]] = set()
    for element, look in styles.items():
        if look.is_hidden or look.background is None:
            continue
        text = html_tree.own_text(element)
        large = look.font_size >= LARGE_TEXT or (look.is_bold and look.font_size >= LARGE_BOLD_TEXT)
        pair = (look.colour, look.background, large)
        if not text or pair in seen:
            continue
        seen.add(pair)
        ratio, least = (
            contrast_ratio(look.colour, look.background),
            MIN_CONTRAST_LARGE if large else MIN_CONTRAST,
        )
        if ratio < least:
            yield CONTRAST.report(
                context,
                html_tree.find_line(context, text),
                _(
                    "the text {text} ({colour} on {background}, {mode} mode) has a contrast of {ratio:.2f}:1 and needs {least}:1",
                    text=html_tree.quote(text),
                    colour=look.colour,
                    background=look.background,
                    mode=mode,
                    ratio=ratio,
                    least=least,
                ),
                fix=_(
                    "In the theme, choose a darker text or a lighter background; in dark mode, the reverse."
                ),
            )
