"""Writes message bodies to a connection no faster than the relay reads them."""

import asyncio

# asyncio pauses our writing while its buffer holds more octets than this. The commands after a body's final dot have fewer
# octets. So while we are paused, the final dot is still in the buffer, and the relay cannot have accepted the message.
WRITE_BUFFER = 4096
CHUNK_SIZE = 65536


class BodyWriter:
    """Writes a body in chunks, and knows whether the final dot may have been sent."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.is_paused = False
        self._transport = transport
        self._unwritten = memoryview(b"")
        transport.set_write_buffer_limits(high=WRITE_BUFFER, low=WRITE_BUFFER)

    @property
    def can_write(self) -> bool:
        """Return True if the transport has taken all of the last body and accepts more."""
        return not self.is_paused and not self._unwritten

    @property
    def is_end_unsent(self) -> bool:
        """Return True if the final dot of the last body has certainly not been sent."""
        return (
            bool(self._unwritten) or self.is_paused or self._transport.get_write_buffer_size() > WRITE_BUFFER
        )

    def start(self, body: bytes, tail: bytes) -> None:
        """Write a body. `tail` is the final dot, with any commands that follow it."""
        if len(body) <= CHUNK_SIZE:
            self._transport.writelines((body, tail))
        else:
            self._unwritten = memoryview(body + tail)
            self._write_chunks()

    def resume(self) -> None:
        """Continue writing, because the relay has read enough of the earlier octets."""
        self.is_paused = False
        self._write_chunks()

    def _write_chunks(self) -> None:
        while self._unwritten and not self.is_paused and not self._transport.is_closing():
            chunk, self._unwritten = self._unwritten[:CHUNK_SIZE], self._unwritten[CHUNK_SIZE:]
            self._transport.write(chunk)
