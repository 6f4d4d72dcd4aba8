"""One odd file in `issues/` stops no other issue: it is a finding of its own, and everybody gets the issue that is due."""

import os
import re
import socket
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from tests.support.editor import open_client
from tests.support.project_folder import ISSUE, folder

READERS = 3
FRONT = "---\ntitle: T\ndate: 2026-01-14\n"
BODY = "## A\n\nx\n"

# Odd files that people, editors, programs and attackers leave in the folder, by name.
TEXTS = {
    "empty.md": b"",
    "blank.md": b"\n\n   \n",
    "only-front.md": b"---\n---\n",
    "not-closed.md": b"---\ntitle: T\n",
    "no-front.md": b"# Draft\n",
    "list-key.md": f"{FRONT}[1]: https://example.org/\n---\n{BODY}".encode(),
    "table-key.md": f"{FRONT}{{a: 1}}: 2\n---\n{BODY}".encode(),
    "nested-list-key.md": f"{FRONT}x: {{[1]: 2}}\n---\n{BODY}".encode(),
    "null-key.md": f"{FRONT}~: 1\n---\n{BODY}".encode(),
    "number-key.md": f"{FRONT}1: 1\n---\n{BODY}".encode(),
    "complex-key.md": f"{FRONT}? [a, b]\n: 1\n---\n{BODY}".encode(),
    "merge-key.md": f"{FRONT}<<: 1\n---\n{BODY}".encode(),
    "twice.md": f"{FRONT}title: U\n---\n{BODY}".encode(),
    "timestamp.md": f'{FRONT}x: !!timestamp "a"\n---\n{BODY}'.encode(),
    "bool.md": f'{FRONT}x: !!bool "a"\n---\n{BODY}'.encode(),
    "int.md": f'{FRONT}x: !!int ""\n---\n{BODY}'.encode(),
    "float.md": f'{FRONT}x: !!float "a"\n---\n{BODY}'.encode(),
    "binary.md": f'{FRONT}x: !!binary "\u00e9"\n---\n{BODY}'.encode(),
    "omap.md": f"{FRONT}x: !!omap [1]\n---\n{BODY}".encode(),
    "pairs.md": f"{FRONT}x: !!pairs 1\n---\n{BODY}".encode(),
    "set.md": f"{FRONT}x: !!set {{[1]}}\n---\n{BODY}".encode(),
    "python.md": f'{FRONT}x: !!python/object/apply:os.system ["true"]\n---\n{BODY}'.encode(),
    "own-tag.md": f"{FRONT}x: !mine 1\n---\n{BODY}".encode(),
    "alias.md": f"{FRONT}x: &a [1]\ny: *a\n---\n{BODY}".encode(),
    "deep.md": f"{FRONT}x: {'[' * 150}{']' * 150}\n---\n{BODY}".encode(),
    "deep-lines.md": (FRONT + "".join(f"{' ' * n}k:\n" for n in range(150)) + f"---\n{BODY}").encode(),
    "wide.md": f"{FRONT}x: {'[]' * 150}\n---\n{BODY}".encode(),
    "long-front.md": f"{FRONT}x: {'a' * 30_000}\n---\n{BODY}".encode(),
    "sexagesimal.md": f"{FRONT}x: {'9:' * 3000}9\n---\n{BODY}".encode(),
    "huge-number.md": f"{FRONT}x: {'9' * 9000}\n---\n{BODY}".encode(),
    "far-date.md": f"---\ntitle: T\ndate: 9999-99-99\n---\n{BODY}".encode(),
    "date-list.md": f"---\ntitle: T\ndate: [2026-01-14]\n---\n{BODY}".encode(),
    "title-table.md": f"---\ntitle: {{a: b}}\ndate: 2026-01-14\n---\n{BODY}".encode(),
    "title-nul.md": f'---\ntitle: "a\\0b"\ndate: 2026-01-14\n---\n{BODY}'.encode(),
    "title-colon.md": f"---\ntitle: a: b\ndate: 2026-01-14\n---\n{BODY}".encode(),
    "send-at.md": f"{FRONT}send_at: 99:99\n---\n{BODY}".encode(),
    "send-zone.md": f"{FRONT}send_at: 2026-01-14 09:00 ../../etc/passwd\n---\n{BODY}".encode(),
    "list-unknown.md": f"{FRONT}list: nobody\nsend_at: 2026-01-14 09:00\n---\n{BODY}".encode(),
    "list-path.md": f"{FRONT}list: ../../etc\n---\n{BODY}".encode(),
    "theme-path.md": f"{FRONT}theme: ../../etc\n---\n{BODY}".encode(),
    "slug-path.md": f"{FRONT}slug: ../../etc/passwd\n---\n{BODY}".encode(),
    "slug-nul.md": f'{FRONT}slug: "a\\0b"\n---\n{BODY}'.encode(),
    "lang.md": f"{FRONT}lang: [nl]\n---\n{BODY}".encode(),
    "latin-1.md": f"{FRONT}---\ncaf\u00e9\n".encode("latin-1"),
    "utf-16.md": f"{FRONT}---\n{BODY}".encode("utf-16"),
    "half-character.md": f"{FRONT}---\n".encode() + b"\xe2\x82",
    "surrogate.md": f"{FRONT}---\n".encode() + b"\xed\xa0\x80",
    "nul.md": f"{FRONT}---\na\0b\n".encode(),
    "zip.md": b"PK\x03\x04" + bytes(range(256)),
    "escape.md": f"{FRONT}---\n\x1b]0;owned\x07\n".encode(),
    "carriage.md": f"{FRONT}---\n{BODY}".replace("\n", "\r").encode(),
    "large.md": f"{FRONT}---\n".encode() + b"a" * 2_100_000,
}
# Files that editors and systems leave next to an issue, and that are not issues.
HIDDEN = ("._2026-01-14.md", ".#2026-01-21.md", ".2026-01-14.md.swp.md")


