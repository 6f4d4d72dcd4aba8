"""A web server on loopback that follows a script and records the requests."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Return a complete HTTP/1.1 response."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(status: int, to: str) -> bytes:
    return answer(status, f"Location: {to}")


@dataclass(kw_only=True)
class WebServer:
    """A running server and the requests that it got.

    requests: each request as ("GET /path", headers).
    max_connections: the largest number of simultaneous connections.
    """

    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open_connections: int = 0
    max_connections: int = 0
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, host: str = "web.test", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def lines(self) -> list[str]:
        return [line for line, _ in self.requests]


@contextlib.asynccontextmanager
async def run_web_server(
    script: Mapping[str, Answer], *, host: str = LOOPBACK, tls: ssl.SSLContext | None = None
) -> AsyncIterator[WebServer]:
    """Serve a script: a map of "GET /path" or "/path" to a response. Other paths get a 404."""
    served = WebServer()

    async def served_one(reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in head[1:] if row)}
        served.requests.append((f"{method} {path}", headers))
        says = script.get(f"{method} {path}", script.get(path, answer(404)))
        is_head = method == "HEAD" and isinstance(says, bytes)
        return says.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if is_head else says

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.open_connections += 1
        served.max_connections = max(served.max_connections, served.open_connections)
        try:
            # Keep the connection open for the next request, as most servers do, until the client closes it.
            while not callable(says := await served_one(reader)):
                writer.write(says)
                await writer.drain()
            await says(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            served.disconnected.set()
        finally:
            served.open_connections -= 1
            writer.close()

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
