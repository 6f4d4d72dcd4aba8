"""A real Postfix on loopback that accepts mail for everybody and discards it, with restrictions that a test chooses."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.smtp_servers import LOOPBACK, free_port

MASTER = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
discard unix - - n - - discard
local unix - n n - - local
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = /
myhostname = relay.test
mydestination = relay.test
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_recipient_maps =
relay_transport = discard
default_transport = discard
virtual_transport = discard
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtpd_error_sleep_time = 0
"""


class Postfix:
    """A running Postfix. `configure` changes its settings at once."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    @property
    def relay(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "postfix.log").read_text()

    def configure(self, *settings: str) -> None:
        write_settings(self.folder, settings)
        run(self.folder, "reload")
        time.sleep(1)


def write_settings(folder: Path, settings: Sequence[str]) -> None:
    """Write main.cf. A setting of the test replaces the default."""
    lines = [*MAIN.format(folder=folder).splitlines(), *settings]
    values = dict(line.split(" =", 1) for line in lines)
    path = folder / "etc/main.cf"
    path.write_text("".join(f"{name} ={value}\n" for name, value in values.items()))
    # Each Postfix process waits until main.cf is two seconds old, because another process may still be writing it.
    os.utime(path, (time.time() - 60,) * 2)


def run(folder: Path, command: str) -> None:
    done = subprocess.run(
        ["/usr/sbin/postfix", "-c", str(folder / "etc"), command],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr + (folder / "postfix.log").read_text()


@contextlib.contextmanager
def postfix(*settings: str) -> Iterator[Postfix]:
    """Run Postfix in a new folder. Skip the test if Postfix is missing or the account is not root."""
    if os.geteuid() != 0 or not Path("/usr/lib/postfix/sbin/smtpd").exists():
        pytest.skip("needs root and Postfix")
    # The folder is outside pytest's folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="moza-postfix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postfix(folder, free_port())
        for part in ("etc", "queue", "data"):
            (folder / part).mkdir()
        shutil.chown(folder / "data", "postfix")
        (folder / "etc/master.cf").write_text(MASTER.format(port=f"{LOOPBACK}:{server.port}"))
        write_settings(folder, settings)
        run(folder, "start")
        try:
            yield server
        finally:
            run(folder, "stop")
