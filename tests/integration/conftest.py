"""Servers that are started once for the whole run, and pages of few rows."""

import sys

import pytest

from moza_mail.store import store
from tests.support.postgres import cluster


@pytest.fixture(scope="session")
def postgres():
    """Start a temporary PostgreSQL server."""
    with cluster() as server:
        yield server


@pytest.fixture
def small_pages(monkeypatch):
    """Read pages of 100 rows instead of 1,000, so that a test of several pages needs fewer rows."""
    modules = [module for name, module in sys.modules.items() if name.startswith(store.__package__)]
    for module in modules:
        if hasattr(module, "PAGE"):
            monkeypatch.setattr(module, "PAGE", 100)
