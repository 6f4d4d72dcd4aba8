"""A new project folder: its settings, one list, a first issue, invented readers and a page that says what is what."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from moza_mail.errors import ProjectError
from moza_mail.model.address import Address
from moza_mail.project.config import CONFIG_FILE

DATA = Path(__file__).parent / "data"
LANGUAGES = ("nl", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What a new newsletter is called and comes from; `site` is its website and `slug` the name of its list.

    `days` are those of the first issue and of its two events, each as a date and in words.
    """

    title: str
    sender: Address
    sender_name: str
    site: str
    slug: str
    lang: str
    days: tuple[tuple[str, str], ...]


def make_slug(title: str) -> str:
    """A list's name from its title: `MOZa Weekly` is `moza-weekly`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:63] or "nieuwsbrief"


def create_project(folder: Path, starter: NewProject) -> tuple[Path, ...]:
    """Write the files of a new project, and give their paths; raise ProjectError, with nothing written, when one is there."""
    made = {folder / name: text for name, text in _files(starter).items()}
    if there := next((path for path in made if path.exists()), None):
        raise ProjectError(
            f"{there} is there already, and nothing was written",
            hint="Name another folder: moza-mail init DIR",
        )
    try:
        for path, text in made.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise ProjectError(f"{error.filename} cannot be written: {error.strerror}") from None
    return tuple(made)


def _files(starter: NewProject) -> dict[str, str]:
    (date, day), (_, first), (_, second) = starter.days
    site = starter.site.rstrip("/") + "/"
    words = {
        "site": site,
        "yaml_title": starter.title,
        "plain_title": starter.title,
        "date": date,
        "day": day,
        "first": first,
        "second": second,
    }
    # JSON's strings are TOML's too.
    quoted = {
        "site": site,
        "view": f"{site}{starter.slug}/{{slug}}/",
        "archive": f"{site}{starter.slug}/",
        "public": f"https://nieuwsbrief.{starter.sender.domain}",
        "list": starter.slug,
        "title": starter.title,
        "lang": starter.lang,
        "sender": str(starter.sender),
        "name": starter.sender_name,
        "identifier": f"{starter.slug}.{starter.sender.domain}",
    }
    settings = {key: json.dumps(value, ensure_ascii=False) for key, value in quoted.items()}
    lang = starter.lang
    return {
        CONFIG_FILE: _filled("moza-mail.toml", settings),
        "subscribers/lists.toml": _filled("lists.toml", {**settings, "slug": starter.slug}),
        "subscribers/example.csv": _filled("example.csv", {}),
        ".gitignore": _filled("gitignore", {}),
        f"issues/{date}.md": _filled(f"issue.{lang}.md", words),
        "README.md": _filled(f"README.{lang}.md", words),
    }


def _filled(name: str, values: Mapping[str, str]) -> str:
    return Template((DATA / f"{name}.in").read_text(encoding="utf-8")).substitute(values)
