"""The slice on what it runs on in earnest: real processes, SQLite, the machine's clock."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.functions.environments.fleet import Fleet
from callpark.functions.events.destinations import DestinationKind, derived_request_id
from callpark.functions.model import EventInvokeConfig, FunctionConfiguration, Invocation
from callpark.functions.service import Functions
from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from callpark.store.sqlite.store import SqliteStore
from tests.functions.scene import zipped

pytestmark = pytest.mark.process

CODE = """
import json, os

def handler(event, context):
    if event.get("fail"):
        raise ValueError("asked to fail")
    return {"got": event, "id": context.aws_request_id, "arn": context.invoked_function_arn}

def record(event, context):
    with open(os.environ["OUT"], "a") as out:
        out.write(json.dumps(event) + "\\n")
"""


@pytest.fixture
async def functions(tmp_path: Path) -> AsyncIterator[Functions]:
    clock, ids, limits = SystemClock(), SystemIds(), Limits()
    trace = Trace(clock)
    store = SqliteStore.open(tmp_path / "data", clock)
    fleet = Fleet(clock, ids, trace, limits, None, tmp_path / "environments")
    functions = Functions(
        clock=clock,
        ids=ids,
        trace=trace,
        limits=limits,
        place=Place(),
        store=store,
        environments=fleet,
        directory=tmp_path / "data",
    )
    await functions.start()
    await functions.apply(())
    yield functions
    await functions.close()
    await fleet.close()
    await store.close()


async def create(functions: Functions, name: str, handler: str, environment: dict[str, str] | None = None) -> None:
    configuration = FunctionConfiguration(name, "python3.11", handler, environment=environment or {})
    await functions.administration.create_function(configuration, zipped({"app.py": CODE}), tags={}, inert={})


async def test_a_zip_runs_and_its_errors_are_answers(functions: Functions) -> None:
    await create(functions, "f", "app.handler")
    answer = await functions.invoke(Invocation("f", b'{"a": 1}'))
    assert json.loads(answer.payload) == {"got": {"a": 1}, "id": answer.request_id, "arn": functions.arn("f")}
    failed = await functions.invoke(Invocation("f", b'{"fail": true}', log_tail=True))
    assert (failed.function_error, json.loads(failed.payload)["errorType"]) == ("Unhandled", "ValueError")
    assert b"asked to fail" in failed.log_tail


async def test_events_run_and_their_records_arrive(functions: Functions, tmp_path: Path) -> None:
    out = tmp_path / "records.jsonl"
    await create(functions, "after", "app.record", {"OUT": str(out)})
    await create(functions, "f", "app.handler")
    target = functions.arn("after")
    config = EventInvokeConfig(maximum_retry_attempts=0, on_success=target, on_failure=target)
    await functions.administration.put_event_invoke_config("f", None, config)
    events = [{"n": n, "fail": n % 10 == 0} for n in range(50)]
    request_ids = await asyncio.gather(
        *(functions.invoke_event(Invocation("f", json.dumps(event).encode())) for event in events)
    )
    for event, request_id in zip(events, request_ids, strict=True):
        kind: DestinationKind = "OnFailure" if event["fail"] else "OnSuccess"
        async with asyncio.timeout(20):
            result = await functions.wait_for_event(derived_request_id(request_id, kind))
        assert result.condition == "Success"
    records = [json.loads(line) for line in out.read_text().splitlines()]
    conditions = {record["requestContext"]["requestId"]: record["requestContext"]["condition"] for record in records}
    assert len(records) == len(conditions) == 50
    assert sum(condition == "RetriesExhausted" for condition in conditions.values()) == 5
    failed = next(record for record in records if record["requestContext"]["condition"] == "RetriesExhausted")
    assert failed["responsePayload"]["errorMessage"] == "asked to fail"
    assert failed["requestContext"]["functionArn"] == f"{functions.arn('f')}:$LATEST"
