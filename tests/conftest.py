"""Options and hooks of the whole test run."""

import gc
import logging
import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.captured_output import LOGGER_NAME, OutputRecorder, find_unmasked
from tests.support.examples import register_profiles

register_profiles()

# Messages are compared in English, whatever language the machine speaks.
for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
    os.environ.pop(name, None)
os.environ["LANG"] = "C.UTF-8"


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden again; read the difference in review"
    )


def pytest_xdist_auto_num_workers(config):
    """Return two processes more than there are cores, because tests wait for relays, disks and browsers.

    In the profile `quick`, return the number of cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if config.getoption("hypothesis_profile", None) == "quick" else cores + 2


RECORDER = OutputRecorder()


def pytest_configure():
    gc.set_threshold(100_000, 20, 20)
    # A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP. Child processes would inherit the ignored
    # signals.
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)
    logging.getLogger().addHandler(RECORDER)
    own = logging.getLogger(LOGGER_NAME)
    own.addHandler(RECORDER)
    own.setLevel(logging.INFO)
    own.propagate = False


def pytest_collection_finish():
    # Imported modules stay until the end. Searching them for garbage would take a tenth of the run.
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def output_recorder() -> Iterator[OutputRecorder]:
    """Record the output that may end in a log; at the end of the run, fail if it contains an unmasked address."""
    yield RECORDER
    assert find_unmasked(RECORDER.texts) == {}
