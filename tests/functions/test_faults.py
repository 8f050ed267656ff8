"""Faults on purpose: the plan, what each kind does to invocations and events, and the HTTP that feeds it."""

import json

import httpx
import pytest

from callpark.functions.api.faults import FaultsPage
from callpark.functions.environments.ports import Attempt, Deployment, Saturated
from callpark.functions.fault_injection import FaultInjected, FaultyEnvironments, Plan
from callpark.functions.faults import Fault, FaultPlan
from callpark.functions.model import FunctionConfiguration
from callpark.functions.refusals import not_found
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.trace import Trace
from tests.functions.plain_environments import PlainEnvironments, Run

pytestmark = pytest.mark.sim


def test_the_first_fault_of_a_function_comes_first_and_counts_down() -> None:
    plan = (
        FaultPlan().with_fault(Fault("F", "throttle", 2)).with_fault(Fault("G", "fail")).with_fault(Fault("F", "crash"))
    )
    kinds = []
    while plan.faults:
        fault, plan = plan.taken("F" if any(f.function == "F" for f in plan.faults) else "G")
        kinds.append(fault.kind if fault else None)
    assert kinds == ["throttle", "throttle", "crash", "fail"]
    assert plan.taken("F") == (None, plan)


def test_clearing_takes_one_function_or_all() -> None:
    plan = FaultPlan((Fault("F", "fail"), Fault("G", "fail")))
    assert [fault.function for fault in plan.without("F").faults] == ["G"]
    assert plan.without(None).faults == ()


class Scene:
    def __init__(self, clock: VirtualClock, tmp_path: object) -> None:
        self.clock = clock
        self.trace = Trace(clock)
        self.plain = PlainEnvironments(clock, {"F": lambda run: run.event})
        self.faults = Plan()
        self.faulty = FaultyEnvironments(self.plain, clock, self.trace, LambdaLimits(), self.faults)
        self.deployment = Deployment(
            "arn:aws:lambda:us-east-1:123456789012:function:F",
            "$LATEST",
            FunctionConfiguration("F", "python3.11", "m.h"),
            tmp_path,  # type: ignore[arg-type]
            "1",
        )
        self.attempt = Attempt("id", b'{"a":1}', self.deployment.arn)

    def plan(self, fault: Fault) -> None:
        self.faults.plan = self.faults.plan.with_fault(fault)

    @property
    def runs(self) -> list[Run]:
        return self.plain.runs


@pytest.fixture
def scene(clock: VirtualClock, tmp_path: object) -> Scene:
    return Scene(clock, tmp_path)


async def test_what_each_kind_does(scene: Scene) -> None:
    run, deployment, attempt = scene.faulty.run, scene.deployment, scene.attempt
    scene.plan(Fault("F", "throttle"))
    with pytest.raises(Saturated):
        await run(deployment, attempt)
    scene.plan(Fault("F", "fail", error_type="MyError", message="mine"))
    failed = await run(deployment, attempt)
    assert json.loads(failed.payload)["errorType"] == "MyError"
    assert failed.function_error == "Unhandled"
    scene.plan(Fault("F", "crash"))
    crashed = await run(deployment, attempt)
    assert json.loads(crashed.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: id Error: Runtime exited with error: exit status 1",
    }
    assert scene.runs == []
    scene.plan(Fault("F", "duplicate"))
    assert (await run(deployment, attempt)).payload == b'{"a": 1}'
    assert [seen.request_id for seen in scene.runs] == ["id", "id"]
    scene.plan(Fault("F", "delay", seconds=30))
    began = scene.clock.now()
    await scene.clock.run_until(run(deployment, attempt))
    assert scene.runs[-1].at - began == 30
    injected = [e.happening.kind for e in scene.trace.entries() if isinstance(e.happening, FaultInjected)]
    assert injected == ["throttle", "fail", "crash", "duplicate", "delay"]


async def test_streams_fail_and_others_run_untouched(scene: Scene) -> None:
    scene.plan(Fault("F", "crash"))
    scene.plan(Fault("other", "fail"))
    broken = await scene.faulty.run_stream(scene.deployment, scene.attempt)
    assert [chunk async for chunk in broken.chunks] == []
    assert (await broken.ended).function_error == "Unhandled"
    whole = await scene.faulty.run_stream(scene.deployment, scene.attempt)
    assert [chunk async for chunk in whole.chunks] == [b'{"a": 1}']
    assert len(scene.faults.plan.faults) == 1


class Names:
    def function_named(self, arn: str) -> tuple[str, str | None]:
        if not arn.endswith("F"):
            raise not_found(f"Function not found: {arn}")
        return "F", None


async def test_the_page_adds_lists_and_clears(scene: Scene) -> None:
    page = FaultsPage(scene.faults, Names())
    transport = httpx.ASGITransport(page)
    async with httpx.AsyncClient(transport=transport, base_url="http://here/_callpark") as client:
        added = await client.post("/faults", json={"function": "a:b:F", "kind": "delay", "seconds": 5, "deliveries": 3})
        shown = {"function": "F", "kind": "delay", "deliveries": 3, "seconds": 5.0}
        assert added.json()["faults"][0].items() >= shown.items()
        assert (await client.get("/faults")).json() == added.json()
        assert scene.faults.plan.faults == (Fault("F", "delay", 3, 5.0),)
        assert (await client.delete("/faults?function=G")).json()["faults"] != []
        assert (await client.delete("/faults")).json() == {"faults": []}
        for body, status in (
            ({"function": "F", "kind": "explode"}, 400),
            ({"function": "F", "kind": "fail", "deliveries": 0}, 400),
            ({"function": "F", "kind": "fail", "seconds": 1}, 400),
            ({"function": "F", "kind": "delay"}, 400),
            ({"function": "nobody", "kind": "fail"}, 404),
        ):
            assert (await client.post("/faults", json=body)).status_code == status
        assert (await client.post("/faults", content=b"{}")).status_code == 415
        assert (await client.put("/faults")).status_code == 405
