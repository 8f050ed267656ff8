"""The command line: `callpark start | dev | call | invoke | status | limits | demo`.

One module per command. A command reads its options, opens the application or asks a running server, prints, and exits
with a code of `cli.exits`.
"""

from callpark.cli.commands import main

__all__ = ["main"]
