"""Options of the test run."""

import logging

import pytest
from hypothesis import HealthCheck, settings

from tests.heard import NAME, Ear

# No test asserts a speed, and a machine may be busy with other work.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden anew; read the difference in review"
    )


EAR = Ear()
LAST = "test_no_address_in_logs.py"


def pytest_configure():
    logging.getLogger().addHandler(EAR)
    own = logging.getLogger(NAME)
    own.addHandler(EAR)
    own.setLevel(logging.INFO)
    own.propagate = False


def pytest_collection_modifyitems(items):
    """What looks at all that the others have said comes last."""
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.fixture(scope="session")
def ear() -> Ear:
    """What the run has said so far where it may end in a log."""
    return EAR
