"""Where a stop sequence ends a text that comes in pieces. Pure.

Used by backends that see every token. A sequence may begin in one token and end in another, so text that could still
become a sequence is kept back until it is clear.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StopText:
    """What has been seen and not yet said. `met`: the sequence that ended the text."""

    sequences: tuple[str, ...]
    kept: str = ""
    met: str | None = field(default=None)


def spoken(state: StopText, piece: str) -> tuple[StopText, str]:
    """The state after a further piece, and what of the text can be said now. Nothing is said after a sequence, whose
    own text is never said; of several the one that begins first counts, then the longest."""
    if not state.sequences or state.met is not None:
        return state, piece if state.met is None else ""
    text = state.kept + piece
    found = _first(text, state.sequences)
    keep_from = _possible_start(text, state.sequences)
    if found is not None and found[0] <= keep_from:
        return StopText(state.sequences, "", found[1]), text[: found[0]]
    return StopText(state.sequences, text[keep_from:]), text[:keep_from]


def finished(state: StopText) -> tuple[StopText, str]:
    """What was kept back, once nothing more comes: it may hold a sequence that a longer one could have begun before."""
    found = _first(state.kept, state.sequences)
    if state.met is not None or found is None:
        return state, state.kept
    return StopText(state.sequences, "", found[1]), state.kept[: found[0]]


def _first(text: str, sequences: tuple[str, ...]) -> tuple[int, str] | None:
    """Where the first sequence begins, and which."""
    found = [(at, -len(sequence), sequence) for sequence in sequences if (at := text.find(sequence)) >= 0]
    at, _, sequence = min(found, default=(0, 0, ""))
    return (at, sequence) if found else None


def _possible_start(text: str, sequences: tuple[str, ...]) -> int:
    """The first place from which the text's end could be the beginning of a sequence; its length for none."""
    longest = max(map(len, sequences))
    for at in range(max(0, len(text) - longest + 1), len(text)):
        rest = text[at:]
        if any(len(rest) < len(sequence) and sequence.startswith(rest) for sequence in sequences):
            return at
    return len(text)
