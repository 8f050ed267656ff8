"""The slice's face: who answers, who waits, what ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.scripted import Fault, Reply, Script, ScriptedModel
from callpark.models.model import EmbeddingRequest, GenerationRequest, Part, Prompt, Stop, Token, Vectors
from callpark.models.service import Answerer, Catalogue, Models
from tests.models.asking import asking, gathered, text_of

pytestmark = pytest.mark.sim


class _Watched(ScriptedModel):
    """Knows which models were asked for, and whether it is closed."""

    def __init__(self, clock: VirtualClock, script: Script) -> None:
        super().__init__(script, clock, SeededIds(1))
        self.asked: list[str] = []
        self.closed = False

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Part]:
        self.asked.append(request.model)
        async for part in super().stream(request):
            yield part

    async def embed(self, request: EmbeddingRequest) -> Vectors:
        self.asked.append(request.model)
        return await super().embed(request)

    async def close(self) -> None:
        self.closed = True


def _model(clock: VirtualClock, *replies: Reply, at_once: int = 1, **script: float) -> _Watched:
    return _Watched(clock, Script(replies or (Reply(),), at_once=at_once, **script))  # type: ignore[arg-type]


def _models(clock: VirtualClock, backends: Mapping[str, ScriptedModel], queued: int = 5) -> Models:
    return Models(clock, backends, ModelLimits(queued=queued))


async def test_an_answer_part_by_part(clock: VirtualClock) -> None:
    models = _models(clock, {"a.b": _model(clock)})
    async with await models.generate("eu.a.b", asking("one two")) as generation:
        parts = await gathered(generation)
    assert [type(part) for part in parts] == [Prompt, Token, Token, Stop]


async def test_an_id_that_nobody_answers_for_says_what_to_write(clock: VirtualClock) -> None:
    models = _models(clock, {"a.b": _model(clock)})
    for asked in (models.generate("x.y", asking("x")), models.count_tokens("x.y", asking("x"))):
        with pytest.raises(CallerError) as caught:
            await asked
        assert caught.value.code == "ValidationException"
        assert caught.value.message.startswith("The provided model identifier is invalid.")
        assert "write `x.y: <backend>` under `models:`; the backends are: a.b" in caught.value.message
    with pytest.raises(CallerError):
        models.check("x.y")
    models.check("a.b")


async def test_the_backend_is_told_which_of_its_models(clock: VirtualClock) -> None:
    backend = _model(clock)
    models = Models(clock)
    models.serve(Catalogue({"b": backend}, {"one": Answerer("b", "tiny"), "*": Answerer("b")}))
    for model_id in ("one", "two"):
        await gathered(await models.generate(model_id, asking("x")))
    await models.embed("one", EmbeddingRequest(("x",)))
    assert backend.asked == ["tiny", "two", "tiny"]


async def test_one_at_a_time_and_then_the_next(clock: VirtualClock) -> None:
    models = _models(clock, {"m": _model(clock)})
    first = await models.generate("m", asking("one"))
    waiting = asyncio.ensure_future(models.generate("m", asking("two")))
    await clock.settle()
    assert not waiting.done()
    assert text_of(await gathered(first)) == "one"
    assert text_of(await gathered(await waiting)) == "two"


async def test_a_generation_that_is_closed_makes_room(clock: VirtualClock) -> None:
    models = _models(clock, {"m": _model(clock)})
    for _ in range(3):
        await (await models.generate("m", asking("one two three"))).aclose()
    assert text_of(await gathered(await models.generate("m", asking("x")))) == "x"


@pytest.mark.parametrize("at_token", [0, 1])
async def test_a_generation_that_fails_makes_room(clock: VirtualClock, at_token: int) -> None:
    failing = Reply(tokens=("a", "b"), fault=Fault("model-error", at_token), times=2)
    models = _models(clock, {"m": _model(clock, failing, Reply())})
    for _ in range(2):
        with pytest.raises(CallerError, match=r"Model(Stream)?ErrorException"):
            await gathered(await models.generate("m", asking("x")))
    assert text_of(await gathered(await models.generate("m", asking("x")))) == "x"


async def test_whoever_stops_waiting_leaves_no_gap(clock: VirtualClock) -> None:
    models = _models(clock, {"m": _model(clock, first_token_seconds=5.0)})
    first = await models.generate("m", asking("one"))
    gone = asyncio.ensure_future(models.generate("m", asking("gone")))
    next_ = asyncio.ensure_future(models.generate("m", asking("next")))
    await clock.settle()
    gone.cancel()
    await asyncio.wait([gone])
    await first.aclose()
    assert text_of(await clock.run_until(gathered(await next_))) == "next"


async def test_past_the_bound_requests_are_throttled_and_callers_take_turns(clock: VirtualClock) -> None:
    models = _models(clock, {"m": _model(clock)}, queued=2)
    running = await models.generate("m", asking("x"), "greedy")
    waiting = [asyncio.ensure_future(models.generate("m", asking("x"), "greedy")) for _ in range(3)]
    modest = asyncio.ensure_future(models.generate("m", asking("x"), "modest"))
    await clock.settle()
    assert [task.done() for task in waiting] == [False, True, True]
    for task in waiting[1:]:
        with pytest.raises(CallerError, match="ThrottlingException: Too many requests"):
            await task
    order = []
    await running.aclose()
    for _ in range(2):
        done, _ = await asyncio.wait([waiting[0], modest], return_when=asyncio.FIRST_COMPLETED)
        task = next(task for task in (modest, waiting[0]) if task in done and task not in order)
        order.append(task)
        await task.result().aclose()
        await clock.settle()
    assert order == [modest, waiting[0]]


async def test_another_catalogue_while_an_answer_is_under_way(clock: VirtualClock) -> None:
    kept, old, new = _model(clock, at_once=2), _model(clock), _model(clock)
    models = Models(clock)
    models.serve(Catalogue({"kept": kept, "m": old}, {"k": Answerer("kept"), "m": Answerer("m")}))
    of_kept, of_old = await models.generate("k", asking("x")), await models.generate("m", asking("old"))
    assert models.serve(Catalogue({"kept": kept, "m": new}, {"m": Answerer("m")}, warnings=("w",))) == ["w"]
    assert text_of(await gathered(await models.generate("m", asking("new")))) == "new"
    with pytest.raises(CallerError):
        models.check("k")
    await clock.settle()
    assert not old.closed
    assert text_of(await gathered(of_old)) == "old"
    await clock.settle()
    assert (old.closed, new.closed, kept.closed) == (True, False, False)
    await of_kept.aclose()
    await models.close()
    assert new.closed
    assert kept.closed


async def test_what_nobody_wrote_is_said_once_when_it_is_asked(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    models = Models(clock)
    models.serve(Catalogue({"m": _model(clock)}, {"*": Answerer("m")}, assumed="there is no models.yaml"))
    assert not caplog.records
    for _ in range(2):
        await (await models.generate("some.model", asking("x"))).aclose()
    assert [record.message for record in caplog.records] == [
        "some.model is answered by scripted: echoes what it is asked: there is no models.yaml"
    ]


def test_what_there_is(clock: VirtualClock) -> None:
    models = Models(clock)
    models.serve(Catalogue({"m": _model(clock)}, {"a.*": Answerer("m"), "e": Answerer("m", embeds=True)}))
    assert [(one.model_id, one.backend, one.embeds) for one in models.summaries()] == [
        ("a.*", "m", False),
        ("e", "m", True),
    ]
    assert models.summary("a.b").model_id == "a.b"
    assert replace(models.summary("a.b"), model_id="a.*") == models.summaries()[0]
