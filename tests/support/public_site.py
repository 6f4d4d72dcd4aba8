"""The public pages of a project, served by `moza-mail serve` in its own process."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from moza_mail.compose import SignedLinks
from moza_mail.web.public import forms
from tests.support.project_folder import Folder, folder
from tests.support.smtp_servers import LOOPBACK, await_port, free_port


@dataclass(frozen=True, kw_only=True)
class Site:
    """A project whose public pages are being served."""

    folder: Folder
    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def links(self) -> SignedLinks:
        secret = (self.folder.path / "subscribers" / "secret").read_text().strip()
        return SignedLinks(secret=secret.encode(), public_url=self.url)

    @property
    def address(self) -> tuple[str, int]:
        return LOOPBACK, int(self.url.removeprefix(f"http://{LOOPBACK}:").partition("/")[0])

    @staticmethod
    def hidden(page: str) -> dict[str, str]:
        """Return the hidden fields of a page's form, with an empty `homepage`, which only programs fill in."""
        return {
            **dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)),
            "homepage": "",
        }

    def form(self, list_slug: str = "weekly", seconds: float = 5, **fields: str) -> dict[str, str]:
        """Return the sign-up form of a list as a browser sends it after this many seconds."""
        with self.client() as web:
            hidden = self.hidden(web.get(f"/lists/{list_slug}").text)
        stamp = forms.make_stamp(self.links, list_slug, datetime.now(UTC) - timedelta(seconds=seconds))
        return {**hidden, "form": stamp, "email": "zoe@example.org", "name": "Zoë", **fields}

    def client(self, **more) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30, **more)

    def dump(self) -> dict[str, list[tuple]]:
        """Return all rows of the store, by table."""
        import sqlite3

        with contextlib.closing(sqlite3.connect(self.folder.path / "subscribers" / "moza-mail.db")) as store:
            names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: store.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(names)}

    def wait_for_sign_ups(self) -> None:
        """Wait until the server has handled every form that was sent."""
        handled_at = 10
        for _ in range(600):
            if all(row[handled_at] for row in self.dump()["sign_up_requests"]):
                return
            time.sleep(0.05)
        raise AssertionError("the server does not handle the forms")

    def state(self, address: str) -> str:
        self.wait_for_sign_ups()
        held = self.folder.run("subscribers", "show", address, "--json").json
        return held["subscriptions"][0]["state"]


@contextlib.contextmanager
def serve_site(here: Folder, path: str = "", port: int = 0) -> Iterator[Site]:
    """Serve a project; `path` is the path of its public_url."""
    port = port or free_port()
    url = f"http://{LOOPBACK}:{port}{path}"
    here.set(public_url=url)
    with here.start("serve", "--port", str(port)) as process:
        try:
            await_port(port, process)
            # The server listens before it has loaded the project. Its first response shows that it has.
            httpx.get(f"{url}/healthz", trust_env=False, timeout=30).raise_for_status()
            yield Site(folder=here, url=url, process=process)
        finally:
            process.terminate()


def project(path: Path) -> Folder:
    """Create a folder with the example project."""
    path.mkdir(parents=True, exist_ok=True)
    return folder(path)
