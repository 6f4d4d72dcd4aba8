"""How many examples a property is tried on, by the Hypothesis profile: quick, default or full."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

QUICK = 20
# No test asserts a speed, and a machine may be busy with other work.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

Case = TypeVar("Case")


def register_profiles() -> None:
    # The same examples each time in `quick`, so that it fails for whoever broke something and for nobody else.
    settings.register_profile("quick", max_examples=QUICK, derandomize=True, **COMMON)
    settings.register_profile("default", max_examples=100, **COMMON)
    settings.register_profile("full", max_examples=1000, **COMMON)
    settings.load_profile("default")


def is_quick() -> bool:
    return settings.default.max_examples == QUICK


def examples(count: int, **more: object) -> settings:
    """Settings for a property that is tried on `count` examples by default: 20 at most in `quick`, ten times as many in `full`."""
    most = QUICK if is_quick() else count * settings.default.max_examples // 100
    return settings(max_examples=min(count, most) if is_quick() else most, **more)


def thinned(cases: Sequence[Case], *, quick: int) -> Sequence[Case]:
    """Every case; in the `quick` profile so many of them, evenly spread."""
    return cases[:: max(1, len(cases) // quick)] if is_quick() else cases
