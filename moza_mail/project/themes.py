"""Read themes. Each file comes from the project, else the bundled theme, else `default`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from moza_mail.errors import ProjectError, ThemeError, make_printable
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.image_file import ImageFile
from moza_mail.model.theme import Theme
from moza_mail.project import config
from moza_mail.project.read_file import UnreadableFile, is_hidden, read_file

TEXT_SUFFIXES = {".mjml", ".txt", ".toml", ".css", ".html", ".jinja"}
FALLBACK = "default"
MAX_FILE_SIZE = 20_000_000


def bundled_themes() -> Path:
    """Return the folder of the bundled themes: in the package, or `templates/` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "templates"


def read_theme(name: str, templates: Path, trust: Sequence[str] = ()) -> Theme:
    """Read a theme into memory; raise ThemeError if there is no folder with its name.

    A template is code. So ThemeError is raised too if a symbolic link leads to files outside the project's `templates`,
    unless the digest of the theme is in `trust`.
    """
    folders = [templates / name, bundled_themes() / name, bundled_themes() / FALLBACK]
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name) or not any(
        folder.is_dir() for folder in folders[:2]
    ):
        known = {
            folder.name
            for place in (templates, bundled_themes())
            if place.is_dir()
            for folder in place.iterdir()
        }
        shown = make_printable(name[:80])
        raise ThemeError(
            _("there is no theme `{name}` in {templates}", name=shown, templates=str(templates)),
            theme=shown,
            hint=_("Set `theme` to one of: {known}.", known=", ".join(sorted(known))),
        )
    _require_trust(name, templates, trust)
    files: dict[str, str] = {}
    assets: dict[str, Path] = {}
    for folder in reversed(folders):
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder).as_posix()
            if not path.is_file() or is_hidden(path):
                continue
            if relative.startswith("assets/"):
                assets[relative] = path
            elif path.suffix in TEXT_SUFFIXES:
                try:
                    files[relative] = _read_text(path, name)
                except ThemeError:
                    # An unreadable file may be a note of the designer. If a bundled theme has a file of the same
                    # name, the file is a template, so the error matters.
                    if relative in files:
                        raise
    is_own = folders[0].is_dir() and folders[0].resolve() != folders[1].resolve()
    theme = Theme(
        name=name,
        settings=_read_settings(folders, name),
        files=files,
        has_own_templates=is_own and any(_is_template(path, folders[0]) for path in folders[0].rglob("*")),
    )
    return replace(theme, logo=_read_logo(theme, assets)) if "logo" in theme.settings else theme


def _is_template(path: Path, folder: Path) -> bool:
    """Return True for a file that determines the HTML of mails: no settings and no images."""
    is_text = path.suffix in TEXT_SUFFIXES - {".toml"} and path.is_file() and not is_hidden(path)
    return is_text and path.relative_to(folder).parts[0] not in {"assets", "pages", "archive"}


def _require_trust(name: str, templates: Path, trust: Sequence[str]) -> None:
    paths = [path for path in sorted((templates / name).rglob("*")) if path.is_file() and not is_hidden(path)]
    homes = (templates.parent.resolve() / templates.name, bundled_themes().resolve())
    elsewhere = next(
        (real for path in paths if not any((real := path.resolve()).is_relative_to(home) for home in homes)),
        None,
    )
    if elsewhere is None:
        return
    digest = sha256()
    for path in paths:
        content = sha256(_read_bytes(path, name)).hexdigest()
        digest.update(f"{path.relative_to(templates / name).as_posix()}\0{content}\n".encode())
    if digest.hexdigest() not in trust:
        line = ", ".join(f'"{one}"' for one in (*trust, digest.hexdigest()))
        raise ThemeError(
            _(
                "the theme `{theme}` is not in the project: {path} is elsewhere",
                theme=name,
                path=str(elsewhere),
            ),
            theme=name,
            hint=_(
                "A theme is code. Copy it to templates/{theme}, or read it and write in moza-mail.toml: trust = [{digests}]",
                theme=name,
                digests=line,
            ),
        )


def _read_logo(theme: Theme, assets: Mapping[str, Path]) -> ImageFile:
    """Return the image that `[logo]` in theme.toml names.

    assets: the files in `assets/`, by their path relative to the theme. Only the file of the logo is read.
    """
    from moza_mail.project import images as project_images

    table = theme.settings["logo"]
    file = table.get("file") if isinstance(table, dict) else None
    if not isinstance(file, str) or not isinstance(table.get("alt"), str):
        raise _theme_error(
            theme,
            _("[logo] needs `file` and `alt`"),
            _('Write file = "assets/logo.png" and alt = "Our name".'),
        )
    if file not in assets:
        raise _theme_error(
            theme,
            _("[logo] names {file}, which does not exist", file=file),
            _("Put it in templates/{theme}/{file}.", theme=theme.name, file=file),
        )
    try:
        content = _read_bytes(assets[file], theme.name)
        return project_images.prepare_image(content, file, column=theme.text_width)
    except project_images.ImageFileError as error:
        raise _theme_error(
            theme, _("[logo] {file} {reason}", file=file, reason=error.reason), error.hint
        ) from None


def _theme_error(theme: Theme, what: Translatable, hint: str) -> ThemeError:
    return theme.setting_error(what, hint, key="logo")


def _read_bytes(path: Path, theme: str) -> bytes:
    try:
        return read_file(path, max_bytes=MAX_FILE_SIZE)
    except UnreadableFile as error:
        raise _file_error(path, theme, error.reason) from None


def _read_text(path: Path, theme: str) -> str:
    try:
        return _read_bytes(path, theme).decode("utf-8")
    except UnicodeDecodeError:
        raise _file_error(path, theme, _("is not UTF-8 text")) from None


def _file_error(path: Path, theme: str, reason: Translatable) -> ThemeError:
    return ThemeError(_("{path} {reason}", path=str(path), reason=reason), theme=theme, template=path.name)


def _read_settings(folders: list[Path], theme: str) -> dict[str, object]:
    for folder in folders:
        path = folder / "theme.toml"
        if path.is_file():
            try:
                return config.read_toml(path)
            except ProjectError as error:
                raise ThemeError(error.message, theme=theme, template="theme.toml", hint=error.hint) from None
    raise ThemeError(
        _("theme {theme}: theme.toml is missing", theme=theme), theme=theme, template="theme.toml"
    )
