"""A server on a loopback port that answers as it is told and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 7\r\n\r\n{"a":1}'


@dataclass
class HttpServer:
    """`answer` is written as it is; None: the connection is closed, `silent`: nothing is answered."""

    url: str = ""
    answer: bytes | None = OK
    silent: bool = False
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def http_server() -> AsyncIterator[HttpServer]:
    served = HttpServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                served.requests.append((first.removesuffix(" HTTP/1.1"), headers, body))
                if served.answer is None:
                    break
                if not served.silent:
                    writer.write(served.answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
