"""The documentation is complete, its links have targets, and the repository contains no forbidden words."""

import inspect
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main

from moza_mail import errors, parse
from moza_mail.cli.app import app
from moza_mail.model.mailing import DeliveryState
from moza_mail.project.config import PREFIX, BounceSettings, CheckSettings, ProjectConfig, RetentionSettings
from moza_mail.project.lists import ListSettings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Issues are what the program reads, not pages: their links are those of an invented site.
SAMPLES = ("issues/", "tests/")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def words(*pieces: tuple[str, str]) -> list[str]:
    """Return patterns of words that not even this file may contain."""
    return [re.escape(first + second) for first, second in pieces]


FORBIDDEN = {
    "a path of one machine": [
        rf"{path}(?<![\w.]{path})" for path in words(("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/tm", "p/venv"))
    ],
    "a package index": [
        *words(("py", "pi.org"), ("python", "hosted.org"), ("--extra-in", "dex-url")), r"https?://\S+/simple\b"
    ],
    "how the work was done": words(
        ("clau", "de"), ("anthro", "pic"), ("open", "ai"), ("chat", "gpt"), ("co", "pilot"), ("sub", "agent"),
        ("co-authored", "-by"), ("ai ass", "istant"), ("coding ag", "ent"), ("language mo", "del"), ("system pro", "mpt"),
    ),
}  # fmt: skip


@cache
def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@cache
def all_pages() -> str:
    readme = ROOT / "README.md"
    return "\n".join(path.read_text(encoding="utf-8") for path in (readme, *sorted(DOCS.glob("*.md"))))


@cache
def tracked() -> tuple[str, ...]:
    """Return every tracked file of the repository; the checkout may belong to another account."""
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(name for name in listed.split("\0") if (ROOT / name).is_file())


def row(text: str, key: str) -> str:
    """Return the row of a table that explains a key; empty if there is none."""
    found = re.search(rf"^\| `?{re.escape(key)}`? \|.*$", text, re.MULTILINE)
    return found.group() if found else ""


def commands(group, path=("moza-mail",)) -> Iterator[tuple[str, object]]:
    yield " ".join(path), group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


ALL_COMMANDS = dict(commands(typer.main.get_command(app)))
ALL_OPTIONS = sorted(
    {
        (name, option)
        for name, command in ALL_COMMANDS.items()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    }
)
ALL_ERRORS = [
    name
    for name, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, errors.MozaMailError)
]
PAGES = [name for name in tracked() if name.endswith(".md") and not name.startswith(SAMPLES)]


def without_row(page_name: str, keys: Iterable[str]) -> list[str]:
    """Return the keys that no table of the page explains."""
    return [key for key in keys if not row(page(page_name), key)]


def wrong_cells(page_name: str, column: int, expected: dict[str, str]) -> dict[str, list[str]]:
    """Return the keys whose row has another text in a column than expected, with that text."""
    found = {key: row(page(page_name), key).split(" | ")[column : column + 1] for key in expected}
    return {key: cells for key, cells in found.items() if cells != [expected[key]]}


def test_every_command_is_documented():
    assert [name for name in ALL_COMMANDS if not re.search(rf"{name}(?![\w-])", all_pages())] == []


def test_every_option_is_documented():
    named = set(re.findall(r"(?<![\w-])--?\w[\w-]*", all_pages()))
    assert [(command, option) for command, option in ALL_OPTIONS if option not in named] == []


def test_every_setting_is_in_the_table_with_its_default_and_variable():
    fields = {
        name: field.default
        for name, field in ProjectConfig.model_fields.items()
        if name not in {"check", "bounces", "retention", "oauth"}
    }
    shown = {
        name: f"`{json.dumps(default)}`" if default != "" else "none" for name, default in fields.items()
    }
    assert wrong_cells("configuration.md", 1, shown) == {}
    assert [name for name in fields if f"{PREFIX}{name.upper()}`" not in page("configuration.md")] == []


def test_every_other_environment_variable_is_in_the_table():
    names = (
        "SMTP_PASSWORD",
        "SMTP_PASSWORD_FILE",
        "IMAP_PASSWORD",
        "IMAP_PASSWORD_FILE",
        "SECRET",
        "SECRET_FILE",
        "DKIM_KEY_FILE",
        "DKIM_ED25519_KEY_FILE",
        "PROJECT",
    )
    assert without_row("configuration.md", [PREFIX + name for name in names]) == []


def test_every_key_of_a_list_is_in_the_table():
    assert without_row("subscribers.md", ListSettings.model_fields) == []


def test_every_key_of_check_is_in_the_table():
    assert without_row("configuration.md", [f"check.{name}" for name in CheckSettings.model_fields]) == []


@pytest.mark.parametrize("table", [RetentionSettings, BounceSettings])
def test_every_key_of_retention_and_bounces_is_in_the_table_with_its_default(table):
    name = {RetentionSettings: "retention", BounceSettings: "bounces"}[table]
    shown = {f"{name}.{key}": f"`{field.default}`" for key, field in table.model_fields.items()}
    assert wrong_cells("configuration.md", 1, shown) == {}


def test_every_key_of_the_front_matter_is_in_the_table():
    assert without_row("write.md", sorted(parse.KNOWN_KEYS)) == []


def test_every_state_of_a_delivery_is_in_the_table():
    assert without_row("send.md", [state.value for state in DeliveryState]) == []


def test_every_error_is_in_the_table_with_its_exit_code():
    shown = {name: str(getattr(errors, name).exit_code) for name in ALL_ERRORS}
    assert wrong_cells("operate.md", 1, shown) == {}


def anchors(text: str) -> set[str]:
    """Return the anchor of a heading as GitHub makes it: letters, digits, - and _, and a hyphen for each space."""
    bare = (heading.replace("`", "").strip().lower() for heading in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in bare}


def broken_links(name: str) -> Iterator[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target, anchor in LINK.findall(CODE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        found = (ROOT / name).parent / target if target else ROOT / name
        is_there = found.exists()
        if is_there and anchor and found.suffix == ".md":
            is_there = anchor in anchors(found.read_text(encoding="utf-8"))
        if not is_there:
            yield f"{name} links to {target}#{anchor}"


def test_every_link_between_pages_has_a_target():
    assert [broken for name in PAGES for broken in broken_links(name)] == []


@cache
def contents() -> dict[str, bytes]:
    """Return the content of every tracked file, in lower case."""
    return {name: (ROOT / name).read_bytes().lower() for name in tracked()}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_contains_no_forbidden_words(what):
    # One pattern at a time: a search for one literal is fifty times as fast as one for several.
    patterns = [re.compile(pattern.encode()) for pattern in FORBIDDEN[what]]
    found = [
        (name, hit.group())
        for name, content in contents().items()
        for pattern in patterns
        if (hit := pattern.search(content))
    ]
    assert found == []


def test_no_file_contains_the_path_of_the_checkout():
    here = str(ROOT).encode()
    assert [name for name in tracked() if len(ROOT.parts) > 2 and here in (ROOT / name).read_bytes()] == []
