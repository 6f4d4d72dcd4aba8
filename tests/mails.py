"""The issues that mails are proved on, and a mail of each."""

import re
from functools import cache
from pathlib import Path

from moza_mail import parse, render
from moza_mail.model.message import Rendered
from tests import builders as build

SAMPLE = build.ROOT / "issues/2026-01-14.md"
FIXTURES = sorted((build.ROOT / "tests/golden/issues").glob("*.md"))
SOURCES = [SAMPLE, *FIXTURES]
# The programme's own issues are beside the checkout of who may read them, and never in it.
WEEKLIES = sorted((build.ROOT.parent / "shared/weeklies").glob("20*.md"))
STYLES = re.compile(r"<style.*?</style>", re.DOTALL)


@cache
def mail(path: Path, theme: str = "moza") -> Rendered:
    """What a reader of the issue gets, its calendar attached."""
    issue = parse.issue(path.read_text(encoding="utf-8"), path.name, site_url="https://example.org")
    return render.issue(
        issue, build.theme(theme), build.COLOPHON, zone=build.AMSTERDAM, calendar=True, domain="example.org"
    )


def unstyled(html: str) -> str:
    """The mail where a client strips every style block, as Gmail does for accounts of others."""
    return STYLES.sub("", html)
