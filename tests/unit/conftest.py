"""Holds the tests of this folder to what they promise: no process, no socket, no database."""

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


# A hook can never be taken away again (PEP 578), so it is on while a test of this folder runs, and off for all others.
sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def no_real_parts() -> Iterator[None]:
    _guarded[0] = True
    yield
    _guarded[0] = False
