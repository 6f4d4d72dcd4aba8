"""The pages tell all there is, lead where they say, and speak of the project alone."""

import inspect
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main

from moza_mail import errors, parse
from moza_mail.cli.app import app
from moza_mail.model.mailing import DeliveryState
from moza_mail.project.config import PREFIX, BounceSettings, CheckSettings, Config, RetentionSettings
from moza_mail.project.lists import ListSettings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Issues are what the program reads, not pages: their links are those of an invented site.
SAMPLES = ("issues/", "tests/")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def words(*pieces: tuple[str, str]) -> str:
    """A pattern for words that may not even stand here whole."""
    return "|".join(re.escape(first + second) for first, second in pieces)


FORBIDDEN = {
    "a path of one machine": rf"(?<![\w.])(?:{words(('/wo', 'rk/'), ('/ro', 'ot/'), ('/ho', 'me/'), ('/tm', 'p/venv'))})",
    "a package index": words(("py", "pi.org"), ("python", "hosted.org"), ("--extra-in", "dex-url"))
    + r"|https?://\S+/simple\b",
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
    """Every file of the repository that is there; whoever owns the checkout."""
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(name for name in listed.split("\0") if (ROOT / name).is_file())


def row(text: str, key: str) -> str:
    """The line of a table that explains a key; empty when there is none."""
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


@pytest.mark.parametrize("command", ALL_COMMANDS)
def test_every_command_is_explained(command):
    assert re.search(rf"{command}(?![\w-])", all_pages())


@pytest.mark.parametrize(("command", "option"), ALL_OPTIONS)
def test_every_option_is_named(command, option):
    assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", all_pages()), f"{command} {option}"


@pytest.mark.parametrize("name", sorted(Config.model_fields.keys() - {"check", "bounces", "retention"}))
def test_every_setting_is_in_the_table_with_its_default_and_its_variable(name):
    explained = row(page("configuration.md"), name)
    default = Config.model_fields[name].default
    shown = f"`{json.dumps(default)}`" if default != "" else "none"
    assert explained.split(" | ")[1:2] == [shown]
    assert f"{PREFIX}{name.upper()}`" in page("configuration.md")


@pytest.mark.parametrize(
    "name",
    [
        "SMTP_PASSWORD",
        "SMTP_PASSWORD_FILE",
        "IMAP_PASSWORD",
        "IMAP_PASSWORD_FILE",
        "SECRET",
        "SECRET_FILE",
        "DKIM_KEY_FILE",
        "DKIM_ED25519_KEY_FILE",
        "PROJECT",
    ],
)
def test_every_variable_that_is_no_setting_is_in_the_table(name):
    assert row(page("configuration.md"), PREFIX + name)


@pytest.mark.parametrize("name", ListSettings.model_fields)
def test_every_key_of_a_list_is_in_the_table(name):
    assert row(page("subscribers.md"), name)


@pytest.mark.parametrize("name", CheckSettings.model_fields)
def test_every_key_of_check_is_in_the_table(name):
    assert row(page("configuration.md"), f"check.{name}")


@pytest.mark.parametrize("name", RetentionSettings.model_fields)
def test_every_period_is_in_the_table_with_its_default(name):
    explained = row(page("configuration.md"), f"retention.{name}")
    assert explained.split(" | ")[1:2] == [f"`{RetentionSettings.model_fields[name].default}`"]


@pytest.mark.parametrize("name", BounceSettings.model_fields)
def test_every_key_of_bounces_is_in_the_table_with_its_default(name):
    explained = row(page("configuration.md"), f"bounces.{name}")
    assert explained.split(" | ")[1:2] == [f"`{BounceSettings.model_fields[name].default}`"]


@pytest.mark.parametrize("name", sorted(parse.KNOWN))
def test_every_key_of_the_front_matter_is_in_the_table(name):
    assert row(page("write.md"), name)


@pytest.mark.parametrize("name", [state.value for state in DeliveryState])
def test_every_state_is_in_the_table(name):
    assert row(page("send.md"), name)


@pytest.mark.parametrize("name", ALL_ERRORS)
def test_every_error_is_in_the_table_with_its_exit_code(name):
    explained = row(page("operate.md"), name)
    assert explained.split(" | ")[1:2] == [str(getattr(errors, name).exit_code)]


def anchors(text: str) -> set[str]:
    """What a heading can be linked by, as the forges make it: letters, digits, - and _, a hyphen for each space."""
    bare = (heading.replace("`", "").strip().lower() for heading in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in bare}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_between_pages_leads_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target, anchor in LINK.findall(CODE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        found = (ROOT / name).parent / target if target else ROOT / name
        assert found.exists(), f"{name} links to {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found.read_text(encoding="utf-8")), f"{name} links to {target}#{anchor}"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_speaks_of_the_project_alone(what):
    pattern = re.compile(FORBIDDEN[what].encode(), re.IGNORECASE)
    found = {name: hit.group() for name in tracked() if (hit := pattern.search((ROOT / name).read_bytes()))}
    assert found == {}


def test_the_checkout_does_not_know_where_it_stands():
    here = str(ROOT).encode()
    assert [name for name in tracked() if len(ROOT.parts) > 2 and here in (ROOT / name).read_bytes()] == []
