"""Sends of a FIFO queue while the store is slow: nobody is told of a success before there is one."""

import asyncio
from collections.abc import Sequence

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call
from callpark.queues.api.operations import operations
from callpark.store.ports import Change, StoreFailure
from tests.queues.scene import PLACE, Scene

pytestmark = pytest.mark.sim


class Held:
    """Commits that end when the test says so."""

    def __init__(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commits: list[asyncio.Future[None]] = []
        self.begun = asyncio.Event()
        monkeypatch.setattr(scene.store, "commit", self._commit)

    def _commit(self, changes: Sequence[Change]) -> "asyncio.Future[None]":
        self.commits.append(asyncio.get_running_loop().create_future())
        self.begun.set()
        return self.commits[-1]


async def _send(scene: Scene, url: str) -> None:
    members = {"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    await operations(scene.queues)["sqs", "SendMessage"](Call("sqs", "SendMessage", members, "request", PLACE))


@pytest.mark.parametrize("stored", [True, False])
async def test_who_sends_again_waits_for_the_send_whose_sender_is_gone(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    scene = await Scene.open(clock)
    url = await scene.fifo()
    with monkeypatch.context() as patched:
        held = Held(scene, patched)
        gone = asyncio.create_task(_send(scene, url))
        await held.begun.wait()
        gone.cancel()
        await asyncio.wait([gone])
        again = asyncio.create_task(_send(scene, url))
        await asyncio.wait([again], timeout=0.02)
        assert not again.done()
        (commit,) = held.commits
        if stored:
            commit.set_result(None)
            await again
        else:
            commit.set_exception(StoreFailure("no space"))
            with pytest.raises(CallerError):
                await again
    if not stored:
        await scene.send(url, "m", MessageGroupId="g", MessageDeduplicationId="d")
        assert [each["Body"] for each in await scene.receive(url)] == ["m"]