def put_odd_files(issues: Path) -> int:
    """Put every kind of odd file into a folder; return their number."""
    for name, content in TEXTS.items():
        (issues / name).write_bytes(content)
    (issues / "folder.md").mkdir()
    os.mkfifo(issues / "pipe.md")
    (issues / "dangling.md").symlink_to("nowhere.md")
    (issues / "loop.md").symlink_to("loop.md")
    (issues / "device.md").symlink_to("/dev/zero")
    with (issues / "sparse.md").open("wb") as file:
        file.truncate(2 * 1024**3)
    (issues / "no-rights.md").write_text(f"{FRONT}---\n{BODY}")
    (issues / "no-rights.md").chmod(0)
    (issues / "control\x1b[31m\nname.md").write_text("no front matter")
    Path(os.fsdecode(os.fsencode(issues) + b"/not-utf-8-\xff.md")).write_text("no front matter")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(issues / "socket.md"))
    server.close()
    for name in HIDDEN:
        (issues / name).write_bytes(b"\x00\x05\x16\x07")
    (issues / ".#lock.md").symlink_to("user@host.1234:1700000000")
    return len(TEXTS) + 10


@pytest.fixture
def moment():
    return f"{datetime.now(UTC) - timedelta(minutes=5):%Y-%m-%d %H:%M}Z"


@pytest.fixture
def tidy(tmp_path, moment):
    """A project with an issue that is due."""
    project = folder(tmp_path)
    project.add_readers(READERS)
    path = project.path / ISSUE
    path.write_text(path.read_text().replace("---\n", f"---\nsend_at: {moment}\n", 1))
    return project


@pytest.fixture
def project(tidy):
    """A project with an issue that is due, and with every kind of odd file."""
    put_odd_files(tidy.path / "issues")
    return tidy


def test_the_due_issue_is_mailed_to_everybody_and_the_odd_files_are_reported_once(project):
    first = project.run("send", "--due")
    assert len(project.outbox()) == READERS
    assert first.code == 3
    assert "issues/list-key.md, line 4" in first.err
    assert not any(name in first.err for name in HIDDEN)
    assert "\x1b" not in first.err
    second = project.run("send", "--due")
    assert (second.code, second.out, second.err) == (0, "", "")
    assert project.run("status").code == 3


@pytest.mark.parametrize("command", [("check", ISSUE), ("schedule", "--check"), ("show", ISSUE)])
def test_other_commands_work_with_odd_files_in_the_folder(project, command):
    done = project.run(*command)
    assert done.code in {0, 1, 3}, done.err
    assert "\x1b" not in done.out + done.err


