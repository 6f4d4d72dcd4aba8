"""Tell systemd that a service is ready (sd_notify(3))."""

import os
import socket


def notify_ready() -> None:
    """Report to the service manager that this process is ready to serve.

    NOTIFY_SOCKET names the socket of the service manager; without it nothing is reported. A name that
    begins with `@` is in the abstract namespace.
    """
    name = os.environ.get("NOTIFY_SOCKET", "")
    if name.startswith(("/", "@")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
            connection.connect(name.replace("@", "\0", 1) if name.startswith("@") else name)
            connection.sendall(b"READY=1")
