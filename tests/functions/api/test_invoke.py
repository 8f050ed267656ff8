"""Invoke in all modes as the gateway calls it (lambda.md §2.2–§2.6)."""

import asyncio
import base64
import json

import pytest

from callpark.functions.environments.ports import EnvironmentUnavailable, Saturated
from callpark.functions.model import Invocation
from callpark.kernel.clock import sleep
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.operations import Call
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim

REQUEST_ID = "00000000-0000-4000-8000-000000000001"


async def refused(scene: Scene, **parameters: object) -> CallerError:
    with pytest.raises(CallerError) as refusal:
        await scene.call("Invoke", FunctionName="f", **parameters)
    return refusal.value


async def test_request_response(scene: Scene) -> None:
    await scene.declare("f", lambda run: {"got": run.event})
    answer = await scene.call("Invoke", FunctionName="f", Payload=b'{"a": 1}')
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b'{"got": {"a": 1}}'}
    assert scene.environments.runs[0].request_id == REQUEST_ID
    assert scene.environments.runs[0].attempt.invoked_arn == PLACE.arn("lambda", "function:f")


async def test_a_function_error_is_an_answer(scene: Scene) -> None:
    def handler(run: Run) -> object:
        raise HandlerError("boom")

    await scene.declare("f", handler)
    answer = await scene.call("Invoke", FunctionName="f")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert isinstance(answer["Payload"], bytes)
    assert json.loads(answer["Payload"])["errorMessage"] == "boom"


async def test_the_log_tail_when_asked_for(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    answer = await scene.call("Invoke", FunctionName="f", LogType="Tail")
    assert answer["LogResult"] == base64.b64encode(b"START\n").decode()


async def test_an_event_is_accepted_and_runs_later(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    answer = await scene.call("Invoke", FunctionName="f", InvocationType="Event", Qualifier="$LATEST", Payload=b"1")
    assert answer == {"StatusCode": 202, "Payload": b""}
    await scene.clock.run_until(scene.functions.wait_for_event(REQUEST_ID))
    run = scene.environments.runs[0]
    assert (run.event, run.patient) == (1, True)
    assert run.attempt.invoked_arn == PLACE.arn("lambda", "function:f:$LATEST")


async def test_a_dry_run_runs_nothing(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    assert await scene.call("Invoke", FunctionName="f", InvocationType="DryRun") == {"StatusCode": 204, "Payload": b""}
    assert scene.environments.runs == []


async def test_invoke_async(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    assert await scene.call("InvokeAsync", FunctionName="f", InvokeArgs=b"[1]") == {"Status": 202}
    await scene.clock.run_until(scene.functions.wait_for_event(REQUEST_ID))
    assert scene.environments.runs[0].event == [1]
    with pytest.raises(CallerError, match="limit 262144 bytes"):
        await scene.call("InvokeAsync", FunctionName="f", InvokeArgs=b" " * 262_145)


async def test_trace_header_and_client_context_reach_the_attempt(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    context = base64.b64encode(b'{"custom": {"a": 1}}').decode()
    headers = {"x-amzn-trace-id": "Root=1-2-3"}
    for kind in ("RequestResponse", "Event"):
        parameters = {"FunctionName": "f", "ClientContext": context, "InvocationType": kind}
        call = Call("lambda", "Invoke", parameters, f"id-{kind}", PLACE, headers)
        await scene.clock.run_until(scene.table["lambda", "Invoke"](call))
    await scene.clock.run_until(scene.functions.wait_for_event("id-Event"))
    attempts = [run.attempt for run in scene.environments.runs]
    assert [attempt.trace_header.partition(";")[0] for attempt in attempts if attempt.trace_header] == [
        "Root=1-2-3"
    ] * 2
    assert [attempt.client_context for attempt in attempts] == ['{"custom": {"a": 1}}', None]


@pytest.mark.parametrize("context", ["not base64!", base64.b64encode(b"not json").decode()])
async def test_a_bad_client_context(scene: Scene, context: str) -> None:
    await scene.declare("f", lambda run: None)
    refusal = await refused(scene, ClientContext=context)
    assert refusal.code == "InvalidRequestContentException"
    assert refusal.message == "Client context must be a valid Base64-encoded JSON object."


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
async def test_the_body_must_be_json_in_every_mode(scene: Scene, kind: str) -> None:
    await scene.declare("f", lambda run: None)
    refusal = await refused(scene, InvocationType=kind, Payload=b"{oops")
    assert (refusal.code, refusal.status) == ("InvalidRequestContentException", 400)
    assert scene.environments.runs == []


async def test_an_event_may_have_one_megabyte_a_request_six(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    payload = b'"' + b"x" * 1_200_000 + b'"'
    assert (await refused(scene, InvocationType="Event", Payload=payload)).status == 413
    assert (await scene.call("Invoke", FunctionName="f", Payload=payload))["StatusCode"] == 200


@pytest.mark.parametrize(
    ("failure", "code", "status"),
    [
        (Saturated(), "TooManyRequestsException", 429),
        (EnvironmentUnavailable("the zygote is gone"), "ServiceException", 500),
        (ProjectError("node is missing", "install Node.js 20"), "ServiceException", 500),
    ],
)
async def test_when_no_environment_can_run_it(scene: Scene, failure: Exception, code: str, status: int) -> None:
    def handler(run: Run) -> object:
        raise failure

    await scene.declare("f", handler)
    refusal = await refused(scene)
    assert (refusal.code, refusal.status) == (code, status)
    if isinstance(failure, Saturated):
        assert refusal.body["Reason"] == "ConcurrentInvocationLimitExceeded"
    else:
        assert refusal.body == {"Type": "Service", "Message": str(failure)}


async def test_zero_concurrency_throttles_synchronous_calls(scene: Scene) -> None:
    await scene.declare("f", lambda run: None, reserved=0)
    refusal = await refused(scene)
    assert refusal.body == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }
    assert refusal.headers == {"Retry-After": "1"}


async def test_nested_calls_take_a_slot_each(scene: Scene) -> None:
    async def outer(run: Run) -> object:
        await sleep(scene.clock, 1)
        return json.loads((await scene.functions.invoke(Invocation("inner", b"2"))).payload)

    await scene.declare("inner", lambda run: run.event)
    await scene.declare("f", outer)
    assert (await scene.call("Invoke", FunctionName="f"))["Payload"] == b"2"


@pytest.mark.parametrize("member", ["DurableExecutionName", "TenantId"])
async def test_what_is_not_supported_says_so(scene: Scene, member: str) -> None:
    await scene.declare("f", lambda run: None)
    assert "does not support" in (await refused(scene, **{member: "x"})).message


async def test_a_cancelled_call_gives_its_slot_back(scene: Scene) -> None:
    started = asyncio.Event()

    async def handler(run: Run) -> object:
        if run.event == 1:
            started.set()
            await asyncio.Event().wait()
        return run.event

    await scene.declare("f", handler, reserved=1)
    call = asyncio.ensure_future(scene.functions.invoke(Invocation("f", b"1")))
    await started.wait()
    call.cancel()
    await asyncio.wait([call])
    assert (await scene.functions.invoke(Invocation("f", b"2"))).payload == b"2"
