"""Which journals are open, and whose. Pure; fed by the follower, asked by the store and by who writes journals down."""

from collections.abc import Collection

from callpark.store.nats.records import OpeningHead


class Openings:
    def __init__(self) -> None:
        self._open: dict[str, tuple[int, OpeningHead]] = {}
        self._unseen: set[str] | None = None

    def hear(self, holder: str, head: OpeningHead | None, sequence: int) -> bool:
        """The journal of `holder` is open, or with None is no more. True when that is news."""
        if self._unseen is not None:
            self._unseen.discard(holder)
        known = self._open.get(holder)
        if known is not None and known[0] >= sequence:
            return False
        if head is None:
            return self._open.pop(holder, None) is not None
        self._open[holder] = sequence, head
        return known is None

    def begin_again(self) -> None:
        """All that are open will be brought."""
        self._unseen = set(self._open)

    def end_again(self, until: int) -> None:
        """They have been, up to the sequence `until`."""
        for holder in self._unseen or ():
            if self._open[holder][0] <= until:
                del self._open[holder]
        self._unseen = None

    def at(self, holder: str) -> int:
        """The sequence of what was heard last of a journal that is open."""
        return self._open[holder][0] if holder in self._open else 0

    def holders(self) -> set[str]:
        return set(self._open)

    def orphans(self, living: Collection[str]) -> list[str]:
        """Whose holders are not among the living."""
        return sorted(holder for holder in self._open if holder not in living)
