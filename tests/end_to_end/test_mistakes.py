"""The messages for common mistakes: the place, the next command, and the right exit code."""

import resource
import subprocess

import pytest
import typer

from moza_mail.cli.app import app
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import free_port, smtp_sink

HEAD = "---\ntitle: T\ndate: 2026-01-14\n---\n"


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("geen.md", None, "the file does not exist"),
        ("latin.md", HEAD.encode() + b"## A\n\nidee\xeb\n", "line 7: is not UTF-8"),
        ("kaal.md", b"Hallo\n", "does not begin with front matter"),
        (
            "code.md",
            HEAD.encode() + b"## A\n\n{{< gallery 1 >}}\n",
            "line 7: the shortcode `gallery` is unknown",
        ),
        ("haak.md", HEAD.encode() + b"## A\n\n" + b"- " * 10_000 + b"x\n", "nested too deep"),
        (
            "escape.md",
            HEAD.encode() + b"## A\n\n\x1b[31mrood\n",
            "a control character (U+001B) cannot be mailed",
        ),
        ("groot.md", HEAD.encode() + b"x " * 2_500_000, "larger than 2 MB"),
    ],
)
def test_an_unreadable_issue_is_reported_with_its_line(project, name, content, says):
    if content is not None:
        (project.path / name).write_bytes(content)
    done = project.run("render", name)
    assert done.code == 1
    assert name in done.err
    assert says in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize(
    "theme", ["../x", "'../../../etc'", '"a\\0b"', '"\\x1b[31m"', "a" * 300, "'x/'", "."]
)
def test_an_invalid_theme_name_gives_one_sentence(project, theme):
    (project.path / "thema.md").write_text(
        HEAD.replace("title: T", f"title: T\ntheme: {theme}") + "## A\n\nx\n"
    )
    done = project.run("render", "thema.md")
    assert done.code in {1, 2}
    assert "theme" in done.err
    assert not {"\0", "\x1b"} & set(done.err)
    assert len(done.err) < 1000


def test_a_folder_is_not_an_issue(project):
    done = project.run("show", "issues")
    assert (done.code, "is a folder" in done.err) == (1, True)


def test_ten_thousand_brackets_never_end_the_process(project):
    (project.path / "issues" / "b.md").write_text(f"{HEAD}## A\n\n{'[' * 10_000}x{']' * 10_000}\n")
    assert project.run("render", "b").code in {0, 1}


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        ({"batch_syze": 3}, 2, "`batch_syze` is not a known key"),
        ({"batch_size": "veel"}, 2, "`batch_size` must be a whole number"),
        ({"theme": "nergens"}, 2, "there is no theme `nergens`"),
        ({"relay": "smtp://192.0.2.1"}, 2, "is not encrypted"),
        ({"relay": "gopher://x"}, 2, "must start with smtp:"),
        ({"smtp_password": "geheim"}, 2, "may not be in this file"),
        ({"site_url": "www.example.org"}, 2, "must be a web address"),
        ({"timezone": "Amsterdam"}, 2, "must be a time zone"),
        ({"store": "postgresql://x:y@127.0.0.1/z"}, 1, "holds a password"),
    ],
)
def test_an_unusable_setting_is_named(project, settings, code, says):
    project.set(**settings)
    done = project.run("send", ISSUE, "--yes")
    assert done.code == code, done.err
    assert says in done.err
    assert "geheim" not in done.err


def test_invalid_toml_is_reported_with_its_line(project):
    (project.path / "moza-mail.toml").write_text("a = 1\nb =\n")
    done = project.run("show", ISSUE)
    assert done.code == 2
    assert "moza-mail.toml is not TOML" in done.err
    assert "line 2" in done.err


def test_a_missing_template_is_reported_by_name(project):
    theme = project.path / "templates" / "eigen"
    theme.mkdir(parents=True)
    (theme / "issue.mjml").write_text('{% include "partials/weg.mjml" %}')
    project.set(theme="eigen")
    done = project.run("render", ISSUE)
    assert done.code in {1, 2}
    assert "partials/weg.mjml" in done.err


def test_outside_a_project_the_hint_explains_project(tmp_path, project):
    empty = tmp_path / "leeg"
    empty.mkdir()
    done = project.run("--project", str(empty), "show", ISSUE)
    assert done.code == 2
    assert "--project" in done.err


