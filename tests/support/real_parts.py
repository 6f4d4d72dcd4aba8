"""Skip or fail tests whose real counterpart, such as a mail server, is not installed."""

import os

import pytest


def require(name: str, present: bool, why: str) -> None:
    """Skip the test if the part is missing, or fail it if MOZA_MAIL_TEST_REQUIRE names the part."""
    if present:
        return
    if name in os.environ.get("MOZA_MAIL_TEST_REQUIRE", "").replace(" ", "").split(","):
        pytest.fail(f"{name} is required here: {why}")
    pytest.skip(why)
