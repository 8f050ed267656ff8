"""Whatever a client says to CloudWatch and CloudWatch Logs, it is answered or refused: never a 500."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.gateway.codecs import error_codec, operation_codec
from callpark.gateway.models import service_model
from callpark.gateway.routing import ProtocolName
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LogsLimits, MetricsLimits
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.logs.api.operations import operations as logs_operations
from callpark.logs.service import Logs
from callpark.metrics.api.operations import MetricOperations
from callpark.metrics.service import Metrics
from callpark.store.memory import MemoryStore
from tests.gateway.parameters import house, members

pytestmark = pytest.mark.sim

PROTOCOLS: dict[str, ProtocolName] = {"logs": "json", "cloudwatch": "rpc-v2-cbor"}
GROUP, STREAM = "/aws/lambda/Echo", "s"


def table(clock: VirtualClock) -> OperationTable:
    logs, metrics = Logs(clock, LogsLimits(), MemoryStore(clock)), Metrics(clock, MetricsLimits())
    for number in range(5):
        logs.append(GROUP, STREAM, "r", clock.now() + number, f"line {number}")
        metrics.add("Duration", "Echo", clock.now() + number, number)
    return {**logs_operations(logs), **MetricOperations(metrics).table()}


OPERATIONS = sorted(table(VirtualClock()))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_parameters_are_answered_or_refused(service: str, operation: str, data: st.DataObject) -> None:
    model = service_model(service).operation_model(operation)
    given_parameters = house(data.draw(members(model.input_shape))) if model.input_shape else {}
    assert isinstance(given_parameters, dict)
    for name, known in (("logGroupName", GROUP), ("logStreamName", STREAM), ("Namespace", "AWS/Lambda")):
        if name in given_parameters and data.draw(st.booleans()):
            given_parameters[name] = known
            given_parameters.pop("logGroupIdentifier", None)
    codec = operation_codec(service, operation, PROTOCOLS[service])
    try:
        codec.validate(given_parameters)
    except CallerError:
        return
    answer = asyncio.run(asked(Call(service, operation, given_parameters, "r", Place())))
    if isinstance(answer, CallerError):
        assert error_codec(service, PROTOCOLS[service])(answer, "r").status < 500
    else:
        codec.serialise(answer if isinstance(answer, Answer) else Answer(answer), "r")


async def asked(call: Call) -> Mapping[str, object] | Answer | CallerError:
    clock = VirtualClock()
    try:
        return await clock.run_until(table(clock)[call.service, call.operation](call))
    except CallerError as refusal:
        return refusal