def test_a_missing_project_folder_is_an_error_even_inside_another_project(project):
    done = project.run("--project", "nergens", "send", ISSUE, "--yes")
    assert (done.code, "the folder nergens does not exist" in done.err) == (2, True)


def test_an_unknown_list_and_an_empty_list_are_named(project):
    assert "there is no list `maandblad`" in project.run("send", ISSUE, "--list", "maandblad", "--yes").err
    done = project.run("send", ISSUE, "--yes")
    assert done.code == 1
    assert "nobody on the list weekly" in done.err
    assert "subscribers import" in done.err
    assert project.run("status").code == 1


def test_an_unreachable_relay_loses_nothing_and_the_same_command_continues(project):
    project.add_readers(5)
    port = free_port()
    project.set(relay=f"smtp://127.0.0.1:{port}")
    down = project.run("send", ISSUE, "--yes")
    assert down.code == 75
    assert f"127.0.0.1:{port}" in down.err
    assert "Run the same command again" in down.err
    assert project.states() == {"pending": 5}
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        assert project.run("send", ISSUE, "--yes").code == 0
        assert len(sink.received()) == 5


def test_a_mailing_that_began_with_an_outbox_gives_a_warning_on_a_real_relay(project):
    project.add_readers(3)
    assert project.run("send", ISSUE, "--limit", "1", "--yes").code == 0
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        asked = project.run("send", ISSUE)
        assert (asked.code, "began while the relay was an outbox" in asked.err) == (2, True)
        done = project.run("send", ISSUE, "--yes")
    assert project.states() == {"accepted": 3}
    assert (done.code, done.err.count("received no mail")) == (3, 1)


def test_a_refused_reader_is_counted_by_name_and_the_others_are_mailed(project):
    project.add_readers(3)
    with smtp_sink("-r", "RCPT") as sink:
        project.set(relay=sink.relay)
        done = project.run("send", ISSUE, "--yes", "--json")
    assert done.code == 3
    assert sum(done.json["states"].values()) == 3
    assert done.json["states"]["refused"] + done.json["states"]["deferred"] == 3


def limited(size):
    """Limit the size of files in the child process, as on a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_on_a_full_disk_no_message_is_sent_without_its_ledger_row(project):
    project.add_readers(400)
    full = (project.path / "subscribers" / "moza-mail.db").stat().st_size // 2
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        command = project.command("send", ISSUE, "--yes")
        # The limit would also stop the report of a coverage measurement at exit.
        command["env"] = {name: value for name, value in command["env"].items() if "COVERAGE" not in name}
        done = subprocess.run(
            **command,
            preexec_fn=limited(full),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "moza-mail.db" in done.stderr
        assert "Traceback" not in done.stderr
        assert sink.received() == {}
        assert project.run("send", ISSUE, "--yes").code == 0
        assert {len(copies) for copies in sink.received().values()} == {1}
        assert len(sink.received()) == 400


def find_required(command, path=("moza-mail",)):
    """Yield the path and the names of the required parameters of each command, the subcommands included."""
    for name, sub in getattr(command, "commands", {}).items():
        yield from find_required(sub, (*path, name))
    required = [one for one in command.params if one.required]
    if required:
        yield path, [one.metavar if one.param_type_name == "argument" else one.opts[0] for one in required]


REQUIRED = list(find_required(typer.main.get_command(app)))


@pytest.mark.parametrize(("path", "names"), REQUIRED, ids=" ".join)
def test_a_missing_argument_of_any_command_is_named_with_the_command_to_type(project, path, names):
    done = project.run(*path[1:])
    assert done.code == 2
    problem, hint = done.err.splitlines()
    assert problem == f"moza-mail: `{names[0]}` is missing"
    assert hint.startswith(f"  Type: {' '.join(path)} ")
    assert all(name in hint for name in names)
    assert hint.endswith(f"{' '.join(path)} --help)")
    assert "is missing" not in project.run("--lang", "nl", *path[1:]).err


def test_many_commands_have_a_required_argument():
    assert len(REQUIRED) > 10


def test_a_wrong_option_is_not_reported_as_a_missing_argument(project):
    for arguments in (("status", "--foo"), ("send", "--limit", "x"), ("nonsense",)):
        done = project.run(*arguments)
        assert (done.code, "is missing" in done.err) == (2, False)
