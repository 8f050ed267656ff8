"""What people type, or a script gives, line by line: for commands that converse."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator


async def typed() -> AsyncIterator[str]:
    """Lines of standard input until it ends, without their ends; the loop goes on meanwhile."""
    if stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        for line in sys.stdin:
            yield line.rstrip("\r\n")
        return
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode(errors="replace").rstrip("\r\n")
