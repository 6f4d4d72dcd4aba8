"""Take pictures of a mail in Roundcube: `python -m benchmarks.roundcube_shots [MESSAGE.eml [FOLDER]]`.

Debian has the programs: `apt install roundcube-core roundcube-sqlite3 php-cli dovecot-imapd chromium`. Dovecot has one mailbox, and PHP
serves Roundcube, both on loopback and from a temporary folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.shots import ROOT, launch_chromium
from tests.support.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.support.smtp_servers import LOOPBACK, await_port, free_port

ROUNDCUBE = Path("/var/lib/roundcube")
SETTINGS = """<?php
$config = [
    'db_dsnw' => 'sqlite:///{folder}/roundcube.db?mode=0640',
    'imap_host' => '{imap}',
    'des_key' => 'a key of 24 characters  ',
    'plugins' => [],
    'skin' => 'elastic',
    'log_dir' => '{folder}',
    'temp_dir' => '{folder}',
    'prefer_html' => true,
    'language' => 'nl_NL',
];
"""
# The width of the window, and the colour scheme that the user prefers.
LOOKS = (("roundcube", 1300, "light"), ("roundcube-dark", 1300, "dark"), ("roundcube-phone", 375, "light"))


@contextmanager
def serving(folder: Path, mailbox: Dovecot) -> Iterator[str]:
    """Serve Roundcube with a new database, and yield its URL."""
    for name in ("defaults.inc.php", "mimetypes.php"):
        shutil.copy(f"/etc/roundcube/{name}", folder)
    (folder / "config.inc.php").write_text(
        SETTINGS.replace("{folder}", str(folder)).replace("{imap}", f"{LOOPBACK}:{mailbox.port}")
    )
    schema = next(path for path in (ROUNDCUBE / "SQL", Path("/usr/share/roundcube/SQL")) if path.is_dir())
    subprocess.run(
        [
            "php",
            "-r",
            f"(new PDO('sqlite:{folder}/roundcube.db'))->exec(file_get_contents('{schema}/sqlite.initial.sql'));",
        ],
        check=True,
    )
    port = free_port()
    environment = {**os.environ, "ROUNDCUBE_CONFIG_DIR": str(folder)}
    command = ["php", "-S", f"{LOOPBACK}:{port}", "-t", str(ROUNDCUBE)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            await_port(port, process)
            yield f"http://{LOOPBACK}:{port}/"
        finally:
            process.terminate()
            process.wait(10)


def take_picture(browser: Browser, url: str, path: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 1400}, color_scheme=scheme)
    page.goto(url)
    page.fill("#rcmloginuser", USER)
    page.fill("#rcmloginpwd", PASSWORD)
    page.click("#rcmloginsubmit")
    page.wait_for_load_state("networkidle")
    page.goto(f"{url}?_task=mail&_action=show&_uid=1&_mbox=INBOX")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path)
    page.close()
    print(path)


def main(message: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, dovecot(tls="no") as mailbox:
        mailbox.deliver(message.read_bytes())
        with serving(Path(name), mailbox) as url, sync_playwright() as playwright:
            browser = launch_chromium(playwright)
            for look, width, scheme in LOOKS:
                take_picture(browser, url, folder / f"client-{look}.png", width, scheme)
            browser.close()


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    main(given[0], given[1] if given[1:] else ROOT / "build/clients")
