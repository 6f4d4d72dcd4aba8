"""The issues whose rendered mails are tested."""

import re
from base64 import b64encode
from functools import cache
from pathlib import Path

from moza_mail import parse, render
from moza_mail.model.issue import find_images
from moza_mail.model.message import Rendered
from moza_mail.project import images as project_images
from tests.support import builders as build

SAMPLE = build.ROOT / "issues/2026-01-14.md"
FIXTURES = sorted((build.ROOT / "tests/data/issues").glob("*.md"))
SOURCES = [SAMPLE, *FIXTURES]
# The real weeklies are private. A person with access to them has a folder next to the repository.
WEEKLIES = sorted((build.ROOT.parent / "shared/weeklies").glob("20*.md"))
DATA = re.compile(r'src="data:[^"]*"')
STYLES = re.compile(r"<style.*?</style>", re.DOTALL)


@cache
def render_mail(path: Path, theme: str = "moza") -> Rendered:
    """Render the mail of an issue, with its calendar attached."""
    issue = parse.parse_issue(path.read_text(encoding="utf-8"), path.name, site_url="https://example.org")
    loaded = build.theme(theme)
    settings = project_images.ImageSettings(folder=path.parent, root=build.ROOT, column=loaded.text_width)
    return render.render_issue(
        issue,
        loaded,
        build.COLOPHON,
        zone=build.AMSTERDAM,
        calendar=True,
        images=project_images.read_images(find_images(issue), issue.source, settings),
    )


def render_page(path: Path, theme: str = "moza") -> str:
    """Return the HTML as a browser can show it, with the attached images as data URLs."""
    rendered = render_mail(path, theme).fill_with_typical_values()
    html = rendered.html
    for file in rendered.attachments:
        if file.content_id:
            inside = f"data:{file.content_type};base64,{b64encode(file.content).decode()}"
            html = html.replace(f"cid:{file.content_id}", inside)
    return html


def strip_images(html: str) -> str:
    """Return the page as a mail program without images shows it."""
    return DATA.sub('src="data:,"', html)


def strip_styles(html: str) -> str:
    """Return the mail without style blocks, as Gmail shows it for accounts of other providers."""
    return STYLES.sub("", html)
