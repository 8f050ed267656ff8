"""Which chains of requests hold environments now: an invocation that belongs to one is nested. Kept by `running.py`.

A function that invokes another one and waits holds its environment meanwhile, so the bound on processes must not refuse
what it waits for: with all environments taken by callers, nobody would ever answer. Nested invocations are told by the
trace header, which SDKs pass on from inside a function: it has a `Lineage` (`lineage.py`), and its root is that of a
run which has not ended.
"""

from collections import Counter

_LINEAGE = "Lineage="
_ROOT = "Root="


class Chains:
    """Counts runs by the root of their trace."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    def begin(self, header: str) -> str:
        """A run has its environment, or waits for one; returns what `end` wants."""
        root = _root(header)
        self._running[root] += 1
        return root

    def end(self, root: str) -> None:
        if self._running[root] == 1:
            del self._running[root]
        else:
            self._running[root] -= 1

    def nested(self, header: str | None) -> bool:
        """Whether a request with this header comes from a run that has not ended."""
        return header is not None and _LINEAGE in header and _root(header) in self._running


def _root(header: str) -> str:
    _, found, rest = header.partition(_ROOT)
    return rest.partition(";")[0] if found else header
