"""How many examples a property is tried on, by the Hypothesis profile: quick, default or full."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

QUICK, FULL = 20, 1000
# No test asserts a speed, and a machine may be busy with other work.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

Case = TypeVar("Case")


def register_profiles() -> None:
    # The same examples each time in `quick`, so that it fails for whoever broke something and for nobody else.
    settings.register_profile("quick", max_examples=QUICK, derandomize=True, **COMMON)
    settings.register_profile("default", max_examples=100, **COMMON)
    settings.register_profile("full", max_examples=FULL, **COMMON)
    settings.load_profile("default")


def is_quick() -> bool:
    return settings.default.max_examples == QUICK


def is_full() -> bool:
    return settings.default.max_examples == FULL


def examples(count: int, **more: object) -> settings:
    """Settings for a property tried on `count` examples: at most 20 in `quick`, ten times as many in `full`."""
    return settings(
        max_examples=scale(count * settings.default.max_examples // 100, quick=min(count, QUICK)), **more
    )


def scale(count: int, *, quick: int) -> int:
    """How long a long text is, or how many cases are drawn; less in the `quick` profile."""
    return quick if is_quick() else count


def thin_out(cases: Sequence[Case], *, quick: int) -> Sequence[Case]:
    """Every case; in the `quick` profile so many of them, evenly spread."""
    return cases[:: max(1, len(cases) // quick)] if is_quick() else cases
