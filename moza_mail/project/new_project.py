"""Create a project folder with settings, a list, a first issue and example subscribers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.project.config import CONFIG_FILE

DATA = Path(__file__).parent / "data"
LANGUAGES = ("nl", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """The answers from which a new project is created.

    site: the URL of the website.
    slug: the slug of its list.
    days: the days of the first issue and of its two events, each as a date and in words.
    """

    title: str
    sender: Address
    sender_name: str
    site: str
    slug: str
    lang: str
    days: tuple[tuple[str, str], ...]


def make_slug(title: str) -> str:
    """Make the slug of a list from its title: `MOZa Weekly` becomes `moza-weekly`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:63] or "nieuwsbrief"


def create_project(folder: Path, new_project: NewProject) -> tuple[Path, ...]:
    """Write the files of a new project and return their paths.

    If one of the files exists already, raises ProjectError and writes nothing.
    """
    files = {folder / name: text for name, text in _fill_templates(new_project).items()}
    if existing := next((path for path in files if path.exists()), None):
        raise ProjectError(
            _("{path} exists already; nothing was written", path=str(existing)),
            hint=_("Name another folder: moza-mail init DIR"),
        )
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be written: {reason}", path=str(error.filename), reason=describe_os_error(error))
        ) from None
    return tuple(files)


def _fill_templates(new_project: NewProject) -> dict[str, str]:
    """Return the text of each file, by its path in the folder."""
    (date, day), (_first_date, first), (_second_date, second) = new_project.days
    site = new_project.site.rstrip("/") + "/"
    words = {
        "site": site,
        "yaml_title": new_project.title,
        "plain_title": new_project.title,
        "date": date,
        "day": day,
        "first": first,
        "second": second,
    }
    # JSON strings are valid TOML strings.
    quoted = {
        "site": site,
        "view": f"{site}{new_project.slug}/{{slug}}/",
        "archive": f"{site}{new_project.slug}/",
        "public": f"https://nieuwsbrief.{new_project.sender.domain}",
        "list": new_project.slug,
        "title": new_project.title,
        "lang": new_project.lang,
        "sender": str(new_project.sender),
        "name": new_project.sender_name,
        "identifier": f"{new_project.slug}.{new_project.sender.domain}",
    }
    settings = {key: json.dumps(value, ensure_ascii=False) for key, value in quoted.items()}
    lang = new_project.lang
    return {
        CONFIG_FILE: _fill_template("moza-mail.toml", settings),
        "subscribers/lists.toml": _fill_template("lists.toml", {**settings, "slug": new_project.slug}),
        "subscribers/example.csv": _fill_template("example.csv", {}),
        ".gitignore": _fill_template("gitignore", {}),
        f"issues/{date}.md": _fill_template(f"issue.{lang}.md", words),
        "README.md": _fill_template(f"README.{lang}.md", words),
    }


def _fill_template(name: str, values: Mapping[str, str]) -> str:
    return Template((DATA / f"{name}.in").read_text(encoding="utf-8")).substitute(values)
