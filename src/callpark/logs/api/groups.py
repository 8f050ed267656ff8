"""CreateLogGroup, CreateLogStream and their families: translate and call the service.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
"""

from collections.abc import Mapping

from callpark.kernel.operations import Call, OperationTable
from callpark.logs.api.parameters import group_name, group_of, number, page, tags, text, texts
from callpark.logs.model import RETENTION_DAYS, LogGroup, LogStream
from callpark.logs.refusals import invalid_parameter, not_offered
from callpark.logs.service import Logs

_PAGE = 50


class GroupOperations:
    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def table(self) -> OperationTable:
        return {
            ("logs", "CreateLogGroup"): self.create_group,
            ("logs", "DeleteLogGroup"): self.delete_group,
            ("logs", "DescribeLogGroups"): self.describe_groups,
            ("logs", "CreateLogStream"): self.create_stream,
            ("logs", "DeleteLogStream"): self.delete_stream,
            ("logs", "DescribeLogStreams"): self.describe_streams,
            ("logs", "PutRetentionPolicy"): self.put_retention,
            ("logs", "DeleteRetentionPolicy"): self.delete_retention,
            ("logs", "TagResource"): self.tag,
            ("logs", "UntagResource"): self.untag,
            ("logs", "ListTagsForResource"): self.list_tags,
            ("logs", "TagLogGroup"): self.tag,
            ("logs", "UntagLogGroup"): self.untag,
            ("logs", "ListTagsLogGroup"): self.list_tags,
        }

    async def create_group(self, call: Call) -> Mapping[str, object]:
        if call.parameters.get("kmsKeyId"):
            raise not_offered("kmsKeyId (encryption)")
        if call.parameters.get("logGroupClass") not in (None, "STANDARD"):
            raise not_offered("log group classes other than STANDARD")
        if call.parameters.get("deletionProtectionEnabled"):
            raise not_offered("deletionProtectionEnabled")
        await self._logs.create_group(group_name(call.parameters), tags(call.parameters))
        return {}

    async def delete_group(self, call: Call) -> Mapping[str, object]:
        await self._logs.delete_group(group_name(call.parameters))
        return {}

    async def describe_groups(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        prefix, pattern = text(given, "logGroupNamePrefix"), text(given, "logGroupNamePattern")
        if prefix is not None and pattern is not None:
            raise invalid_parameter("logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters.")
        asked = texts(given, "logGroupIdentifiers")
        named = None if asked is None else {group_of(name) for name in asked}
        wanted_class = given.get("logGroupClass") in (None, "STANDARD")
        found = {
            group.name: group
            for group in self._logs.groups()
            if wanted_class
            and group.name.startswith(prefix or "")
            and (pattern or "").lower() in group.name.lower()
            and (named is None or group.name in named)
        }
        shown, following = page(sorted(found), text(given, "nextToken"), number(given, "limit") or _PAGE)
        members: dict[str, object] = {"logGroups": [self._group(call, found[name]) for name in shown]}
        return members if following is None else {**members, "nextToken": following}

    async def create_stream(self, call: Call) -> Mapping[str, object]:
        stream = str(call.parameters["logStreamName"])
        await self._logs.create_stream(group_name(call.parameters), stream)
        return {}

    async def delete_stream(self, call: Call) -> Mapping[str, object]:
        await self._logs.delete_stream(group_name(call.parameters), str(call.parameters["logStreamName"]))
        return {}

    async def describe_streams(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        group = group_name(given)
        prefix = text(given, "logStreamNamePrefix")
        by_time = given.get("orderBy") == "LastEventTime"
        if by_time and prefix is not None:
            raise invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
        streams = {name: s for name, s in self._logs.streams(group).items() if name.startswith(prefix or "")}
        names = sorted(streams)
        if by_time:
            names.sort(key=lambda name: streams[name].last or 0)
        if given.get("descending") is True:
            names.reverse()
        token = text(given, "nextToken")
        first = names.index(token) + 1 if token in streams else 0
        if token is not None and token not in streams:
            raise invalid_parameter("The specified nextToken is invalid.")
        limit = number(given, "limit") or _PAGE
        shown = names[first : first + limit]
        members: dict[str, object] = {"logStreams": [self._stream(call, group, streams[name]) for name in shown]}
        return members if first + limit >= len(names) else {**members, "nextToken": shown[-1]}

    async def put_retention(self, call: Call) -> Mapping[str, object]:
        days = number(call.parameters, "retentionInDays")
        if days not in RETENTION_DAYS:
            choices = ", ".join(str(choice) for choice in sorted(RETENTION_DAYS))
            raise invalid_parameter(
                "1 validation error detected: Value at 'retentionInDays' failed to satisfy constraint: Member must "
                f"satisfy enum value set: [{choices}]"
            )
        await self._logs.retain(group_name(call.parameters), days)
        return {}

    async def delete_retention(self, call: Call) -> Mapping[str, object]:
        await self._logs.retain(group_name(call.parameters), None)
        return {}

    async def tag(self, call: Call) -> Mapping[str, object]:
        await self._logs.tag(_tagged(call), tags(call.parameters))
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        removed = texts(call.parameters, "tagKeys") or texts(call.parameters, "tags") or []
        await self._logs.tag(_tagged(call), {}, removed)
        return {}

    async def list_tags(self, call: Call) -> Mapping[str, object]:
        return {"tags": dict(self._logs.group(_tagged(call)).tags)}

    def _group(self, call: Call, group: LogGroup) -> Mapping[str, object]:
        arn = call.place.arn("logs", f"log-group:{group.name}")
        members: dict[str, object] = {
            "logGroupName": group.name,
            "creationTime": group.created,
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "storedBytes": group.stored_bytes,
            "logGroupClass": "STANDARD",
            "logGroupArn": arn,
        }
        if group.retention_days is not None:
            members["retentionInDays"] = group.retention_days
        return members

    def _stream(self, call: Call, group: str, stream: LogStream) -> Mapping[str, object]:
        members: dict[str, object] = {
            "logStreamName": stream.name,
            "creationTime": stream.created,
            "arn": call.place.arn("logs", f"log-group:{group}:log-stream:{stream.name}"),
            "storedBytes": 0,  # AWS reports 0 for streams since 2019 (API_LogStream)
        }
        if stream.first is not None:
            members["firstEventTimestamp"] = stream.first
            members["lastEventTimestamp"] = stream.last
            members["lastIngestionTime"] = stream.ingested
        return members


def _tagged(call: Call) -> str:
    """The group that a tag operation names, by ARN or, in the older operations, by name."""
    arn = text(call.parameters, "resourceArn")
    return group_name(call.parameters) if arn is None else group_of(arn)
