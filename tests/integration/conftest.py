"""The servers that last a whole run."""

import pytest

from tests.support.postgres import cluster


@pytest.fixture(scope="session")
def postgres():
    """A throw-away PostgreSQL server."""
    with cluster() as server:
        yield server
