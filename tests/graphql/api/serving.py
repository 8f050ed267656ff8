"""A real server on a free port of 127.0.0.1, in the running loop, for tests with real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn

from callpark.graphql.api.web import GraphqlWeb


@contextlib.asynccontextmanager
async def serving(web: GraphqlWeb) -> AsyncIterator[str]:
    """Yields `127.0.0.1:port`."""
    config = uvicorn.Config(
        web, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    config.load()
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        ticking = asyncio.create_task(server.main_loop())
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await web.aclose()
            server.should_exit = True
            await ticking
            await server.shutdown(sockets=[listener])
