"""The command line: `callpark --help` lists the commands.

One module per command. A command reads its options, opens the application or asks a running server, prints, and exits
with a code of `cli.exits`.
"""

import sys

from callpark.cli import exits

__all__ = ["main"]


def main() -> None:
    """The `callpark` script. Ctrl-C ends it quietly, even while modules are still being imported."""
    try:
        from callpark.cli import commands

        code = commands.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = exits.INTERRUPTED
    sys.exit(code)
