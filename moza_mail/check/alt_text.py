"""Rules on the alternative texts of images (WCAG 2.2, 1.1.1).

Whether one says what its image shows, and whether an image shows text, is for a human.
"""

import re
from collections.abc import Iterator

from moza_mail.check import html_tree
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity

ALT = Rule(name="alt", category=RuleCategory.ACCESSIBILITY, severity=Severity.ERROR)
ALT_WORDING = Rule(name="alt-wording", category=RuleCategory.ACCESSIBILITY, severity=Severity.WARNING)

RULES = (ALT, ALT_WORDING)

FILE = re.compile(
    r"^\S+\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?)$|^(?:img|dsc|image|screenshot)[-_ ]?\d+$", re.IGNORECASE
)
SAYS_IMAGE = re.compile(
    r"^(?:(?:an?\s)?(?:image|picture|graphic) of|(?:een\s)?(?:afbeelding|plaatje) van)\b", re.IGNORECASE
)
LONGEST_ALT = 150


def judge(case: CheckContext) -> Iterator[Finding]:
    """What a reader who does not see an image misses."""
    for image in case.tree.iter("img", "area"):
        alt, src = image.get("alt"), image.get("src", image.get("href", ""))
        if alt is None and not image.get("aria-label"):
            yield ALT.report(
                case,
                html_tree.line_of(case, src),
                _("the image {image} has no alternative text", image=html_tree.shown(src)),
                fix=_('Say what it shows: `![what it shows](file.png)`; alt="" when it is decoration.'),
            )
            continue
        said = html_tree.words(alt)
        wrong = _wrong_alt(said)
        if wrong:
            yield ALT_WORDING.report(
                case,
                html_tree.line_of(case, f"![{said}]", said),
                _("the alternative text {text} {wrong}", text=html_tree.shown(said), wrong=wrong),
                fix=_("Say in a few words what a reader who does not see the image should know."),
            )


def _wrong_alt(said: str) -> Translatable | None:
    if FILE.match(said):
        return _("is a file name")
    if SAYS_IMAGE.match(said):
        return _("begins by saying that it is an image, which a screen reader says by itself")
    if len(said) > LONGEST_ALT:
        return _("is {count} characters long, and a screen reader cannot pause in it", count=len(said))
    return None
