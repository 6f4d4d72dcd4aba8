"""Real parts that a test runs against, and what happens where one is missing."""

import os

import pytest


def require(name: str, present: bool, why: str) -> None:
    """Return when the part is there; skip the test when not, or fail it when MOZA_MAIL_TEST_REQUIRE names the part."""
    if present:
        return
    if name in os.environ.get("MOZA_MAIL_TEST_REQUIRE", "").replace(" ", "").split(","):
        pytest.fail(f"{name} is required here: {why}")
    pytest.skip(why)
