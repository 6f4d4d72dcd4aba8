"""Rules on links: where they lead, what their texts say, and whether they came out whole."""

from collections.abc import Iterator

from moza_mail.check import link_markup, link_targets, link_texts
from moza_mail.check.rule import Case
from moza_mail.model.finding import Finding

RULES = (*link_markup.RULES, *link_targets.RULES, *link_texts.RULES)


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong with the links."""
    yield from link_markup.judge(case)
    yield from link_targets.judge(case)
    yield from link_texts.judge(case)
