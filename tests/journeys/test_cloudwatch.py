"""Unmodified boto3 clients and the AWS CLI read logs and metrics of real functions; nothing is lost by a restart."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.flows.happenings import FlowLogged
from callpark.graphql.happenings import ResolverLogged
from callpark.serving import served
from callpark.settings import Settings
from tests.journeys.archives import HANDLER, zipped

pytestmark = pytest.mark.compat

ROLE = "arn:aws:iam::123456789012:role/any"
GROUP = "/aws/lambda/Echo"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path, port=0)) as app:
        yield app


def client(app: App, name: str) -> Any:  # boto3's clients are made at run time and have no types
    return boto3.client(
        name,
        endpoint_url=app.base_url,
        region_name="us-east-1",
        aws_access_key_id="callpark",
        aws_secret_access_key="callpark",
    )


def create(lambda_: Any) -> None:
    lambda_.create_function(
        FunctionName="Echo",
        Runtime="python3.11",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped(app=HANDLER)},
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName="Echo")


async def test_boto3_reads_a_functions_log(app: App) -> None:
    """lambda.md §15.1: one log event per output line, its message ending in a line feed (recorded)."""

    def use() -> None:
        lambda_, logs = client(app, "lambda"), client(app, "logs")
        create(lambda_)
        answer = lambda_.invoke(FunctionName="Echo", Payload=b'{"a": 1}')
        request_id = answer["ResponseMetadata"]["RequestId"]

        (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
        assert group["logGroupName"] == GROUP
        (stream,) = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
        assert "/[$LATEST]" in stream["logStreamName"]
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 2})
        messages = [event["message"] for page in pages for event in page["events"]]
        assert messages[0].startswith("INIT_START Runtime Version: ")
        assert messages[1] == f"START RequestId: {request_id} Version: $LATEST\n"
        assert messages[2] == 'asked for {"a": 1}\n'
        assert messages[3] == f"END RequestId: {request_id}\n"
        assert messages[4].startswith(f"REPORT RequestId: {request_id}\tDuration:")
        found = logs.filter_log_events(logGroupName=GROUP, filterPattern='"asked for" -"b"')["events"]
        assert [event["message"] for event in found] == ['asked for {"a": 1}\n']
        last = logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], limit=1)["events"]
        assert last[0]["message"] == messages[4]

        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=14)
        assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 14
        with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log group does not exist"):
            logs.filter_log_events(logGroupName="/aws/lambda/Nobody")
        with pytest.raises(logs.exceptions.InvalidParameterException, match="regular expressions"):
            logs.filter_log_events(logGroupName=GROUP, filterPattern="%x%")
        with pytest.raises(ClientError, match="callpark does not implement StartQuery of the service logs"):
            logs.start_query(logGroupName=GROUP, startTime=0, endTime=1, queryString="fields @message")

    await asyncio.to_thread(use)


async def test_flows_and_resolvers_have_groups_of_their_own(app: App) -> None:
    app.trace.emit(FlowLogged("contact-1", {"ContactId": "contact-1", "ContactFlowModuleType": "Wait"}))
    app.trace.emit(ResolverLogged("r-1", "api1", "Query", "story", ('INFO - code.js:13:5: "text"',)))

    def use() -> None:
        logs = client(app, "logs")
        (entry,) = logs.filter_log_events(
            logGroupName="/aws/connect/callpark", filterPattern='{ $.ContactFlowModuleType = "Wait" }'
        )["events"]
        assert (entry["logStreamName"], json.loads(entry["message"])["ContactId"]) == ("contact-1", "contact-1")
        (line,) = logs.filter_log_events(logGroupName="/aws/appsync/apis/api1")["events"]
        assert line["message"] == 'r-1 INFO - code.js:13:5: "text"'

    await asyncio.to_thread(use)


async def test_boto3_writes_a_log_of_its_own(app: App) -> None:
    def use() -> None:
        logs = client(app, "logs")
        logs.create_log_group(logGroupName="mine", tags={"team": "a"})
        logs.create_log_stream(logGroupName="mine", logStreamName="s")
        now = int(time.time() * 1000)
        answer = logs.put_log_events(
            logGroupName="mine",
            logStreamName="s",
            logEvents=[{"timestamp": now, "message": '{"level":"ERROR"}'}, {"timestamp": now, "message": "plain"}],
        )
        assert answer["nextSequenceToken"]
        found = logs.filter_log_events(logGroupName="mine", filterPattern='{ $.level = "ERROR" }')["events"]
        assert [event["message"] for event in found] == ['{"level":"ERROR"}']
        with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName="mine")
        logs.delete_log_stream(logGroupName="mine", logStreamName="s")
        assert logs.filter_log_events(logGroupName="mine")["events"] == []
        logs.delete_log_group(logGroupName="mine")
        assert logs.describe_log_groups()["logGroups"] == []

    await asyncio.to_thread(use)


async def test_live_tail_is_refused_by_name(app: App) -> None:
    def use() -> None:
        logs = client(app, "logs")
        # Its model puts `streaming-` before the host name.
        logs.meta.events.register("before-call", lambda params, **_: params.update(url=app.base_url + "/"))
        with pytest.raises(ClientError, match="callpark does not implement StartLiveTail of the service logs"):
            logs.start_live_tail(logGroupIdentifiers=["arn:aws:logs:us-east-1:123456789012:log-group:x"])

    await asyncio.to_thread(use)


async def test_metrics_of_aliases_and_of_the_versions_they_chose(app: App) -> None:
    def use() -> None:
        lambda_, cloudwatch = client(app, "lambda"), client(app, "cloudwatch")
        create(lambda_)
        lambda_.publish_version(FunctionName="Echo")
        lambda_.create_alias(FunctionName="Echo", Name="live", FunctionVersion="1")
        for qualifier in ("$LATEST", "1", "1", "live", "live", "live"):
            lambda_.invoke(FunctionName="Echo", Qualifier=qualifier)
        for _ in range(7):
            lambda_.invoke(FunctionName="Echo")
        now = datetime.now(UTC)
        seen = {}
        for metric in cloudwatch.list_metrics(Namespace="AWS/Lambda", MetricName="Invocations")["Metrics"]:
            (point,) = cloudwatch.get_metric_statistics(
                **metric, StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=5), Period=600,
                Statistics=["Sum"],
            )["Datapoints"]  # fmt: skip
            seen[" ".join(f"{one['Name']}={one['Value']}" for one in metric["Dimensions"])] = point["Sum"]
        assert seen == {
            "": 13.0,
            "FunctionName=Echo": 13.0,
            "FunctionName=Echo Resource=Echo": 7.0,
            "FunctionName=Echo Resource=Echo:$LATEST": 1.0,
            "FunctionName=Echo Resource=Echo:1": 2.0,
            "FunctionName=Echo Resource=Echo:live": 3.0,
            "FunctionName=Echo Resource=Echo:live ExecutedVersion=1": 3.0,
        }

    await asyncio.to_thread(use)


async def test_boto3_reads_metrics_in_cbor_and_the_query_protocol_agrees(app: App) -> None:
    def use() -> None:
        lambda_, cloudwatch = client(app, "lambda"), client(app, "cloudwatch")
        create(lambda_)
        for do in ("", "", "fail"):
            lambda_.invoke(FunctionName="Echo", Payload=json.dumps({"do": do}))
        named = {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "FunctionName", "Value": "Echo"}]}
        start, end = datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=5)
        between = {"StartTime": start, "EndTime": end, "Period": 600}
        (errors,) = cloudwatch.get_metric_statistics(
            **named, **between, MetricName="Errors", Statistics=["Sum", "Average", "SampleCount"]
        )["Datapoints"]
        assert (errors["Sum"], errors["SampleCount"]) == (1.0, 3.0)
        assert errors["Unit"] == "Count"
        assert abs((errors["Timestamp"] - start).total_seconds()) < 60
        (duration,) = cloudwatch.get_metric_statistics(
            **named, **between, MetricName="Duration", Statistics=["Maximum"], ExtendedStatistics=["p90"]
        )["Datapoints"]
        assert 0 < duration["ExtendedStatistics"]["p90"] <= duration["Maximum"] < 10_000

        queries = [
            {
                "Id": f"q{number}",
                "MetricStat": {"Metric": {**named, "MetricName": metric}, "Period": 600, "Stat": "Sum"},
            }
            for number, metric in enumerate(("Invocations", "Throttles"))
        ]
        found = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
        assert [result["Values"] for result in found["MetricDataResults"]] == [[3.0], []]
        listed = cloudwatch.list_metrics(Namespace="AWS/Lambda", MetricName="Errors")["Metrics"]
        assert {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": []} in listed
        with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException, match="multiple of 60"):
            cloudwatch.get_metric_statistics(
                **named, MetricName="Errors", StartTime=start, EndTime=end, Period=10, Statistics=["Sum"]
            )
        with pytest.raises(ClientError, match="metric math") as refused:
            cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "1"}], StartTime=start, EndTime=end)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        with pytest.raises(ClientError, match="callpark does not implement PutMetricData of the service cloudwatch"):
            cloudwatch.put_metric_data(Namespace="mine", MetricData=[{"MetricName": "m", "Value": 1}])

    await asyncio.to_thread(use)


QUERY = """
import sys, urllib.parse, urllib.request
fields = {
    "Action": "GetMetricStatistics", "Version": "2010-08-01", "Namespace": "AWS/Lambda", "MetricName": "Invocations",
    "Dimensions.member.1.Name": "FunctionName", "Dimensions.member.1.Value": "Echo", "Statistics.member.1": "Sum",
    "StartTime": sys.argv[2], "EndTime": sys.argv[3], "Period": "600",
}
request = urllib.request.Request(sys.argv[1], urllib.parse.urlencode(fields).encode())
request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/monitoring/aws4_request")
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read().decode())
"""


async def test_the_query_protocol_of_older_clients(app: App) -> None:
    def use() -> None:
        lambda_ = client(app, "lambda")
        create(lambda_)
        lambda_.invoke(FunctionName="Echo")

    await asyncio.to_thread(use)
    start, end = datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=5)
    code, out, err = await run("-c", QUERY, app.base_url + "/", start.isoformat(), end.isoformat())
    assert code == 0, err
    assert "<GetMetricStatisticsResult><Label>Invocations</Label><Datapoints><member><Timestamp>" in out
    assert "<Sum>1.0</Sum>" in out


async def test_the_aws_cli_reads_both(app: App) -> None:
    def use() -> None:
        lambda_ = client(app, "lambda")
        create(lambda_)
        lambda_.invoke(FunctionName="Echo", Payload=b'{"a": 1}')

    await asyncio.to_thread(use)
    code, out, err = await aws(
        app, "logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", "asked", "--output", "json"
    )
    assert code == 0, err
    assert [event["message"] for event in json.loads(out)["events"]] == ['asked for {"a": 1}\n']
    now = datetime.now(UTC)
    code, out, err = await aws(
        app,
        *("cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda", "--metric-name", "Invocations"),
        *("--dimensions", "Name=FunctionName,Value=Echo", "--statistics", "Sum", "--period", "600", "--output", "json"),
        *("--start-time", (now - timedelta(minutes=5)).isoformat()),
        *("--end-time", (now + timedelta(minutes=5)).isoformat()),
    )
    assert code == 0, err
    assert [point["Sum"] for point in json.loads(out)["Datapoints"]] == [1.0]


async def test_logs_and_discarded_events_are_there_after_a_restart(tmp_path: Path) -> None:
    async with served(Settings(data=tmp_path, port=0)) as app:

        def use() -> None:
            lambda_ = client(app, "lambda")
            create(lambda_)
            lambda_.put_function_event_invoke_config(FunctionName="Echo", MaximumRetryAttempts=0)
            lambda_.invoke(FunctionName="Echo", InvocationType="Event", Payload=b'{"do": "fail"}')

        await asyncio.to_thread(use)
        (request_id,) = {entry.happening.subject for entry in app.trace.entries()} - {""}
        await app.functions.wait_for_event(request_id)
    async with served(Settings(data=tmp_path, port=0)) as app:

        def read() -> list[str]:
            found = client(app, "logs").filter_log_events(logGroupName=GROUP, filterPattern="intentional")["events"]
            return [event["message"] for event in found]

        (message,) = await asyncio.to_thread(read)
        assert "ValueError: this is intentional" in message
        (kept,) = app.functions.events.discarded("Echo")
        assert kept.request_id == request_id


async def aws(app: App, *arguments: str) -> tuple[int, str, str]:
    return await run("-m", "awscli", *arguments, endpoint=app.base_url)


async def run(*arguments: str, endpoint: str = "") -> tuple[int, str, str]:
    """A Python process: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "callpark",
            "AWS_SECRET_ACCESS_KEY": "callpark",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_PAGER": "",
        },
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()
