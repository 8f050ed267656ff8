"""Which holders live. Pure; fed by the follower, asked by the store.

Each node writes its member message every `beat_seconds` and may lease as long as the last one was stored in time. Who
was silent for longer than that is put out: whoever notices replaces the member message by a tombstone, expecting the
last beat. So of the beat and the tombstone one is refused, and a node that was put out knows it at its next beat.

Silence is measured between own beats as the stream has them, and in such beats too: a node whose own beats do not come
back judges nobody, and neither does one whose first beat is stored after the servers were away from all.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Member:
    """`heard_at` on this node's monotonic clock; `sequence` of the last beat; `missed`: own beats since."""

    name: str
    holder: str
    sequence: int
    heard_at: float
    missed: int = 0


class Membership:
    def __init__(self, name: str, silence_seconds: float, beat_seconds: float) -> None:
        self.name = name
        self._silence_beats = round(silence_seconds / beat_seconds)
        self._silence_seconds = silence_seconds
        self._members: dict[str, Member] = {}

    def hear(self, name: str, holder: str | None, sequence: int, now: float) -> bool:
        """A member message: `holder` None when the member is gone. True when the living changed."""
        known = self._members.get(name)
        if known is not None and known.sequence >= sequence:
            return False
        if holder is None:
            return self._members.pop(name, None) is not None
        self._members[name] = Member(name, holder, sequence, now)
        return known is None or known.holder != holder

    def silent(self, sent_at: float) -> list[Member]:
        """An own beat came back that was sent at `sent_at`: who has not beaten for so long, and for so many own beats,
        before it."""
        found: list[Member] = []
        for member in self._members.values():
            if member.name != self.name:
                member.missed += 1
                if sent_at - member.heard_at > self._silence_seconds and member.missed >= self._silence_beats:
                    found.append(member)
        return found

    def living(self) -> set[str]:
        return {member.holder for member in self._members.values()}

    def begin_again(self) -> None:
        """What was missed may have been a beat: nobody is judged by what was heard before."""
        self._members.clear()
