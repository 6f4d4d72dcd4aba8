import pytest

from moza_mail import parse, render
from tests import builders as build

GOLDEN = build.ROOT / "tests/golden"
SOURCES = [build.ROOT / "issues/2026-01-14.md", *sorted((GOLDEN / "issues").glob("*.md"))]
WEEKLIES = sorted((build.ROOT.parent / "shared/weeklies").glob("20*.md"))


def dressed(path):
    """What a reader of the issue gets, by file ending: HTML, text, and the calendar when it has one."""
    issue = parse.issue(path.read_text(encoding="utf-8"), path.name, site_url="https://example.org")
    mail = render.issue(
        issue, build.theme(), build.COLOPHON, zone=build.AMSTERDAM, calendar=True, domain="example.org"
    )
    parts = {"html": mail.html.replace("><", ">\n<").encode(), "txt": mail.text.encode()}
    for attachment in mail.attachments:
        parts["ics"] = attachment.content
    return parts


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_an_issue_looks_as_it_did_when_last_read_in_review(path, request):
    parts = dressed(path)
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
def test_a_real_weekly_stays_small_enough_to_be_shown_whole(path):
    assert len(dressed(path)["html"]) < 40_000


def test_the_sample_issue_is_at_most_30_kilobytes():
    issue = parse.issue(SOURCES[0].read_text(encoding="utf-8"), SOURCES[0].name)
    assert (
        len(render.issue(issue, build.theme(), build.COLOPHON, zone=build.AMSTERDAM).html.encode()) <= 30_000
    )
