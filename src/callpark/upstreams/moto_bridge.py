"""moto's functions and queues are callpark's: what its topics, rules, buckets and secrets send arrives there.

Runs in moto's process (`moto_child.py`) and takes the place of the few entrances that moto's services use towards its
own Lambda and SQS. Functions are invoked asynchronously, so retries and dead letters are those of callpark. What does
not arrive is told on standard error, as callpark's log shows it. Schedules of rules do not fire.
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

import copy
import json
import logging
import os
import re
import threading
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Protocol, cast

import boto3
import botocore.config
import botocore.exceptions
import moto.awslambda.utils
import moto.events.models
import moto.events.notifications
import moto.sns.models
import moto.sqs.models

_log = logging.getLogger("moto bridge")
_making = threading.Lock()
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
_QUOTE = re.compile(r'(?<!\\)"')

# moto's values are dictionaries without a type of their own.
Members = Mapping[str, Any]


class _Client(Protocol):
    """As much of boto3's clients as is used here."""

    def invoke(self, **parameters: object) -> Members: ...
    def get_function(self, **parameters: object) -> Members: ...
    def send_message(self, **parameters: object) -> Members: ...
    def get_queue_attributes(self, **parameters: object) -> Members: ...


def install() -> None:
    """Before the first request."""
    moto.awslambda.utils.get_backend = cast(Any, lambda account_id, region: _Functions(region))
    cast(Any, moto.events.notifications)._invoke_lambda = _notify
    cast(Any, moto.sns.models.Subscription).publish = _publishing(moto.sns.models.Subscription.publish)
    cast(Any, moto.events.models.Rule).send_to_targets = _sending(moto.events.models.Rule.send_to_targets)
    cast(Any, moto.events.models).EventTemplateParser = _Templates
    queues = cast(Any, moto.sqs.models.SQSBackend)
    queues.send_message, queues.get_queue = _send_message, _get_queue
    queues.get_queue_attributes = _get_queue_attributes


@lru_cache(maxsize=64)
def _made(service: str, region: str) -> _Client:
    config = botocore.config.Config(
        connect_timeout=5, read_timeout=900, retries={"max_attempts": 1}, max_pool_connections=50
    )
    return cast(
        _Client, boto3.client(service, region_name=region, endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=config)
    )


def _client(service: str, region: str) -> _Client:
    with _making:  # boto3's sessions are not made for several threads
        return _made(service, region)


def _invoke(sender: str, function_arn: str, payload: str) -> None:
    try:
        _client("lambda", function_arn.split(":")[3]).invoke(
            FunctionName=function_arn, InvocationType="Event", Payload=payload.encode()
        )
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, IndexError) as error:
        _log.warning("%s did not reach %s: %s", sender, function_arn, error)


# Functions, as moto's services ask for them


class _Function:
    def __init__(self, arn: str) -> None:
        self._arn = arn

    def invoke(self, body: str, headers: object, response_headers: object) -> str:
        """What a bucket does with its notifications."""
        _invoke("a notification", self._arn, body)
        return ""


class _Functions:
    """In the place of moto's LambdaBackend. Secrets Manager runs the steps of a rotation one after another."""

    def __init__(self, region: str) -> None:
        self._region = region

    def get_function(self, name: str, qualifier: str | None = None) -> _Function:
        """Raises botocore's ClientError when there is none."""
        _client("lambda", self._region).get_function(FunctionName=name)
        return _Function(name)

    def invoke(
        self, function_name: str, qualifier: str | None, body: str, headers: object, response_headers: object
    ) -> bytes:
        answer = _client("lambda", self._region).invoke(FunctionName=function_name, Payload=body.encode())
        return cast(bytes, answer["Payload"].read())


def _notify(account_id: str, fn_arn: str, event: Members) -> None:
    _invoke("an event", fn_arn, json.dumps(event))


# Topics


