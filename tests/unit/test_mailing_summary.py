"""A summary of a mailing must add up."""

import pytest

from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.summary import DomainSummary, MailingSummary

NONE = dict.fromkeys(DeliveryState, 0)
STATES = {**NONE, DeliveryState.ACCEPTED: 5, DeliveryState.SKIPPED: 2}
HERE = DomainSummary(domain="a.example", states={DeliveryState.ACCEPTED: 4}, reports={BounceKind.HARD: 1})
THERE = DomainSummary(domain="b.example", states={DeliveryState.ACCEPTED: 1, DeliveryState.SKIPPED: 2})


def made(**changed) -> MailingSummary:
    fields = {
        "audience": 7,
        "states": STATES,
        "skipped": {(SkipReason.UNSUBSCRIBED, ""): 2},
        "reports": {BounceKind.HARD: 1},
        "unsubscribed": 0,
        "suppressed": 0,
        "domains": (THERE, HERE),
    }
    return MailingSummary(**{**fields, **changed})


def test_the_largest_domains_come_first_and_the_others_are_one_row():
    largest, others = made().largest_domains(1)
    assert (largest, others.domain, others.audience) == ([HERE], "1 other domains", 3)
    assert made().largest_domains(2) == ([HERE, THERE], None)


@pytest.mark.parametrize(
    "changed",
    [
        {"audience": 8},
        {"skipped": {(SkipReason.UNSUBSCRIBED, ""): 1}},
        {"domains": (HERE,)},
        {"reports": {BounceKind.HARD: 2}},
    ],
)
def test_counts_that_do_not_add_up_are_refused(changed):
    with pytest.raises(ValueError, match="do not add up"):
        made(**changed)
