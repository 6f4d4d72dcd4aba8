"""A send keeps its threads on one processor and gives them back all processors at its end."""

import os
import threading

import pytest

from moza_mail.sending.one_processor import use_one_processor

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="this system cannot keep a thread on one processor"
)


@pytest.fixture
def other_thread():
    """Return the id of a thread that runs until the test ends."""
    finished, numbers = threading.Event(), []
    started = threading.Event()

    def wait() -> None:
        numbers.append(threading.get_native_id())
        started.set()
        finished.wait(timeout=60)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        assert started.wait(timeout=60)
        yield numbers[0]
    finally:
        finished.set()
        thread.join(timeout=60)


def test_all_threads_share_one_processor_and_may_use_all_afterwards(other_thread):
    before = os.sched_getaffinity(0)

    with use_one_processor():
        own, other = os.sched_getaffinity(0), os.sched_getaffinity(other_thread)

    assert own == other
    assert len(own) == 1
    assert own <= before
    assert os.sched_getaffinity(0) == os.sched_getaffinity(other_thread) == before


def test_all_processors_may_be_used_again_after_an_error(other_thread):
    before = os.sched_getaffinity(0)

    with pytest.raises(ZeroDivisionError), use_one_processor():
        raise ZeroDivisionError

    assert os.sched_getaffinity(other_thread) == before
