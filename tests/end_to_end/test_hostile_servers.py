"""Both web servers under hostile requests: no server error, no traceback in the log, and both keep running."""

import pytest

from benchmarks.hostile_requests import attack_project, editor, public_pages


@pytest.mark.parametrize("serve", [public_pages, editor], ids=["serve", "editor"])
def test_no_request_is_a_server_error_and_the_log_has_no_traceback(tmp_path, serve):
    found = attack_project(tmp_path, serve, 250, seed=12)
    assert found.answers.server_errors == []
    assert (found.tracebacks, found.is_running) == (0, True)
    assert found.answers.statuses.total() == 250
    assert len(found.answers.statuses) > 6
