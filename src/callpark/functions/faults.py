"""Faults that users inject to test their own error handling: the next N deliveries to a function go wrong. Pure.

`fault_injection.py` keeps a `FaultPlan` and acts on what `taken` gives; `api/faults.py` and `callpark faults` feed it.
A delivery is one try to give a function its event, synchronous or not: a retry is another delivery.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

FaultKind: TypeAlias = Literal["throttle", "fail", "crash", "delay", "duplicate"]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
ERROR_TYPE = "InjectedFault"
MESSAGE = "a fault that was asked for"


@dataclass(frozen=True, slots=True)
class Fault:
    """What shall happen to the next `deliveries` of a function.

    throttle: no environment is free (429, or back-off for an event). fail: the handler raises `error_type` with
    `message`, without being run. crash: its process exits, without being run. delay: it is run `seconds` later, on the
    server's clock. duplicate: it is run twice with the same event and request id; the second answer counts.
    """

    function: str
    kind: FaultKind
    deliveries: int = 1
    seconds: float = 0.0
    error_type: str = ERROR_TYPE
    message: str = MESSAGE


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What is still to go wrong, in the order in which it was asked for. Of one function's, the first comes first."""

    faults: tuple[Fault, ...] = ()

    def with_fault(self, fault: Fault) -> "FaultPlan":
        return FaultPlan((*self.faults, fault))

    def without(self, function: str | None) -> "FaultPlan":
        """Nothing more for this function, or for any."""
        return FaultPlan(() if function is None else tuple(f for f in self.faults if f.function != function))

    def taken(self, function: str) -> "tuple[Fault | None, FaultPlan]":
        """What happens to this delivery of `function`, and the plan after it."""
        for index, fault in enumerate(self.faults):
            if fault.function == function:
                rest = (replace(fault, deliveries=fault.deliveries - 1),) if fault.deliveries > 1 else ()
                return fault, FaultPlan((*self.faults[:index], *rest, *self.faults[index + 1 :]))
        return None, self
