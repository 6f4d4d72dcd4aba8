"""HTTP/1.1 for both web servers. A malformed request only closes its own connection."""

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class TolerantHttp(H11Protocol):
    """HTTP/1.1 protocol that closes the connection of a malformed request.

    The malformed part may arrive after the response has begun.
    """

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's signature)
        """Refuse a malformed request, or only close the connection if a response to it has begun.

        The response has no body, because the malformed request may be a HEAD request.
        """
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            headers = [(b"content-length", b"0"), (b"connection", b"close")]
            response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            self.transport.write(
                (self.conn.send(response) or b"") + (self.conn.send(h11.EndOfMessage()) or b"")
            )
        self.transport.close()
        if self.cycle is not None:
            # The application may still be running, but must not answer a second time.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
