"""What one evaluation of a handler or a template left behind, whichever runtime it ran in.

Made by `js/` and `vtl/`; read by `resolvers/` and by the evaluate operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation left. `halt` is how it ended early: `{"kind": "error", message, type, data, errorInfo}` or
    `{"kind": "return", value, skipTo}`; `args` and `stash` are as the handler left them."""

    value: object = None
    halt: Mapping[str, object] | None = None
    args: Mapping[str, object] = field(default_factory=dict)
    stash: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[Mapping[str, object], ...] = ()
    logs: tuple[str, ...] = ()
    effects: tuple[dict[str, object], ...] = ()
