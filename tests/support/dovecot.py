"""A temporary Dovecot server: its files are in a temporary folder, its ports on loopback."""

import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import trustme

from tests.support.real_parts import require
from tests.support.smtp_servers import LOOPBACK, await_port, free_port

NUMBERS = count()
USER, PASSWORD = "bounces", "goed-wachtwoord"
# All processes run under one account, with or without the rights of root.
SETTINGS = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
auth_failure_delay = 0
disable_plaintext_auth = {guarded}
ssl = {tls}
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
mail_plugins = acl
plugin {{
  acl = vfile
}}
namespace inbox {{
  inbox = yes
}}
{passdb}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 10
}}
"""


PASSWORDS = f"""
passdb {{
  driver = static
  args = password={PASSWORD} user={USER}
}}
"""
# Dovecot asks the token server about each token, and offers no other login.
TOKENS = """
auth_mechanisms = xoauth2
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = FOLDER/oauth2.conf
}
"""
INTROSPECTION = """
introspection_mode = get
introspection_url = URL/introspect?access_token=
username_attribute = username
active_attribute = active
active_value = true
"""


@dataclass(frozen=True, kw_only=True)
class Dovecot:
    """A running server with one mailbox, the Maildir `mail`."""

    folder: Path
    port: int
    tls_port: int
    owner: tuple[int, int]

    def url(self, scheme: str = "imaps", folder: str = "INBOX", host: str = "localhost") -> str:
        return f"{scheme}://{USER}@{host}:{self.tls_port if scheme == 'imaps' else self.port}/{folder}"

    @property
    def authority(self) -> str:
        """The path of the certificate of the authority that signed the server's certificate."""
        return str(self.folder / "ca.pem")

    def deliver(self, *contents: bytes) -> None:
        """Deliver messages as a mail server does, each under a new file name."""
        for content in contents:
            name = f"{time.time_ns()}.{next(NUMBERS):06}"
            path = self.folder / "mail" / "tmp" / name
            path.write_bytes(content)
            os.chown(path, *self.owner)
            path.rename(self.folder / "mail" / "new" / name)

    def messages(self, folder: str = "") -> list[tuple[str, bytes]]:
        """Return the Maildir flags and the content of each message in a folder, oldest first; by default of the inbox."""
        of = self.folder / "mail" / (f".{folder}" if folder else "")
        paths = [path for part in ("new", "cur") if (of / part).is_dir() for path in (of / part).iterdir()]
        return [
            (path.name.partition(":2,")[2], path.read_bytes())
            for path in sorted(paths, key=lambda path: path.name)
        ]

    def has_logged(self, words: str) -> bool:
        """Return True if the log contains these words.

        Wait for them, because the server writes to its log after a client has left.
        """
        for _ in range(100):
            if words in self.read_log():
                return True
            time.sleep(0.05)
        return False

    def read_log(self) -> str:
        return (self.folder / "log").read_text()


@contextlib.contextmanager
def dovecot(*names: str, tls: str = "required", more: str = "", token_server: str = "") -> Iterator[Dovecot]:
    """Run a server with a certificate for these names (default: localhost), and with extra settings in `more`.

    token_server: the URL of a token server; then logins need an OAuth 2 token.
    """
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    require("dovecot", program is not None, "dovecot (Debian: dovecot-imapd) is not installed")
    entry = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")
    owner = (entry.pw_uid, entry.pw_gid)
    account = {"user": owner[0], "group": owner[1], "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="moza-dovecot-"))
    server = Dovecot(folder=folder, port=free_port(), tls_port=free_port(), owner=owner)
    _write_certificate(folder, names or ("localhost", LOOPBACK))
    for name in ("run", "state", "home", "mail", "mail/new", "mail/cur", "mail/tmp"):
        (folder / name).mkdir()
    settings = SETTINGS.format(
        folder=folder,
        user=entry.pw_name,
        group=grp.getgrgid(entry.pw_gid).gr_name,
        passdb=TOKENS.replace("FOLDER", str(folder)) if token_server else PASSWORDS,
        port=server.port,
        tls_port=server.tls_port,
        tls=tls,
        guarded="no" if tls == "no" else "yes",
    )
    (folder / "dovecot.conf").write_text(settings + more)
    (folder / "oauth2.conf").write_text(INTROSPECTION.replace("URL", token_server))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, *owner)
    command = (str(program), "-F", "-c", str(folder / "dovecot.conf"))
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **account,
    ) as process:
        try:
            await_port(server.port, process)
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
            shutil.rmtree(folder, ignore_errors=True)


def _write_certificate(folder: Path, names: tuple[str, ...]) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert(*names)
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))


@dataclass(kw_only=True)
class BreakingConnection:
    """A proxied connection that breaks when the client sends for the `after`th time."""

    port: int
    target_port: int
    after: int
    send_count: int = 0
    threads: list[threading.Thread] = field(default_factory=list)


@contextlib.contextmanager
def break_connection(target_port: int, after: int) -> Iterator[BreakingConnection]:
    """Forward one connection to a port on loopback, and break it when the client sends for the `after`th time."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        connection = BreakingConnection(port=listener.getsockname()[1], target_port=target_port, after=after)
        thread = threading.Thread(target=_forward, args=(listener, connection), daemon=True)
        thread.start()
        yield connection
    thread.join(10)


def _forward(listener: socket.socket, connection: BreakingConnection) -> None:
    with contextlib.suppress(OSError):
        client, _ = listener.accept()
        with client, socket.create_connection((LOOPBACK, connection.target_port)) as server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            while received := client.recv(65_536):
                connection.send_count += 1
                if connection.send_count == connection.after:
                    break
                server.sendall(received)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join(10)


def _copy(source: socket.socket, goal: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while heard := source.recv(65_536):
            goal.sendall(heard)
