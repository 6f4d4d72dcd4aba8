"""Open the socket that a server listens on."""

import socket

from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine.

    The socket listens before its URL is printed, so that an early request waits instead of failing.

    port: 0 for any free port.

    Raises ProjectError if the host or the port cannot be used.
    """
    try:
        family, kind, _protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio sets TCP_NODELAY only on a socket that was created with IPPROTO_TCP.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    except OSError as error:
        raise ProjectError(
            _(
                "`{host}` is not an address of this machine: {reason}",
                host=host,
                reason=describe_os_error(error),
            ),
            hint=_("Name one: --host ADDRESS"),
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ProjectError(
            _(
                "port {port} of {host} cannot be used: {reason}",
                port=port,
                host=host,
                reason=describe_os_error(error),
            ),
            hint=_("Name another port: --port PORT"),
        ) from None
    return listener
