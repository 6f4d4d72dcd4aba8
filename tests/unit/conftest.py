"""Fail a unit test that starts a process or opens a socket or a database."""

import sys
from collections.abc import Iterator

import pytest

FORBIDDEN = {
    "os.fork",
    "os.posix_spawn",
    "socket.bind",
    "socket.connect",
    "sqlite3.connect",
    "subprocess.Popen",
}
_guarded = [False]


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if _guarded[0] and event in FORBIDDEN:
        raise AssertionError(f"a unit test may not use {event}: move the test to tests/integration")


# An audit hook cannot be removed (PEP 578), so a flag enables it only while a test of this folder runs.
sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def no_real_parts() -> Iterator[None]:
    _guarded[0] = True
    yield
    _guarded[0] = False
