"""Options of the test run."""

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
        "--update-golden", action="store_true", help="write tests/golden anew; read the difference in review"
    )


def pytest_xdist_auto_num_workers(config):
    """One process more than there are cores, for tests wait for relays, disks and browsers; those of `quick` do not."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if config.getoption("hypothesis_profile", None) == "quick" else cores + 1


EAR = OutputRecorder()


def pytest_configure():
    # A shell starts what runs in the background deaf to Ctrl-C, and every process of a test would inherit that.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.getLogger().addHandler(EAR)
    own = logging.getLogger(LOGGER_NAME)
    own.addHandler(EAR)
    own.setLevel(logging.INFO)
    own.propagate = False


def pytest_collection_finish():
    # What was imported stays to the end. Looking through it for garbage, time and again, takes a tenth of the run.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def output_recorder() -> Iterator[OutputRecorder]:
    """What the run has said so far where it may end in a log. When the run ends no address may stand in it unmasked."""
    yield EAR
    assert find_unmasked(EAR.texts) == {}
