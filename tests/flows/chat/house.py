"""Chats over a store in memory, on a clock: one process, with topics that are only written down."""

import asyncio
import json
from collections.abc import Mapping, Sequence

from callpark.flows.api.operations import operations
from callpark.flows.chat import transcript
from callpark.flows.chat.attachments import Attachments
from callpark.flows.chat.model import Item
from callpark.flows.chat.requests import NewChat
from callpark.flows.chat.scanning import Scanner
from callpark.flows.chat.service import Chats, Seat
from callpark.flows.chat.streaming import Streaming
from callpark.flows.control.plane import ControlPlane
from callpark.flows.model import NumberDefinition
from callpark.gateway.codecs import operation_codec
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.store.memory import MemoryFaults, MemoryStore
from tests.flows.building import INSTANCE, Action, definition
from tests.flows.chat.chatting import ECHO
from tests.flows.exchange import Office, Stub

TOPIC = "arn:aws:sns:us-east-1:123456789012:chats"
NUMBER = "+442079460001"


class Elsewhere:
    """The services that callpark does not serve: calls are written down, some refused. `refusals` are raised one after
    another, for the calls to come."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, object]]] = []
        self.refusals: list[CallerError] = []
        self.nobody: dict[str, str] = {}

    @property
    def published(self) -> list[Mapping[str, object]]:
        return [json.loads(str(given["Message"])) for name, given in self.calls if name == "Publish"]

    def remedy(self, service: str) -> str | None:
        return self.nobody.get(service)

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        await asyncio.sleep(0)
        if operation == "Publish" and self.refusals:
            raise self.refusals.pop(0)
        if parameters.get("TopicArn") not in (None, TOPIC):
            raise CallerError("NotFound", 404, "Topic does not exist")
        self.calls.append((operation, parameters))
        return {}


class Ear:
    """A web socket."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.items: list[dict[str, object]] = []
        self.ended = False

    def written(self, text: str) -> None:
        item = json.loads(json.loads(text)["content"])
        self.ids.append(item["Id"])
        self.items.append(item)

    def over(self) -> None:
        self.ended = True

    def replaced(self) -> None:
        self.ended = True


class House:
    """One process with chats. `opened()` for all of it, with a flow that the number's messages reach; `store` of a
    former process."""

    def __init__(
        self,
        clock: VirtualClock,
        faults: MemoryFaults | None = None,
        limits: ConnectLimits | None = None,
        *,
        flow: Sequence[Action] = ECHO,
        stubs: Mapping[str, Stub] | None = None,
        store: MemoryStore | None = None,
        seed: int = 3,
    ) -> None:
        self.clock = clock
        self.store = store or MemoryStore(clock, faults or MemoryFaults())
        self.limits = limits or ConnectLimits()
        self.flow = definition(*flow)
        self.office = Office(clock, [self.flow], stubs or {}, store=self.store, limits=self.limits, seed=seed + 1)
        self.chats = Chats(self.office.flows, clock, SeededIds(seed), self.limits, self.store)
        self.elsewhere = Elsewhere()
        self.plane = ControlPlane(
            self.office.flows,
            self.store,
            clock=clock,
            ids=SeededIds(seed + 2),
            limits=self.limits,
            place=Place(),
            functions=self.office.runner,
        )
        self.streaming = Streaming(
            self.office.flows, clock, SeededIds(seed + 3), self.limits, self.store, self.elsewhere
        )
        scanner = Scanner(
            functions=self.office.runner,
            upstreams=self.elsewhere,
            clock=clock,
            ids=SeededIds(seed + 4),
            limits=self.limits,
            function=self.plane.file_scanner,
            instance_arn=lambda: self.plane.arn,
        )
        self.attachments = Attachments(self.chats, self.office.flows, self.store, scanner, self.plane.chat_files)
        self.operations: OperationTable = operations(
            self.office.flows, self.chats, self.attachments, self.streaming, self.plane
        )

    async def opened(self) -> "House":
        """As `app.py` opens it."""
        number = NumberDefinition(NUMBER, "arn:aws:connect:us-east-1:123456789012:phone-number/n-1", self.flow.arn)
        await self.plane.start()
        await self.plane.apply(INSTANCE, [self.flow], [number])
        await self.chats.start()
        await self.office.flows.start(self.chats.reconnect)
        await self.attachments.start()
        self.streaming.open()
        return self

    async def closed(self) -> MemoryStore:
        await self.streaming.close()
        await self.attachments.close()
        await self.office.flows.close()
        return self.store

    async def ask(self, operation: str, **parameters: object) -> Mapping[str, object]:
        """An operation of Connect or of the participant service as the gateway calls it. Raises CallerError."""
        service = "connect" if ("connect", operation) in self.operations else "connectparticipant"
        given = {"InstanceId": self.plane.instance_id, **parameters} if service == "connect" else parameters
        if operation == "SendChatIntegrationEvent":
            given = parameters
        codec = operation_codec(service, operation, "rest-json")
        codec.validate(given)
        call = Call(service, operation, given, "r", Place(), {"host": "127.0.0.1:4566"})
        answer = await self.operations[service, operation](call)
        assert not isinstance(answer, Answer)
        codec.serialise(Answer(answer), "r")
        return answer

    async def chat(self) -> tuple[Seat, Ear]:
        begun = await self.chats.begin(NewChat("flow", "Ann", {}))
        seat = self.chats.admit(begun.participant_token)
        ear = Ear()
        seat.room.join(seat.participant, ear)
        return seat, ear

    def token(self, seat: Seat) -> str:
        """A connection token."""
        return self.chats.connection(seat).token

    async def kept(self, contact_id: str) -> list[Item]:
        return transcript.items(await self.store.scan(transcript.TABLE, f"{contact_id}/"))
