"""Whose an operation is, and how calls look between nodes."""

import base64
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.cluster import placement, wire
from callpark.cluster.placement import CONTROL, LOGS, Contact, Placed, Queue
from callpark.gateway.models import service_model
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit

URL = "http://127.0.0.1:4566/123456789012/orders"
TASK = base64.b64encode(json.dumps({"taskId": "t", "sourceArn": "arn:aws:sqs:us-east-1:123456789012:dead"}).encode())


def _participant(parameters: Mapping[str, object]) -> Placed:
    return Contact("c")


def _placed(service: str, operation: str, parameters: Mapping[str, object]) -> Placed:
    rule = placement.rule(service, operation, _participant)
    return None if rule is None else rule(parameters)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "placed"),
    [
        ("lambda", "Invoke", {"FunctionName": "f"}, None),
        ("lambda", "CreateFunction", {"FunctionName": "f"}, CONTROL),
        ("appsync", "CreateApi", {}, CONTROL),
        ("appsync", "EvaluateCode", {}, None),
        ("sqs", "SendMessage", {"QueueUrl": URL}, Queue("orders")),
        ("sqs", "ReceiveMessage", {"QueueUrl": f"{URL}?x=1"}, Queue("orders")),
        ("sqs", "CreateQueue", {"QueueName": "orders"}, CONTROL),
        ("sqs", "CancelMessageMoveTask", {"TaskHandle": TASK.decode()}, Queue("dead")),
        ("sqs", "CancelMessageMoveTask", {"TaskHandle": "?"}, None),
        ("connect", "StopContact", {"ContactId": "c1"}, Contact("c1")),
        ("connect", "GetContactAttributes", {"InitialContactId": "c1"}, Contact("c1")),
        ("connect", "StartChatContact", {}, None),
        ("connect", "CreateContactFlow", {}, CONTROL),
        ("connectparticipant", "SendMessage", {"ConnectionToken": "t"}, Contact("c")),
        ("logs", "FilterLogEvents", {}, LOGS),
        ("sts", "GetCallerIdentity", {}, None),
        ("bedrock-runtime", "Converse", {}, None),
    ],
)
def test_whose_an_operation_is(service: str, operation: str, parameters: Mapping[str, object], placed: Placed) -> None:
    assert _placed(service, operation, parameters) == placed


def test_every_operation_of_the_table_is_one_of_aws() -> None:
    for service, (_, special) in placement._RULES.items():
        assert set(special) <= set(service_model(service).operation_names), service


def test_what_changes_is_told_and_what_reads_is_not() -> None:
    assert placement.changes("sqs", "CreateQueue")
    assert placement.changes("lambda", "PutFunctionConcurrency")
    assert not placement.changes("lambda", "Invoke")
    assert not placement.changes("lambda", "GetFunction")
    assert not placement.changes("sqs", "SendMessage")
    assert not placement.changes("logs", "CreateLogGroup")


@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_frames_survive_any_cutting(values: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(wire.frame(value) for value in values)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    cutter = wire.Frames()
    found = [frame for piece in pieces for frame in cutter.feed(piece)]
    assert found == [wire.frame(value)[4:] for value in values]


def test_a_refusal_is_the_same_at_the_other_end() -> None:
    error = CallerError("Throttling", 429, "slow down", body={"Reason": "r"}, headers={"Retry-After": "1"})
    again = wire.raised(wire.refused(error))
    assert (again.code, again.status, again.message, again.body, again.headers) == (
        error.code,
        error.status,
        error.message,
        error.body,
        error.headers,
    )
