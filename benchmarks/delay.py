"""A proxy on loopback that delays every byte in both directions, to simulate a distant relay."""

import asyncio
import sys
from contextlib import suppress

from tests.support.smtp_servers import LOOPBACK


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Copy bytes from one side to the other, and delay each byte by `seconds`."""
    loop = asyncio.get_running_loop()
    late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await late.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                break
            writer.write(data)
        writer.close()

    task = asyncio.create_task(deliver())
    with suppress(ConnectionError):
        while data := await reader.read(262_144):
            late.put_nowait((loop.time() + seconds, data))
    late.put_nowait((loop.time() + seconds, b""))
    with suppress(ConnectionError):
        await task


async def serve(port: int, target_port: int, seconds: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(LOOPBACK, target_port)
        await asyncio.gather(pipe(reader, there[1], seconds), pipe(there[0], writer, seconds))

    server = await asyncio.start_server(accept, LOOPBACK, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