def test_the_archive_is_built_from_the_readable_issues(project):
    assert project.run("send", ISSUE, "--yes").code == 0
    done = project.run("archive", "build", "public", "--list", "weekly")
    assert done.code in {0, 3}, done.err
    assert list((project.path / "public").rglob("*2026-01-14*"))


def test_next_weeks_issue_is_made_from_the_newest_readable_issue(project):
    assert project.run("new", "--date", "2026-01-21").code == 0


def test_the_editor_lists_every_odd_file_and_shows_its_problem(project):
    browser = open_client(project.path)
    page = browser.get(f"/issue/{ISSUE}")
    assert page.status_code == 200
    links = {unescape(each) for each in re.findall(r'href="(/issue/[^"#?]+)"', page.text)}
    assert len(links) > len(TEXTS)
    for link in sorted(links):
        assert browser.get(link).status_code == 200, link
    for path in ("/choose?to=//[", "/issue/%ED%A0%80.md", "/issue/%FF.md"):
        assert browser.get(path).status_code in {400, 404}, path
    assert browser.get("/", headers={"Host": "["}).status_code == 400


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def put_large(path: Path) -> None:
    put(path, b"")
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)


# Faulty themes. An issue that uses one of them is due too, and cannot be rendered.
THEMES = {
    "binary": {"theme.toml": b"\xff\xfe\0"},
    "syntax": {"theme.toml": b"[light\n"},
    "deep": {"theme.toml": b"x = " + b"[" * 5000},
    "types": {"theme.toml": b'light = 3\nwidth = "x"\n'},
    "jinja": {"issue.mjml": b"{% for %}"},
    "endless": {"issue.mjml": b"{% include 'issue.mjml' %}"},
    "mjml": {"issue.mjml": b"<mjml><mj-body><mj-section>"},
    "latin": {"partials/footer.mjml": b"\xe9"},
    "absent": {},
}


@pytest.mark.parametrize("theme", THEMES)
def test_a_broken_theme_stops_only_the_issues_that_use_it(tidy, moment, theme):
    for name, content in THEMES[theme].items():
        put(tidy.path / "templates" / theme / name, content)
    front = f"title: B\ndate: 2026-01-13\nsend_at: {moment}\ntheme: {theme}\n"
    put(tidy.path / "issues/2026-01-13.md", f"---\n{front}---\n{BODY}".encode())
    done = tidy.run("send", "--due")
    assert (done.code, len(tidy.outbox())) == (3, READERS)
    assert theme in done.err or "issue.mjml" in done.err


IMAGES = {
    "pipe": os.mkfifo,
    "large": put_large,
    "folder": Path.mkdir,
    "loop": lambda path: path.symlink_to(path.name),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "text": lambda path: put(path, b"hello"),
    "empty": lambda path: put(path, b""),
    "cut off": lambda path: put(path, b"\x89PNG\r\n\x1a\n"),
    "missing": Path.exists,
}


@pytest.mark.parametrize("kind", IMAGES)
def test_a_broken_image_stops_only_its_own_issue(tidy, moment, kind):
    IMAGES[kind](tidy.path / "issues" / "a.png")
    front = f"title: B\ndate: 2026-01-13\nsend_at: {moment}\n"
    put(tidy.path / "issues/2026-01-13.md", f"---\n{front}---\n{BODY}\n![x](a.png)\n".encode())
    done = tidy.run("send", "--due")
    assert (done.code, len(tidy.outbox())) == (3, READERS)
    assert "2026-01-13.md, line 10: the image a.png" in done.err


def test_odd_files_in_the_folder_of_a_theme_stop_nothing(tidy):
    own = tidy.path / "templates" / "moza"
    put(own / "notes.txt", "café".encode("latin-1"))
    put(own / "._footer.mjml", b"\xff")
    put(own / "footer.mjml~", b"\xff")
    put_large(own / "assets" / "logo.psd")
    (own / "folder.mjml").mkdir()
    os.mkfifo(own / "pipe.mjml")
    (own / "loop.txt").symlink_to("loop.txt")
    assert tidy.run("send", "--due").code == 0
    assert len(tidy.outbox()) == READERS


@pytest.mark.parametrize("target", ["nowhere", "templates"])
def test_a_broken_symbolic_link_as_themes_folder_stops_nothing(tidy, target):
    (tidy.path / "templates").symlink_to(target)
    assert tidy.run("send", "--due").code == 0
    assert len(tidy.outbox()) == READERS
