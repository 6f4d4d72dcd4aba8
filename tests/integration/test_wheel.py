"""The content of the packages: the code and the themes, and no address or secret."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET = "this must not be in a package"
# Private files of a project folder in use. Each is next to files that belong in a package.
PRIVATE = [
    ".env",
    "subscribers/moza-mail.db",
    "subscribers/readers.csv",
    "outbox/new/1.eml",
    "issues/draft.md",
    "moza-mail.toml",
    "moza_mail/.env",
    "moza_mail/moza-mail.db",
    "moza_mail/moza-mail.db-wal",
    "templates/moza/.env",
    "templates/moza/moza-mail.db",
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Build the sdist and the wheel from a copy of the tracked files, in a project folder that is in use."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("moza_mail", "templates", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    for name in PRIVATE:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder / "dist"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return contents_of_sdist(sdist), contents_of_wheel(wheel)


def contents_of_sdist(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        files = [member for member in archive.getmembers() if member.isfile()]
        return {member.name.partition("/")[2]: archive.extractfile(member).read() for member in files}


def contents_of_wheel(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def themes(prefix: str) -> set[str]:
    return {
        f"{prefix}/{path.relative_to(ROOT / 'templates').as_posix()}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file() and path.parent != ROOT / "templates"
    }


def test_the_wheel_has_every_module_the_themes_the_licence_and_the_command(packages):
    _, wheel = packages
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "moza_mail").rglob("*.py")}

    editor_files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("html", "static")
        for path in (ROOT / "moza_mail/web/editor" / folder).iterdir()
    }
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "moza_mail").rglob("data/*")}
    catalogs = {path.relative_to(ROOT).as_posix() for path in (ROOT / "moza_mail/i18n").rglob("*.[mp]o")}

    assert modules | {"moza_mail/py.typed"} <= wheel.keys()
    assert "moza_mail/check/data/caniemail.LICENCE.txt" in data
    assert data <= wheel.keys()
    assert "moza_mail/i18n/locale/nl/LC_MESSAGES/moza_mail.mo" in catalogs
    assert catalogs <= wheel.keys()
    assert (
        {"moza_mail/web/editor/static/issue.js", "moza_mail/web/editor/html/base.html"}
        <= editor_files
        <= wheel.keys()
    )
    assert themes("moza_mail/themes") <= wheel.keys()
    assert [name for name in wheel if name.endswith("/licenses/LICENSE")]
    assert {f"moza_mail/docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= wheel.keys()
    assert not [name for name in wheel if name.endswith(".png") and "/docs/" in name]
    (entry_points,) = [text for name, text in wheel.items() if name.endswith("entry_points.txt")]
    assert b"moza-mail = moza_mail.cli:main" in entry_points


def test_the_wheel_needs_no_extra_for_the_editor_and_the_public_pages(packages):
    _, wheel = packages
    (metadata,) = [text.decode() for name, text in wheel.items() if name.endswith("/METADATA")]
    needed = [row for row in metadata.splitlines() if row.startswith("Requires-Dist: ")]
    for name in ("starlette", "uvicorn", "watchfiles"):
        assert [row for row in needed if row.startswith(f"Requires-Dist: {name}") and "extra" not in row]


def test_an_unpacked_wheel_prints_its_documentation(packages, tmp_path):
    _, wheel = packages
    for name, content in wheel.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "moza_mail", "help", "operate"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.startswith("# Keeping it running\n"), done.stderr


def test_the_sdist_has_everything_needed_to_build_the_wheel(packages):
    sdist, _ = packages

    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= sdist.keys()
    assert themes("templates") <= sdist.keys()
    assert "moza_mail/check/data/caniemail.json" in sdist


def test_no_package_contains_a_subscriber_secret_or_message(packages):
    for contents in packages:
        assert not [name for name, data in contents.items() if SECRET.encode() in data]
        assert not [
            name
            for name in contents
            if name.endswith((".db", ".db-wal", ".eml", ".csv", ".env")) or "subscribers/" in name
        ]


def test_the_version_is_written_in_one_place(packages):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    _, wheel = packages

    assert f'__version__ = "{declared}"'.encode() in wheel["moza_mail/__init__.py"]
