"""Take pictures of a mail in real mail programs: `python -m benchmarks.client_shots [MESSAGE.eml [FOLDER]]`.

Debian has the programs: `apt install xvfb imagemagick xterm dbus-x11 thunderbird claws-mail claws-mail-litehtml-viewer neomutt evolution xdotool`.
A program that is not installed is skipped. Each one starts with an empty profile, without an account and without a network.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.shots import ROOT

DISPLAY = ":87"
SCREEN = "1000x1600x24"
THUNDERBIRD = {
    "mail.provider.suppress_dialog_on_startup": "true",
    "mailnews.start_page.enabled": "false",
    "mail.rights.version": "1",
    "datareporting.policy.dataSubmissionPolicyBypassNotification": "true",
    "app.update.enabled": "false",
    "mail.shell.checkDefaultClient": "false",
    "mail.accountmanager.accounts": '"account1"',
    "mail.accountmanager.localfoldersserver": '"server1"',
    "mail.account.account1.server": '"server1"',
    "mail.server.server1.type": '"none"',
    "mail.server.server1.hostname": '"Local Folders"',
    "mail.server.server1.userName": '"nobody"',
    "mail.server.server1.directory-rel": '"[ProfD]Mail/Local Folders"',
}
CLAWS_ACCOUNT = """[Account: 1]
account_name=test
is_default=1
name=Lezer
address=lezer@example.org
protocol=5
smtp_server=localhost
"""
CLAWS_FOLDERS = """<?xml version="1.0" encoding="UTF-8"?>
<folderlist><folder type="mh" name="Mail" path="Mail"><folderitem type="inbox" name="inbox" path="inbox"/>
<folderitem type="outbox" name="sent" path="sent"/><folderitem type="draft" name="draft" path="draft"/>
<folderitem type="queue" name="queue" path="queue"/><folderitem type="trash" name="trash" path="trash"/></folder></folderlist>
"""
CLAWS_SETTINGS = """[Common]
render_html=1
promote_html_part=1
show_on_folder_open=1
work_offline=1
mainwin_x=0
mainwin_y=0
mainwin_width=1000
mainwin_height=1600
[LiteHtml]
enable_remote_content=0
[Plugins_GTK3]
{plugin}
"""
EVOLUTION = """
export XDG_CONFIG_HOME=$HOME/.config XDG_DATA_HOME=$HOME/.local/share XDG_CACHE_HOME=$HOME/.cache XDG_RUNTIME_DIR=$HOME/run
export GSETTINGS_BACKEND=keyfile NO_AT_BRIDGE=1 WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1 WEBKIT_DISABLE_COMPOSITING_MODE=1
timeout 20 dbus-run-session -- evolution -c mail
cp "$HOME/message" "$XDG_DATA_HOME/evolution/mail/local/new/1.host"
dbus-run-session -- evolution -c mail &
sleep 35
xdotool mousemove 88 189 click 1
sleep 4
xdotool mousemove 420 190 click 1
sleep 2
xdotool mousemove 420 190 click --repeat 2 --delay 100 1
sleep 8
for window in $(xdotool search --onlyvisible --name Weekly); do xdotool windowmove $window 0 0 windowsize $window 1000 1590; done
sleep 600
"""
NEOMUTT = """alternative_order text/plain text/html
set pager_stop=yes wait_key=no folder={home}
folder-hook . 'push <display-message>'
"""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A mail program.

    needs: the commands that must be installed.
    prepare: writes the program's profile in an empty folder, and returns the command that shows the message.
    seconds: the time until the message is on the screen.
    """

    name: str
    needs: tuple[str, ...]
    prepare: Callable[[Path, Path], list[str]]
    seconds: int


def prepare_thunderbird(home: Path, message: Path, *, is_dark: bool = False) -> list[str]:
    settings = {**THUNDERBIRD, "ui.systemUsesDarkTheme": str(int(is_dark))}
    lines = [f'user_pref("{name}", {value});\n' for name, value in settings.items()]
    (home / "user.js").write_text("".join(lines), encoding="utf-8")
    return ["thunderbird", "--profile", str(home), str(message)]


def prepare_dark_thunderbird(home: Path, message: Path) -> list[str]:
    return prepare_thunderbird(home, message, is_dark=True)


