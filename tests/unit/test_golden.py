import pytest

from tests.support import builders as build
from tests.support.rendered_mails import SAMPLE, SOURCES, WEEKLIES, render_mail

GOLDEN = build.ROOT / "tests/golden"


def render_files(path):
    """Return the rendered issue by file ending: HTML, text, and the calendar if it has one."""
    made = render_mail(path)
    parts = {"html": made.html.replace("><", ">\n<").encode(), "txt": made.text.encode()}
    for attachment in made.attachments:
        if attachment.filename == "issue.ics":
            parts["ics"] = attachment.content
    return parts


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_rendered_issue_equals_its_golden_file(path, request):
    parts = render_files(path)
    kept = {ending: GOLDEN / f"{path.stem}.{ending}" for ending in ("html", "txt", "ics")}
    if request.config.getoption("--update-golden"):
        for ending, file in kept.items():
            file.unlink(missing_ok=True)
            if ending in parts:
                file.write_bytes(parts[ending])
    expected = {ending: file.read_bytes() for ending, file in kept.items() if file.exists()}
    assert parts.keys() == expected.keys()
    for ending, content in parts.items():
        assert content.decode().splitlines() == expected[ending].decode().splitlines()


@pytest.mark.skipif(not WEEKLIES, reason="the real weeklies are not beside this checkout")
@pytest.mark.parametrize("path", WEEKLIES, ids=lambda path: path.stem)
def test_a_real_weekly_is_small_enough_to_be_shown_completely(path):
    assert len(render_mail(path).html.encode()) < 40_000


@pytest.mark.parametrize(
    "path",
    [SAMPLE, *(path for path in WEEKLIES if path.stem == SAMPLE.stem)],
    ids=lambda path: path.parent.name,
)
def test_an_issue_of_this_length_is_at_most_30_kilobytes(path):
    assert len(render_mail(path).html.encode()) <= 30_000
