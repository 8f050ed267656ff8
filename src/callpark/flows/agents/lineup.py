"""Contacts in queues, those that ring for nobody in lines: kept sorted, so that routing looks at their heads only.

The state behind `routing.next_offers`; used by `floor.py`.
"""

import bisect
from collections.abc import Sequence

from callpark.flows.agents.routing import LineKey, Lines, Turn, Waiting


class LineUp:
    def __init__(self) -> None:
        self._queued: dict[str, Waiting] = {}
        self._lines: dict[LineKey, list[tuple[Turn, Waiting]]] = {}

    @property
    def queued(self) -> Sequence[Waiting]:
        """All, ringing or not."""
        return list(self._queued.values())

    @property
    def lines(self) -> Lines:
        return self._lines

    def add(self, waiting: Waiting, *, rings: bool) -> None:
        self._queued[waiting.contact_id] = waiting
        if not rings:
            bisect.insort(self._lines.setdefault(waiting.line, []), (waiting.turn, waiting), key=_turn)

    def rings(self, contact_id: str) -> None:
        """It is in its queue still, and in no line."""
        self._leave_line(self._queued[contact_id])

    def waits(self, contact_id: str) -> None:
        """It rings for nobody any more."""
        self.add(self._queued[contact_id], rings=False)

    def remove(self, contact_id: str) -> None:
        waiting = self._queued.pop(contact_id, None)
        if waiting is not None:
            self._leave_line(waiting)

    def _leave_line(self, waiting: Waiting) -> None:
        line = self._lines.get(waiting.line, [])
        place = bisect.bisect_left(line, waiting.turn, key=_turn)
        if place < len(line) and line[place][0] == waiting.turn:
            del line[place]
        if not line:
            self._lines.pop(waiting.line, None)


def _turn(item: tuple[Turn, Waiting]) -> Turn:
    return item[0]
