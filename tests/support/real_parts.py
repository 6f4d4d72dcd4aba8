"""Skip or fail tests that need a program, such as a mail server, that is not installed."""

import os

import pytest


def require(name: str, present: bool, why: str) -> None:
    """Skip the test if a program is missing, or fail it if MOZA_MAIL_TEST_REQUIRE names the program.

    why: the reason that a skipped test shows.
    """
    if present:
        return
    if name in os.environ.get("MOZA_MAIL_TEST_REQUIRE", "").replace(" ", "").split(","):
        pytest.fail(f"{name} is required here: {why}")
    pytest.skip(why)