def prepare_claws(home: Path, message: Path) -> list[str]:
    for name in ("inbox", "sent", "draft", "queue", "trash", "../conf"):
        (home / "Mail" / name).mkdir(parents=True)
    shutil.copy(message, home / "Mail/inbox/1")
    plugin = next(Path("/usr/lib").glob("*/claws-mail/plugins/litehtml_viewer.so"), "")
    files = {
        "accountrc": CLAWS_ACCOUNT,
        "folderlist.xml": CLAWS_FOLDERS,
        "clawsrc": CLAWS_SETTINGS.format(plugin=plugin),
    }
    for name, text in files.items():
        (home / "conf" / name).write_text(text, encoding="utf-8")
    program = ["claws-mail", "--alternate-config-dir", str(home / "conf"), "--select", "#mh/Mail/inbox/1"]
    return ["dbus-run-session", "--", *program]


def prepare_neomutt(home: Path, message: Path) -> list[str]:
    content = message.read_bytes().replace(b"\r\n", b"\n")
    (home / "mbox").write_bytes(b"From weekly@example.org Wed Jan 14 09:00:00 2026\n" + content)
    (home / "rc").write_text(NEOMUTT.format(home=home), encoding="utf-8")
    terminal = ["xterm", "-fa", "DejaVu Sans Mono", "-fs", "11", "-geometry", "100x60", "-e"]
    return [*terminal, "neomutt", "-F", str(home / "rc"), "-f", str(home / "mbox")]


def prepare_evolution(home: Path, message: Path, *, theme: str = "Adwaita") -> list[str]:
    """Let Evolution create its folders, put the message in the first folder, and click on the message."""
    sources = home / ".config/evolution/sources"
    sources.mkdir(parents=True)
    (home / "run").mkdir(mode=0o700)
    # Without an account, Evolution would ask the user to create one.
    (sources / "account.source").write_text(
        "[Data Source]\nDisplayName=Test\nEnabled=true\nParent=\n\n[Mail Account]\nBackendName=none\nIdentityUid=sender\n"
    )
    (sources / "sender.source").write_text(
        "[Data Source]\nDisplayName=Test\nEnabled=true\nParent=account\n\n[Mail Identity]\nAddress=lezer@example.org\n"
    )
    (home / "message").write_bytes(message.read_bytes().replace(b"\r\n", b"\n"))
    (home / "show").write_text(EVOLUTION, encoding="utf-8")
    return ["env", f"GTK_THEME={theme}", "sh", str(home / "show")]


def prepare_dark_evolution(home: Path, message: Path) -> list[str]:
    return prepare_evolution(home, message, theme="Adwaita:dark")


PROGRAMS = (
    Program(name="thunderbird", needs=("thunderbird",), prepare=prepare_thunderbird, seconds=25),
    Program(name="thunderbird-dark", needs=("thunderbird",), prepare=prepare_dark_thunderbird, seconds=25),
    Program(name="claws", needs=("claws-mail", "dbus-run-session"), prepare=prepare_claws, seconds=10),
    Program(
        name="evolution",
        needs=("evolution", "xdotool", "dbus-run-session"),
        prepare=prepare_evolution,
        seconds=85,
    ),
    Program(
        name="evolution-dark",
        needs=("evolution", "xdotool", "dbus-run-session"),
        prepare=prepare_dark_evolution,
        seconds=85,
    ),
    Program(name="neomutt", needs=("neomutt", "xterm"), prepare=prepare_neomutt, seconds=4),
)


@contextmanager
def running(command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Run a command, and end it and its children afterwards."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=20)


def take_picture(program: Program, message: Path, path: Path) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        command = program.prepare(home, message)
        environment = {**os.environ, "HOME": name, "DISPLAY": DISPLAY, "LANG": "C.UTF-8"}
        with running(["Xvfb", DISPLAY, "-screen", "0", SCREEN], environment):
            time.sleep(2)
            with running(command, environment):
                time.sleep(program.seconds)
                shown = ["import", "-window", "root", "-trim", "-colors", "64", str(path)]
                subprocess.run(shown, env=environment, check=True)
    print(path)


def main(message: Path | None, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        if message is None:
            subprocess.run(
                [sys.executable, "-m", "moza_mail", "render", "issues/2026-01-14.md", "-o", name],
                cwd=ROOT,
                check=True,
            )
            message = Path(name) / "issue.eml"
        for program in PROGRAMS:
            missing = [need for need in ("Xvfb", "import", *program.needs) if not shutil.which(need)]
            if missing:
                print(f"{program.name}: skipped, because {', '.join(missing)} is not installed")
            else:
                take_picture(program, message.resolve(), folder / f"client-{program.name}.png")


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    main(given[0] if given else None, given[1] if given[1:] else ROOT / "build/clients")
