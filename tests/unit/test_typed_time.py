import pytest

from moza_mail.app.typed_time import parse_typed_time
from tests.support.project_folder import folder


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01", "2026-12-01T00:00:00"),
        ("01-12-2026", "2026-12-01T00:00:00"),
        ("1-12-2026 07:00", "2026-12-01T07:00:00"),
        ("2026-12-01 07:00", "2026-12-01T07:00:00"),
        ("2026-12-01T07:00Z", "2026-12-01T07:00:00+00:00"),
        ("1 januari 2027", None),
        ("1-13-2026", None),
        ("", None),
    ],
)
def test_a_typed_day_or_time_is_read_as_dutch_or_iso(text, moment):
    found = parse_typed_time(text)
    assert (found and found.isoformat()) == moment


@pytest.mark.parametrize(
    "command",
    [
        ("new", "--date"),
        ("settle", "--assume-sent-until"),
        ("subscribers", "unsuppress", "--since"),
        ("privacy", "audit", "--since"),
    ],
)
def test_an_unreadable_time_is_refused_with_an_example(tmp_path, command):
    refused = folder(tmp_path).run(*command, "1 januari 2027")
    assert (refused.code, "write a day such as 2026-01-14" in refused.err) == (2, True)
