"""Options of the test run."""

from hypothesis import HealthCheck, settings

# No test asserts a speed, and a machine may be busy with other work.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden anew; read the difference in review"
    )
