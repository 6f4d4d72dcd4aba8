"""Check the words: repeated words, invisible characters, and markup that is shown as text."""

import re
from collections.abc import Iterator

from moza_mail.check.passages import PlainText
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.markdown_repair import find_repairs

DOUBLED_WORD = Rule(name="repeated-word", category=RuleCategory.CONTENT, severity=Severity.WARNING)
HIDDEN_CHARACTER = Rule(name="hidden-character", category=RuleCategory.CONTENT, severity=Severity.WARNING)
RAW_HTML = Rule(name="raw-html", category=RuleCategory.CONTENT, severity=Severity.ERROR)
RAW_MARKDOWN = Rule(name="raw-markdown", category=RuleCategory.CONTENT, severity=Severity.WARNING)

UNREAD_BULLET = Rule(name="unread-bullet", category=RuleCategory.CONTENT, severity=Severity.WARNING)
NO_BREAK_SPACE = Rule(name="no-break-space", category=RuleCategory.CONTENT, severity=Severity.INFO)

RULES = (DOUBLED_WORD, HIDDEN_CHARACTER, RAW_HTML, RAW_MARKDOWN, UNREAD_BULLET, NO_BREAK_SPACE)

REPEATED_WORD = re.compile(r"(?<![\w-])([^\W\d_]+)[ \t\n\u00a0]+\1(?![\w'’-])", re.IGNORECASE)
# Short words that are never correct twice in a row. Other words can be (`dat dat`, `het het`, `je je`, `in in`, `via via`),
# and so can verbs (`wat gevraagd wordt wordt gemaakt`).
NEVER_TWICE = {
    lang: frozenset(words.split())
    for lang, words in {
        "nl": "de een en van naar te met ook niet omdat zodat tussen tijdens zonder volgens vanuit we ik hij onze wel maar",
        "en": "the a an and of from with at our your my their not but because between during without",
    }.items()
}
MIN_LONG_WORD = 6
VERB_ENDING = re.compile(r"(?:en|[dt]e?n?)$")

HIDDEN_CHARACTER_NAMES = {
    "\u00ad": _("a soft hyphen"),
    "¬": _("a ¬"),
    "\u200b": _("a zero-width space"),
    "\u2060": _("a word joiner"),
    "\ufeff": _("a byte order mark"),
}
HIDDEN_IN_WORD = re.compile(rf"(?<=[^\W\d_])(?P<sign>[{''.join(HIDDEN_CHARACTER_NAMES)}])+(?=[^\W\d_])")
WORD_BEFORE, WORD_AFTER = re.compile(r"\w{1,40}\Z"), re.compile(r"\w{1,40}")

HTML_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|shy|[aeiou](?:uml|acute|grave|circ)|#\d+|#x[\da-f]+);", re.IGNORECASE
)
MARKDOWN_CODE = re.compile(
    r"\*\*|~~|(?<!\w)__(?=\w)|(?<=\w)__(?!\w)|\A#{2,6}(?=\w)|\[\^[^\[\]\s]{1,40}\]|\A\[[ xX]\](?=[ \n])"
    r"|(?<![=\w])==(?=[^\s=])[^=\n]{0,80}[^\s=]==(?![=\w])|(?i:\A\[\[?_?toc_?\]?\]\Z)"
)


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield the problems of the wording."""
    for passage in context.texts:
        yield from _check_doubled_words(context, passage)
        yield from _check_hidden_characters(context, passage)
        yield from _check_markup(context, passage)
    yield from _check_repairs(context)


def _check_repairs(context: CheckContext) -> Iterator[Finding]:
    """Report bullets that Markdown does not recognise, and needless no-break spaces."""
    fix = _("Run `moza-mail check {source} --fix`, which repairs it.", source=context.issue.source)
    for repair in find_repairs(context.text.split("\n")):
        quoted = " ".join(repair.before.split())[:40]
        if repair.is_bullet:
            message = _("{quoted!r} does not begin an item of a list or a heading", quoted=quoted)
            yield UNREAD_BULLET.report(context, repair.row + 1, message, fix=fix)
        else:
            message = _("{quoted!r} has a no-break space that keeps words together", quoted=quoted)
            yield NO_BREAK_SPACE.report(context, repair.row + 1, message, fix=fix)


def _check_doubled_words(context: CheckContext, passage: PlainText) -> Iterator[Finding]:
    for found in REPEATED_WORD.finditer(passage.text):
        word = found[1]
        if _is_never_twice(word, context.issue.lang):
            yield DOUBLED_WORD.report(
                context,
                passage.line_at(found.start()),
                _("{words!r} repeats a word", words=" ".join(found.group().split())),
                fix=_("Remove one {word!r}.", word=word),
            )


def _is_never_twice(word: str, lang: str) -> bool:
    if word.casefold() in NEVER_TWICE.get(lang.partition("-")[0].lower(), ()):
        return True
    return len(word) >= MIN_LONG_WORD and word.islower() and not VERB_ENDING.search(word)


def _check_hidden_characters(context: CheckContext, passage: PlainText) -> Iterator[Finding]:
    for found in HIDDEN_IN_WORD.finditer(passage.text):
        character, text = found["sign"], passage.text
        before = WORD_BEFORE.search(text[max(found.start() - 40, 0) : found.start()])
        behind = WORD_AFTER.match(text, found.end())
        word = "".join(part.group() for part in (before, behind) if part)
        yield HIDDEN_CHARACTER.report(
            context,
            passage.line_at(found.start()),
            _(
                "{character} (U+{code:04X}) is inside the word {word!r}",
                character=HIDDEN_CHARACTER_NAMES[character],
                code=ord(character),
                word=word,
            ),
            fix=_("Type the word again. The character comes from the program that the text was copied from."),
        )


def _check_markup(context: CheckContext, passage: PlainText) -> Iterator[Finding]:
    for found in HTML_ENTITY.finditer(passage.text):
        yield RAW_HTML.report(
            context,
            passage.line_at(found.start()),
            _("{text!r} is HTML, and recipients would see it as typed", text=found.group()[:60]),
            fix=_(
                "Remove it, or write it in Markdown. If recipients should see it, put it between backticks."
            ),
        )
    if left := MARKDOWN_CODE.search(passage.text):
        quoted = passage.text[left.start() : left.start() + 30].split("\n")[0]
        yield RAW_MARKDOWN.report(
            context,
            passage.line_at(left.start()),
            _(
                "recipients would see the {character} in {quoted!r} as typed",
                quoted=quoted,
                character=left.group(),
            ),
            fix=_markdown_fix(left.group()),
        )


def _markdown_fix(sign: str) -> Translatable:
    if sign.startswith("[^"):
        return _("Write the note below the text, on a line of its own: `[^1]: the note`.")
    if sign.lower().strip("[_]") == "toc":
        return _("Remove it: the theme lists what is in the issue.")
    if sign.startswith("=="):
        return _("Write it bold: `**text**`. Mail programs do not show a highlight.")
    if sign.startswith("["):
        return _("Make it an item of a list: `- [x] done`.")
    return _(
        "Close it without a space inside (`**bold**`), put a space after the # of a heading, or remove it."
    )
