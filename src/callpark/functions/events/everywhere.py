"""Asynchronous events wherever they were accepted and run: `EventAdministration` of all nodes as one.

Made by `functions/service.py`, used by `api/events.py`. What waits and what was discarded is in the store; what runs,
what succeeded and what the traces remember each node knows of its own, and is asked. A single node asks nobody.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from callpark.functions.events.administration import (
    EventAdministration,
    EventStanding,
    EventStory,
    Kept,
    Redriven,
    UnknownEvent,
)
from callpark.functions.events.timeline import Step
from callpark.kernel.others import Members, Others, Questions

_KNOWN, _STORY, _KEPT = "Events", "EventStory", "EventKept"
#: Of what several nodes say of one event the first of these holds.
_CERTAIN: Final = ("succeeded", "discarded", "running", "throttled", "retrying", "waiting")


class Listing(msgspec.Struct, frozen=True):
    """At most so many of each as were asked for; `totals` of each."""

    events: Sequence[EventStanding]
    discarded: Sequence[EventStanding]
    succeeded: Sequence[EventStanding]
    totals: dict[str, int]


class _Known(msgspec.Struct, frozen=True):
    """What a node has in hand, what it remembers as succeeded, and how many of those there are."""

    in_hand: list[EventStanding]
    succeeded: list[EventStanding]
    total: int


class EventsEverywhere:
    def __init__(self, here: EventAdministration, others: Others) -> None:
        self._here = here
        self._others = others

    def questions(self) -> Questions:
        """What other nodes ask this one."""
        return {_KNOWN: self._answer_known, _STORY: self._answer_story, _KEPT: self._answer_kept}

    async def listing(self, function: str | None, limit: int) -> Listing:
        gathered = await self._others.ask(_KNOWN, {"function": function, "limit": limit})
        known = [(self._others.name, self._known(function, limit))]
        known += [(name, msgspec.convert(said, _Known)) for name, said in gathered.said.items()]
        in_hand = {event.request_id: _at(event, node) for node, each in known for event in each.in_hand}
        succeeded = [_at(event, node) for node, each in known for event in each.succeeded]
        await self._renew()
        waiting = await self._here.standing(function, limit)
        discarded = self._here.discarded(function)
        return Listing(
            [in_hand.get(event.request_id, event) for event in waiting],
            discarded[-limit:],
            sorted(succeeded, key=lambda event: event.ended_at or 0.0)[-limit:],
            {
                "events": await self._here.waiting(function),
                "discarded": len(discarded),
                "succeeded": sum(each.total for _, each in known),
            },
        )

    async def story(self, request_id: str) -> EventStory:
        """Raises UnknownEvent."""
        await self._renew()
        gathered = await self._others.ask(_STORY, {"requestId": request_id})
        told = [(self._others.name, await self._story(request_id))]
        told += [(name, msgspec.convert(said["story"], type=EventStory | None)) for name, said in gathered.said.items()]
        stories = [(node, story) for node, story in told if story is not None]
        if not stories:
            raise UnknownEvent(request_id)
        return _joined(request_id, stories)

    async def replay(self, request_id: str, payload: bytes | None = None) -> str:
        """Send an ended event again, with its own payload or another; returns the new request id. Raises UnknownEvent
        and CallerError."""
        await self._renew()
        try:
            return await self._here.replay(request_id, payload)
        except UnknownEvent:
            gathered = await self._others.ask(_KEPT, {"requestId": request_id})
        for said in gathered.said.values():
            kept = msgspec.convert(said["kept"], type=Kept | None)
            if kept is not None:
                return await self._here.send(request_id, kept, payload)
        raise UnknownEvent(request_id)

    async def redrive(self, function: str | None, request_ids: Sequence[str] | None = None) -> list[Redriven]:
        """As `EventAdministration.redrive`, whichever node discarded them."""
        await self._renew()
        return await self._here.redrive(function, request_ids)

    # Answers to other nodes

    async def _answer_known(self, members: Members) -> Members:
        function, limit = members["function"], members["limit"]
        assert isinstance(limit, int)
        return _plain(self._known(None if function is None else str(function), limit))

    async def _answer_story(self, members: Members) -> Members:
        return {"story": msgspec.to_builtins(await self._story(str(members["requestId"])))}

    async def _answer_kept(self, members: Members) -> Members:
        kept = await self._here.kept(str(members["requestId"]))
        return {"kept": None if kept is None else msgspec.structs.asdict(kept)}

    # Inside

    async def _renew(self) -> None:
        if self._others.name:
            await self._here.renew()

    async def _story(self, request_id: str) -> EventStory | None:
        try:
            return await self._here.story(request_id)
        except UnknownEvent:
            return None

    def _known(self, function: str | None, limit: int) -> _Known:
        succeeded = self._here.succeeded(function)
        return _Known(self._here.in_hand(function), succeeded[-limit:], len(succeeded))


def _joined(request_id: str, stories: Sequence[tuple[str, EventStory]]) -> EventStory:
    """One story of what each node knows of it. Pure."""
    standings = [_at(story.standing, node) for node, story in stories if story.standing is not None]
    standings.sort(key=lambda standing: _CERTAIN.index(standing.status))
    steps = [_of(step, node) for node, story in stories for step in story.steps]
    payloads = [story.payload for _, story in stories if story.payload is not None]
    responses = [story.response for _, story in stories if story.response is not None]
    return EventStory(
        request_id,
        standings[0] if standings else None,
        sorted(steps, key=lambda step: step.at),
        payloads[0] if payloads else None,
        responses[-1] if responses else None,
    )


def _at(standing: EventStanding, node: str) -> EventStanding:
    """Where it runs or ran; what only waits does so everywhere."""
    if not node or standing.status in ("waiting", "retrying", "discarded"):
        return standing
    return msgspec.structs.replace(standing, node=node)


def _of(step: Step, node: str) -> Step:
    return msgspec.structs.replace(step, node=node) if node else step


def _plain(value: msgspec.Struct) -> Members:
    plain = msgspec.to_builtins(value)
    assert isinstance(plain, dict)
    return plain
