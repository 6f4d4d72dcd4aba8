"""Servers that are started once for the whole run."""

import pytest

from tests.support.postgres import cluster


@pytest.fixture(scope="session")
def postgres():
    """Start a temporary PostgreSQL server."""
    with cluster() as server:
        yield server
