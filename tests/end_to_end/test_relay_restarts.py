"""`serve` while its relay is restarted: each newcomer gets one mail, or is listed as uncertain, and nobody gets two."""

import random

from benchmarks.relay_restarts import LIMIT, restart_relay


def test_every_newcomer_gets_one_confirmation_mail_or_is_listed_as_uncertain(tmp_path):
    found = restart_relay(tmp_path, 3, random.Random(7))
    assert (found.lost, found.repeated) == ([], [])
    assert len(found.addresses) >= 6
    assert found.seconds < LIMIT
    assert found.uncertain <= set(found.addresses)
