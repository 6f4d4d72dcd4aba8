"""How hard the text is to read: Flesch-Douma for Dutch, Flesch for English, with the hardest sentences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from moza_mail.check import syllables
from moza_mail.check.passages import PlainText
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity

READING_LEVEL = Rule(name="reading-level", category=RuleCategory.CONTENT, severity=Severity.INFO)
HARD_SENTENCE = Rule(name="hard-sentence", category=RuleCategory.CONTENT, severity=Severity.INFO)

RULES = (READING_LEVEL, HARD_SENTENCE)

# W.H. Douma, De leesbaarheid van landbouwbladen (1960); R. Flesch, A new readability yardstick (1948). Each is: the score of
# no text at all, then what it loses by a syllable a word and by a word a sentence.
FORMULAS = {"nl": (206.84, 77.0, 0.93), "en": (206.835, 84.6, 1.015)}
NAMES = {"nl": "Flesch-Douma", "en": "Flesch"}
# Flesch's scale: 60 to 70 is plain language, below 50 asks for an education.
PLAIN = 60
SCALE = ((50, _("fairly hard")), (30, _("hard")), (float("-inf"), _("very hard")))
# Fewer words say nothing about a text.
FEWEST_WORDS = 100
SHOWN = 3
LONG_SENTENCE = 25

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
# A point ends a sentence before a capital, a digit or a quote, and not behind an abbreviation.
END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[\"'“‘(]*[A-ZÀ-Ý0-9\ufffc])")
ABBREVIATED = re.compile(
    r"(?:\b(?:[a-z]\.){1,}|\b(?:bijv|bv|ca|dr|drs|mr|ir|prof|ing|nr|art|blz|incl|excl|enz|resp|evt|max|min|jl|vs|Mr|Mrs|Dr|St)\.)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence, its line, and what the formulas ask of it."""

    text: str
    line: int
    words: int
    syllables: int


def judge(case: CheckContext) -> Iterator[Finding]:
    """The level of the whole, when it is harder than plain language, and the hardest sentences with their lines."""
    lang = case.issue.lang.partition("-")[0].lower()
    if lang not in FORMULAS:
        return
    found = [each for passage in case.texts if passage.is_prose for each in sentences(passage, lang)]
    words = sum(each.words for each in found)
    if words < FEWEST_WORDS:
        return
    reached = level(found, lang)
    if reached < PLAIN:
        yield _whole(case, found, reached, lang)
    long = [each for each in found if each.words > LONG_SENTENCE and level([each], lang) < PLAIN]
    for each in sorted(long, key=lambda each: level([each], lang))[:SHOWN]:
        yield HARD_SENTENCE.report(
            case,
            each.line,
            _(
                "a sentence of {words} words is hard to read: {text}",
                words=each.words,
                text=_shown(each.text),
            ),
            fix=_("Make two or three sentences of it."),
        )


def sentences(passage: PlainText, lang: str) -> Iterator[Sentence]:
    """Divide a passage in its sentences."""
    start = 0
    ends = [
        found for found in END.finditer(passage.text) if not _is_abbreviation(passage.text, found.start())
    ]
    for stop, after in [*((found.start(), found.end()) for found in ends), (len(passage.text),) * 2]:
        text = passage.text[start:stop]
        if words := WORD.findall(text):
            yield Sentence(
                text=" ".join(text.split()),
                line=passage.line_at(start),
                words=len(words),
                syllables=sum(syllables.count(word, lang) for word in words),
            )
        start = after


def _is_abbreviation(text: str, stop: int) -> bool:
    return bool(ABBREVIATED.search(text[max(stop - 12, 0) : stop]))


def level(found: list[Sentence], lang: str) -> float:
    """The score of some sentences: 100 is very easy, 0 very hard."""
    base, by_syllable, by_word = FORMULAS[lang]
    words = sum(each.words for each in found)
    return base - by_syllable * sum(each.syllables for each in found) / words - by_word * words / len(found)


def _whole(case: CheckContext, found: list[Sentence], reached: float, lang: str) -> Finding:
    words = sum(each.words for each in found)
    spoken = sum(each.syllables for each in found)
    called = next(name for floor, name in SCALE if reached >= floor)
    return READING_LEVEL.report(
        case,
        0,
        _(
            "the text is {called} to read: {reached:.0f} by {formula}, where {plain} is plain language ({words:.0f} words a sentence, {syllables:.2f} syllables a word)",
            called=called,
            reached=reached,
            formula=NAMES[lang],
            plain=PLAIN,
            words=words / len(found),
            syllables=spoken / words,
        ),
        fix=_("Shorten the longest sentences first, then look for shorter words."),
    )


def _shown(text: str) -> str:
    return f"'{text}'" if len(text) <= 80 else f"'{text[:77].rstrip()}...'"
