"""Check how hard the text is to read: Flesch-Douma for Dutch, Flesch for English."""

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

# The base score, the points lost for each syllable per word, and the points lost for each word per sentence. Sources:
# W.H. Douma, De leesbaarheid van landbouwbladen (1960); R. Flesch, A new readability yardstick (1948).
FLESCH_FACTORS = {"nl": (206.84, 77.0, 0.93), "en": (206.835, 84.6, 1.015)}
FORMULA_NAMES = {"nl": "Flesch-Douma", "en": "Flesch"}
# On Flesch's scale, 60 to 70 is plain language, and below 50 a reader needs a higher education.
PLAIN_LANGUAGE = 60
LEVEL_NAMES = ((50, _("fairly hard")), (30, _("hard")), (float("-inf"), _("very hard")))
# Shorter texts give no reliable score.
MIN_WORDS = 100
MAX_SENTENCES = 3
MAX_WORDS = 25

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
# A full stop ends a sentence if a capital, digit or quote follows, unless it belongs to an abbreviation.
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[\"'“‘(]*[A-ZÀ-Ý0-9\ufffc])")
ABBREVIATION = re.compile(
    r"(?:\b(?:[a-z]\.){1,}|\b(?:bijv|bv|ca|dr|drs|mr|ir|prof|ing|nr|art|blz|incl|excl|enz|resp|evt|max|min|jl|vs|Mr|Mrs|Dr|St)\.)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence, with its counts for the readability formulas."""

    text: str
    line: int
    words: int
    syllables: int


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding if the issue is not in plain language, and one for each hard sentence.

    Only the hardest of the long sentences are reported.
    """
    lang = context.issue.lang.partition("-")[0].lower()
    if lang not in FLESCH_FACTORS:
        return
    found = [each for passage in context.texts if passage.is_prose for each in split_sentences(passage, lang)]
    words = sum(each.words for each in found)
    if words < MIN_WORDS:
        return
    reached = flesch_score(found, lang)
    if reached < PLAIN_LANGUAGE:
        yield _report_level(context, found, reached, lang)
    long = [each for each in found if each.words > MAX_WORDS and flesch_score([each], lang) < PLAIN_LANGUAGE]
    for each in sorted(long, key=lambda each: flesch_score([each], lang))[:MAX_SENTENCES]:
        yield HARD_SENTENCE.report(
            context,
            each.line,
            _(
                "a sentence of {words} words is hard to read: {text}",
                words=each.words,
                text=_quote(each.text),
            ),
            fix=_("Split it into two or three sentences."),
        )


def split_sentences(passage: PlainText, lang: str) -> Iterator[Sentence]:
    """Split a passage into sentences."""
    start = 0
    ends = [
        found
        for found in SENTENCE_END.finditer(passage.text)
        if not _is_abbreviation(passage.text, found.start())
    ]
    for stop, after in [*((found.start(), found.end()) for found in ends), (len(passage.text),) * 2]:
        text = passage.text[start:stop]
        if words := WORD.findall(text):
            yield Sentence(
                text=" ".join(text.split()),
                line=passage.line_at(start),
                words=len(words),
                syllables=sum(syllables.count_syllables(word, lang) for word in words),
            )
        start = after


def _is_abbreviation(text: str, stop: int) -> bool:
    return bool(ABBREVIATION.search(text[max(stop - 12, 0) : stop]))


def flesch_score(sentences: list[Sentence], lang: str) -> float:
    """Return the score of the sentences: 100 is very easy, 0 is very hard."""
    base, by_syllable, by_word = FLESCH_FACTORS[lang]
    words = sum(each.words for each in sentences)
    return (
        base
        - by_syllable * sum(each.syllables for each in sentences) / words
        - by_word * words / len(sentences)
    )


def _report_level(context: CheckContext, sentences: list[Sentence], score: float, lang: str) -> Finding:
    words = sum(each.words for each in sentences)
    syllable_count = sum(each.syllables for each in sentences)
    level = next(name for floor, name in LEVEL_NAMES if score >= floor)
    return READING_LEVEL.report(
        context,
        0,
        _(
            "the text is {level} to read: {score:.0f} by {formula}, and plain language starts at {plain} ({words:.0f} words per sentence, {syllables:.2f} syllables per word)",
            level=level,
            score=score,
            formula=FORMULA_NAMES[lang],
            plain=PLAIN_LANGUAGE,
            words=words / len(sentences),
            syllables=syllable_count / words,
        ),
        fix=_("Shorten the longest sentences first, then look for shorter words."),
    )


def _quote(text: str) -> str:
    return f"'{text}'" if len(text) <= 80 else f"'{text[:77].rstrip()}...'"
