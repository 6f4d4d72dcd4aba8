"""Read the settings that `init` needs from the repository of a Hugo website."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moza_mail.project.issue_folder import DATED, find_issue_files
from moza_mail.project.read_file import UnreadableFile, read_file

MAX_BYTES = 1_000_000
NAMES = tuple(
    f"{folder}{name}.{suffix}"
    for name in ("hugo", "config")
    for folder in ("", "config/_default/")
    for suffix in ("yaml", "yml", "toml", "json")
)
NEWSLETTER = re.compile(
    r"week|newsletter|nieuwsbrief|nieuwsbericht|mailing|digest|bulletin|rundbrief|infobrief|infolettre|lettre|update",
    re.IGNORECASE,
)
YEAR = re.compile(r"(?:19|20)\d\d")
TOKEN = re.compile(r":\w+")
PLACEHOLDERS = {
    ":slug": "{title}",
    ":title": "{title}",
    ":slugorfilename": "{slug}",
    ":slugorcontentbasename": "{slug}",
    ":filename": "{slug}",
    ":contentbasename": "{slug}",
    ":year": "{year}",
    ":month": "{month}",
    ":day": "{day}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HugoSite:
    """The website around a new project.

    url: the address of the website, empty if the settings of the site do not name it.
    issues: the folder of the newsletter's issues, relative to the project.
    page: the path of an issue's page on the site, such as `weekly/{title}/`; empty if it cannot be known.
    files: the issues that exist already.
    """

    url: str
    issues: str
    page: str
    files: tuple[Path, ...]

    def view_url(self, site: str) -> str:
        """Return the pattern for the URLs of issues on a site; empty if the pattern is not known."""
        return f"{site.rstrip('/')}/{self.page}" if self.page else ""


def find_hugo_site(root: Path, slug: str) -> HugoSite | None:
    """Read the settings of the Hugo site in a folder; return None if there is no site.

    slug: the slug of the list. It names the folder of the issues if the site has no newsletter yet.
    """
    settings = next(filter(None, (_read_settings(root / name) for name in NAMES)), None)
    if settings is None:
        return None
    lower = {str(key).lower(): value for key, value in settings.items()}
    content = str(lower.get("contentdir") or "content")
    if not (root / content).is_dir():
        return None
    section = _find_section(root, content) or slug
    files = tuple(find_issue_files(root, f"{content}/{section}"))
    url = str(lower.get("baseurl") or "")
    return HugoSite(
        url=url if url.startswith(("https://", "http://")) and "." in url else "",
        issues=f"{content}/{section}",
        page=_page_pattern(
            lower.get("permalinks"),
            section,
            has_years=any(YEAR.fullmatch(path.parent.name) for path in files),
        ),
        files=files,
    )


def _read_settings(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    import yaml

    try:
        text = read_file(path, max_bytes=MAX_BYTES).decode("utf-8-sig")
        match path.suffix:
            case ".toml":
                found = tomllib.loads(text)
            case ".json":
                found = json.loads(text)
            case _:
                found = yaml.safe_load(text)
    except (UnreadableFile, UnicodeDecodeError, ValueError, RecursionError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None


def _find_section(root: Path, content: str) -> str:
    """Return the section of the site that contains the issues.

    A section with the name of a newsletter is preferred; then the section with the most dated files.
    """
    counts = {
        folder.name: sum(
            DATED.match(_own_name(path)) is not None
            for path in find_issue_files(root, f"{content}/{folder.name}")
        )
        for folder in _subfolders(root / content)
    }
    named = [name for name in counts if NEWSLETTER.search(name)]
    candidates = named or [name for name, count in counts.items() if count]
    return max(candidates, key=lambda name: (counts[name], name), default="")


def _own_name(path: Path) -> str:
    return path.parent.name if path.name.startswith("index.") else path.name


def _subfolders(folder: Path) -> Iterator[Path]:
    yield from sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))
    )


def _page_pattern(permalinks: Any, section: str, *, has_years: bool) -> str:
    """Return the pattern for the paths of pages, with the placeholders of moza-mail.

    The result is empty if Hugo's pattern contains a placeholder that moza-mail does not have.
    """
    given = permalinks if isinstance(permalinks, dict) else {}
    pages = given.get("page") if isinstance(given.get("page"), dict) else given
    pattern = pages.get(section) if isinstance(pages, dict) else None
    if not isinstance(pattern, str):
        return f"{section}/{'{year}/' if has_years else ''}{{slug}}/"
    known = {**PLACEHOLDERS, ":section": section}
    if any(found not in known for found in TOKEN.findall(pattern)):
        return ""
    return TOKEN.sub(lambda found: known[found.group()], pattern).lstrip("/")