def _publishing(original: Any) -> Any:
    def publish(
        self: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: Members | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        if self.protocol != "lambda":
            original(
                self, message, message_id, subject, message_attributes, group_id, deduplication_id, message_structure
            )
            return
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        text = self._parse_message_structure(message, self.protocol) if message_structure == "json" else message
        posted = self.get_post_data(text, message_id, subject)
        _invoke(f"the topic {self.topic.arn}", self.endpoint, notification(self.arn, posted, message_attributes or {}))

    return publish


def notification(subscription_arn: str, posted: Members, attributes: Members) -> str:
    """The event that Lambda makes of a topic's message."""
    told = {
        "Type": "Notification",
        "MessageId": posted["MessageId"],
        "TopicArn": posted["TopicArn"],
        "Subject": posted.get("Subject"),
        "Message": posted["Message"],
        "Timestamp": posted["Timestamp"],
        "SignatureVersion": posted["SignatureVersion"],
        "Signature": posted["Signature"],
        "SigningCertUrl": posted["SigningCertURL"],
        "UnsubscribeUrl": posted["UnsubscribeURL"],
        "MessageAttributes": attributes,
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": told,
    }
    return json.dumps({"Records": [record]})


# Rules


def _sending(original: Any) -> Any:
    def send_to_targets(self: Any, original_event: Members, transform_input: bool = True) -> None:
        ours = [target for target in self.targets if target["Arn"].split(":")[2] in ("lambda", "sqs")]
        rest = copy.copy(self)
        rest.targets = [target for target in self.targets if target not in ours]
        original(rest, original_event, transform_input)
        pattern = self.event_pattern
        if self.state != "ENABLED" or not pattern.get_pattern() or not pattern.matches_event(original_event):
            return
        for target in ours:
            _send_to_target(self, target, target_input(target, event_as_json(original_event)))

    return send_to_targets


def _send_to_target(rule: Any, target: Members, text: str) -> None:
    arn: str = target["Arn"]
    if ":lambda:" in arn:
        _invoke(f"the rule {rule.name}", arn, text)
        return
    _, _, _, region, account, name = arn.split(":", 5)
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    backend = moto.sqs.models.sqs_backends[account][region]
    _send_message(backend, name, text, group_id=group)


def event_as_json(event: Members) -> dict[str, Any]:
    """moto keeps the time as a number; targets see ISO 8601."""
    at = event.get("time")
    shown = {key: value for key, value in event.items() if key != "ingestion-time"}
    if isinstance(at, int | float):
        shown["time"] = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return shown


def target_input(target: Members, event: Mapping[str, object]) -> str:
    """What a target gets of an event: all of it, a part, a constant text, or what its template makes of it."""
    transformer = target.get("InputTransformer")
    if transformer is not None:
        return transformed(transformer["InputTemplate"], transformer.get("InputPathsMap", {}), event)
    if target.get("Input") is not None:
        return str(target["Input"])
    return json.dumps(at_path(event, target.get("InputPath") or "$"))


def transformed(template: str, paths: Mapping[str, str], event: Mapping[str, object]) -> str:
    """A template whose `<names>` are replaced: inside a JSON string by text, elsewhere by JSON.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""
    values: dict[str, object] = {name: at_path(event, path) for name, path in paths.items()}
    values |= {"aws.events.event": event, "aws.events.event.json": event, "aws.events.event.ingestion-time": None}
    pieces, end = [], 0
    for found in _PLACEHOLDER.finditer(template):
        if found[1] not in values:
            continue
        pieces.append(template[end : found.start()])
        value, end = values[found[1]], found.end()
        quoted = len(_QUOTE.findall("".join(pieces))) % 2 == 1
        if quoted:
            value = value if isinstance(value, str) else json.dumps(value)
            pieces.append(json.dumps(value)[1:-1])
        else:
            pieces.append(json.dumps(value))
    return "".join([*pieces, template[end:]])


def at_path(event: object, path: str) -> object:
    """`$.detail.x`; None where there is nothing."""
    for name in path.removeprefix("$").removeprefix(".").split("."):
        if name:
            event = event.get(name) if isinstance(event, Mapping) else None
    return event


class _Templates:
    """In the place of moto's parser, which needs a JSONPath library: for targets that are moto's own."""

    @staticmethod
    def parse(input_template: str | None, input_paths_map: Mapping[str, str], event: Mapping[str, object]) -> Members:
        if input_template is None:
            return dict(event)
        return cast(Members, json.loads(transformed(input_template, input_paths_map, event_as_json(event))))


# Queues


def _queue_url(backend: Any, name: str) -> str:
    return f"{os.environ['AWS_ENDPOINT_URL']}/{backend.account_id}/{name}"


def _send_message(
    self: Any,
    queue_name: str,
    message_body: str,
    message_attributes: Members | None = None,
    delay_seconds: int | None = None,
    deduplication_id: str | None = None,
    group_id: str | None = None,
    system_attributes: Members | None = None,
    validate_group_id: bool = True,
) -> object:
    given = {
        "QueueUrl": _queue_url(self, queue_name),
        "MessageBody": message_body,
        "MessageAttributes": {name: _attribute(value) for name, value in (message_attributes or {}).items()},
        "DelaySeconds": delay_seconds,
        "MessageDeduplicationId": deduplication_id,
        "MessageGroupId": group_id,
    }
    parameters = {name: value for name, value in given.items() if value is not None}
    try:
        return _client("sqs", self.region_name).send_message(**parameters)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        _log.warning("a message did not reach the queue %s: %s", queue_name, error)
        return None


def _attribute(value: Members) -> Members:
    """SNS has binary values in base64, boto3's clients want bytes."""
    binary = value.get("BinaryValue")
    return {**value, "BinaryValue": b64decode(binary)} if isinstance(binary, str) else value


def _get_queue(self: Any, queue_name: str) -> object:
    """As much of a queue as subscriptions look at; whether there is one is found out when a message comes."""
    return SimpleNamespace(name=queue_name, fifo_queue=queue_name.endswith(".fifo"))


def _get_queue_attributes(self: Any, queue_name: str, attribute_names: Sequence[str]) -> Members:
    answer = _client("sqs", self.region_name).get_queue_attributes(
        QueueUrl=_queue_url(self, queue_name), AttributeNames=list(attribute_names)
    )
    return {"ContentBasedDeduplication": "false", **answer.get("Attributes", {})}
