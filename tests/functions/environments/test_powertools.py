"""Powertools for AWS Lambda (Python), unmodified: structured logs, metrics and a typed event."""

import json

import pytest

from tests.functions.environments.conftest import Bench

pytestmark = pytest.mark.process

HANDLER = """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import SQSEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="orders")
metrics = Metrics(namespace="shop", service="orders")

@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
@event_source(data_class=SQSEvent)
def handler(event: SQSEvent, context: LambdaContext):
    bodies = [record.body for record in event.records]
    logger.info("took", extra={"count": len(bodies)})
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=len(bodies))
    return bodies
"""


async def test_powertools_runs_unmodified(bench: Bench) -> None:
    function = bench.deploy(HANDLER, name="orders")
    event = json.dumps({"Records": [{"messageId": "1", "body": "tea"}]}).encode()
    outcome = await bench.fleet().run(function, bench.attempt(function, event, "the-id"))
    assert (json.loads(outcome.payload), outcome.function_error) == (["tea"], None)
    lines = [json.loads(line) for line in bench.log().splitlines() if line.startswith("{")]
    told = next(line for line in lines if line.get("message") == "took")
    assert (told["function_request_id"], told["function_name"], told["cold_start"]) == ("the-id", "orders", True)
    assert (told["count"], told["function_arn"]) == (1, function.arn)
    assert any("Orders" in line and "_aws" in line for line in lines)
    assert any("ColdStart" in line and "_aws" in line for line in lines)
