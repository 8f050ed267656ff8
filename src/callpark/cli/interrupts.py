"""What Ctrl-C does until a command's event loop runs: it ends the process at once.

Modules are imported until then, and nothing is open. An exception in the middle of that may be lost on its way (in a
callback of the collector, in a class that is being made), and the command would start all the same.
"""

import os
import signal
from types import FrameType

from callpark.cli import exits


def abrupt() -> None:
    """Called first of all. Leaves SIGINT alone where whoever started the process had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def orderly() -> None:
    """Called when the event loop begins, which has a way of its own to be interrupted."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(exits.INTERRUPTED)
