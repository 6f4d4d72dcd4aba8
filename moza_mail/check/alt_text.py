"""Check the alternative texts of images (WCAG 2.2, 1.1.1).

Only a person can tell whether an alternative text fits its image, and whether an image contains text.
"""

import re
from collections.abc import Iterator

from moza_mail.check import html_tree
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import find_images

ALT = Rule(name="alternative-text", category=RuleCategory.ACCESSIBILITY, severity=Severity.ERROR)
ALT_WORDING = Rule(
    name="alternative-text-wording", category=RuleCategory.ACCESSIBILITY, severity=Severity.WARNING
)

RULES = (ALT, ALT_WORDING)

FILE_NAME = re.compile(
    r"^\S+\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?)$|^(?:img|dsc|image|screenshot)[-_ ]?\d+$", re.IGNORECASE
)
SAYS_IMAGE = re.compile(
    r"^(?:(?:an?\s)?(?:image|picture|graphic) of|(?:een\s)?(?:afbeelding|plaatje) van)\b", re.IGNORECASE
)
MAX_ALT = 150


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield images whose alternative text is missing or useless."""
    for missing in find_images(context.issue):
        if missing.lacks_alt:
            yield ALT.report(
                context,
                missing.line,
                _("the image {image} has no alternative text", image=html_tree.quote(missing.src)),
                fix=_('Write ![what it shows](image.png), or ![""](image.png) if it is only decoration.'),
            )
    for image in context.tree.iter("img", "area"):
        alt, src = image.get("alt"), image.get("src", image.get("href", ""))
        if alt is None and not image.get("aria-label"):
            yield ALT.report(
                context,
                html_tree.find_line(context, src),
                _("the image {image} has no alternative text", image=html_tree.quote(src)),
                fix=_(
                    'Write what it shows: `![what it shows](file.png)`. In a theme, alt="" marks decoration.'
                ),
            )
            continue
        words = html_tree.normalize_text(alt)
        problem = _find_problem(words)
        if problem:
            yield ALT_WORDING.report(
                context,
                html_tree.find_line(context, f"![{words}]", words),
                _("the alternative text {text} {problem}", text=html_tree.quote(words), problem=problem),
                fix=_("Write in a few words what people need to know who do not see the image."),
            )


def _find_problem(alt: str) -> Translatable | None:
    if FILE_NAME.match(alt):
        return _("is a file name")
    if SAYS_IMAGE.match(alt):
        return _("starts by saying that it is an image, which a screen reader already says")
    if len(alt) > MAX_ALT:
        return _("has {count} characters, and a screen reader cannot pause in it", count=len(alt))
    return None
