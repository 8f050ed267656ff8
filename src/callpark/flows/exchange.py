"""What the lane of a contact needs of the others and of the world; implemented by `open_contacts.py`."""

from typing import TYPE_CHECKING, Protocol

from callpark.flows.contact import Contact
from callpark.flows.custody import Rows
from callpark.flows.effects import Keep, OpenContact, SetAttributes, StartFunction
from callpark.flows.records import Records
from callpark.flows.world import Unmeasured, World
from callpark.kernel.clock import Clock
from callpark.kernel.trace import Trace
from callpark.store.ports import Store

if TYPE_CHECKING:
    from callpark.flows.lane import Lane


class Exchange(Protocol):
    clock: Clock
    trace: Trace
    store: Store
    records: Records
    rows: Rows

    def run_function(self, lane: "Lane", start: StartFunction) -> None: ...

    def warn(self, message: str) -> None: ...

    def moved(self, contact: Contact) -> None:
        """The contact has entered or left a queue or an agent."""
        ...

    def measure(self, lane: "Lane", unmeasured: Unmeasured, world: World) -> None:
        """Ask about queues, then have the lane take its turn again."""
        ...

    def prepare(self, creator: Contact, effect: OpenContact) -> Contact:
        """The contact that another one makes, to be saved with it."""
        ...

    def open(self, creator: Contact, effect: OpenContact) -> None: ...

    def keep(self, effect: Keep) -> None: ...

    def set_attributes(self, effect: SetAttributes) -> None: ...

    def forget(self, lane: "Lane") -> None: ...
