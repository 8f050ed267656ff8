"""The command line: `callpark --help` lists the commands.

One module per command. A command reads its options, opens the application or asks a running server, prints, and exits
with a code of `cli.exits`.
"""

import sys

from callpark.cli import exits, interrupts

__all__ = ["main"]


def main() -> None:
    """The `callpark` script. Ctrl-C ends it quietly, even while modules are still being imported."""
    interrupts.abrupt()
    try:
        from callpark.cli import commands

        code = commands.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = exits.INTERRUPTED
    except RuntimeError as error:
        if not _interrupted(error):
            raise
        code = exits.INTERRUPTED
    sys.exit(code)


def _interrupted(error: RuntimeError) -> bool:
    """Python 3.11 reports a Ctrl-C while a class is being made as a RuntimeError about that class."""
    return isinstance(error.__cause__, KeyboardInterrupt)
