"""One request to a model, from its arrival to its last word: who waits for it, what it costs, what ends it.

Used by the operations that generate text. Whatever ends an exchange, a model's last word, its failure, a client that
leaves or a server that stops, ends the generation too.
"""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from callpark.kernel.asgi import ClientGone
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call
from callpark.kernel.trace import Trace
from callpark.models.api.client import Client, caller
from callpark.models.api.failing import in_stream
from callpark.models.api.telling import Account, Ignored
from callpark.models.asked import Asked
from callpark.models.completion import Completion, Ended, Step, Steps, TextAdded, completed
from callpark.models.service import Generation, Models

Event: TypeAlias = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A generation that has begun. `held`: what has to end with it."""

    call: Call
    account: Account
    client: Client
    generation: Generation
    held: contextlib.AsyncExitStack

    async def completion(self) -> Completion:
        """All of it. Raises CallerError and ClientGone."""
        async with self.held:
            completion = completed([part async for part in self.client.reads(self.generation)])
            self.account.usage = completion.usage
            return completion

    async def events(self, write: Callable[[Step], Sequence[Event]]) -> AsyncGenerator[Event, None]:
        """What `write` makes of each step, the moment it is taken. Ends early when the client leaves. Raises
        CallerError as a stream can carry it."""
        steps = Steps()
        try:
            async with self.held:
                async for part in self.client.reads(self.generation):
                    for step in steps.after(part):
                        self._note(step)
                        for event in write(step):
                            yield event
        except ClientGone:
            return
        except CallerError as error:
            raise in_stream(error, self.call.operation) from None

    def _note(self, step: Step) -> None:
        if isinstance(step, TextAdded):
            self.account.spoken()
        elif isinstance(step, Ended):
            self.account.usage = step.usage


class Exchanges:
    """Begins them."""

    def __init__(self, models: Models, clock: Clock, trace: Trace) -> None:
        self.models = models
        self.clock = clock
        self._trace = trace
        self._ignored = Ignored()

    def account(self, call: Call) -> Account:
        return Account(self.clock, self._trace, call, model_of(call))

    def tell(self, call: Call, ignored: Sequence[str]) -> None:
        self._ignored.tell(call.operation, ignored)

    async def begin(self, call: Call, read: Callable[[], Asked]) -> Exchange:
        """Returns with the model's first sign of life, so that what fails before it has a status of its own. Raises
        CallerError and ClientGone."""
        model_id = model_of(call)
        self.models.check(model_id)  # first: of models that nobody has there is nothing to count
        async with contextlib.AsyncExitStack() as held:
            account = held.enter_context(self.account(call))
            client = await held.enter_async_context(Client(call))
            asked = read()
            self.tell(call, asked.ignored)
            begun = self.models.generate(model_id, asked.request, caller(call.headers))
            generation = await held.enter_async_context(await client.waits_for(begun))
            return Exchange(call, account, client, generation, held.pop_all())


def model_of(call: Call) -> str:
    return str(call.parameters["modelId"])
