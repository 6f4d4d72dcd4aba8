"""Create a project folder with settings, a list, a first issue and example subscribers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.theme import DEFAULT_WIDTH
from moza_mail.project.config import CONFIG_FILE
from moza_mail.project.hugo_site import HugoSite
from moza_mail.project.read_file import UnreadableFile, read_file

DATA = Path(__file__).parent / "data"
LANGUAGES = ("nl", "en")
THEME = "templates/default"
DEFAULT_COLOUR = "#0f5c8c"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """The answers from which a new project is created.

    site: the URL of the website.
    slug: the slug of the project's list.
    days: the day of the first issue, and of the two events in the issue. Each day is a date and its text in words.
    colour: the colour of the mails, empty for the colour of the theme `default`.
    logo: the file of the image above the title, None if there is none.
    hugo: the website in whose repository the project is created; None for a folder of its own.
    """

    title: str
    sender: Address
    sender_name: str
    site: str
    slug: str
    lang: str
    days: tuple[tuple[str, str], ...]
    colour: str = ""
    logo: Path | None = None
    hugo: HugoSite | None = None

    @property
    def issues(self) -> str:
        """The folder of the issues."""
        return self.hugo.issues if self.hugo else "issues"

    @property
    def view_url(self) -> str:
        """The URL pattern of an issue's page on the website."""
        site = f"{self.site.rstrip('/')}/"
        return (self.hugo.view_url(site) if self.hugo else "") or f"{site}{self.slug}/{{slug}}/"


def create_project(folder: Path, new_project: NewProject) -> tuple[Path, ...]:
    """Write the files of a new project and return their paths.

    If one of the files exists already, raises ProjectError and writes nothing. In the repository of a website the lines of
    .gitignore are added to the existing file.
    """
    templates = _fill_templates(new_project)
    ignored = templates.pop(".gitignore")
    files = {folder / name: text.encode() for name, text in templates.items()}
    files |= {folder / THEME / name: content for name, content in _make_theme(new_project).items()}
    if existing := next((path for path in files if path.exists()), None):
        raise ProjectError(
            _("{path} exists already; nothing was written", path=str(existing)),
            hint=_("Name another folder: moza-mail init DIR"),
        )
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
        with (folder / ".gitignore").open("a", encoding="utf-8", newline="\n") as gitignore:
            gitignore.write(f"\n{ignored}" if gitignore.tell() else ignored)
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be written: {reason}", path=str(error.filename), reason=describe_os_error(error))
        ) from None
    return (*files, folder / ".gitignore")


def _make_theme(new_project: NewProject) -> dict[str, bytes]:
    """Return the files that change the colour and logo of the theme `default`, by path.

    Raises ProjectError for a logo that cannot be mailed as an image.
    """
    if not (new_project.colour or new_project.logo):
        return {}
    logo, files = "", {}
    if new_project.logo:
        file = f"assets/{new_project.logo.name}"
        files[file] = _read_logo(new_project.logo)
        quoted = [json.dumps(text, ensure_ascii=False) for text in (file, new_project.sender_name)]
        logo = "\n[logo]\nfile = {}\nalt = {}\n".format(*quoted)
    settings = {"colour": json.dumps(new_project.colour or DEFAULT_COLOUR), "logo": logo}
    return files | {"theme.toml": _fill_template("theme.toml", settings).encode()}


def _read_logo(path: Path) -> bytes:
    # Pillow is imported only if there is a logo.
    from moza_mail.project import images

    try:
        content = read_file(path, max_bytes=images.MAX_FILE_SIZE)
        images.prepare_image(content, path.name, column=DEFAULT_WIDTH)
    except (UnreadableFile, images.ImageFileError) as error:
        raise ProjectError(
            _("--logo: {path} {reason}", path=str(path), reason=error.reason),
            hint=_("Give a PNG, JPEG or GIF: --logo logo.png"),
        ) from None
    return content


def _fill_templates(new_project: NewProject) -> dict[str, str]:
    """Return the text of each file of the new project, by its path in the project."""
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
        "issues": new_project.issues,
        "view": new_project.view_url,
        "archive": new_project.view_url.partition("{")[0],
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
    has_page = bool(new_project.hugo and new_project.hugo.page)
    project_files = {
        CONFIG_FILE: _fill_template("moza-mail.toml", {**settings, "comment": "" if has_page else "# "}),
        "subscribers/lists.toml": _fill_template("lists.toml", {**settings, "slug": new_project.slug}),
        "subscribers/example.csv": _fill_template("example.csv", {}),
        ".gitignore": _fill_template("gitignore", {}),
    }
    if not (new_project.hugo and new_project.hugo.files):
        project_files[f"{new_project.issues}/{date}.md"] = _fill_template(f"issue.{lang}.md", words)
    if not new_project.hugo:
        project_files["README.md"] = _fill_template(f"README.{lang}.md", words)
    return project_files


def _fill_template(name: str, values: Mapping[str, str]) -> str:
    return Template((DATA / f"{name}.in").read_text(encoding="utf-8")).substitute(values)
