"""The number of examples of property tests, by the Hypothesis profile: quick, default or full."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

FEW, FULL = 20, 1000
# No test asserts a speed, and a machine may be busy with other work.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

Case = TypeVar("Case")


def register_profiles() -> None:
    # `quick` always tries the same examples, so a new failure comes from the change and not from chance.
    settings.register_profile("quick", max_examples=FEW, derandomize=True, **COMMON)
    settings.register_profile("default", max_examples=FEW, **COMMON)
    settings.register_profile("full", max_examples=FULL, **COMMON)
    settings.load_profile("default")


def is_quick() -> bool:
    return settings.get_current_profile_name() == "quick"


def is_full() -> bool:
    return settings.get_current_profile_name() == "full"


def examples(count: int, **more: object) -> settings:
    """Return settings for `count` examples: ten times as many in `full`, and at most 20 otherwise."""
    return settings(max_examples=10 * count if is_full() else min(count, FEW), **more)


def scale(count: int, *, quick: int) -> int:
    """Return `count`, or `quick` in the quick profile, as the length of a text or the number of cases."""
    return quick if is_quick() else count


def thin_out(cases: Sequence[Case], *, quick: int) -> Sequence[Case]:
    """Return all cases. In the quick profile, return about `quick` of them, evenly spread."""
    return cases[:: max(1, len(cases) // quick)] if is_quick() else cases
