"""Upstreams on moto's own tables, in this process: what the data sources meet when the fallback serves a service."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from callpark.kernel.errors import CallerError


class MotoUpstreams:
    """`calls` remembers (service, operation, parameters)."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Mapping[str, object]]] = []
        self._clients: dict[str, Any] = {}

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        self.calls.append((service, operation, parameters))
        client = self.client(service)
        try:
            reply: dict[str, object] = client._make_api_call(operation, dict(parameters))
        except ClientError as error:
            told: Any = error.response
            code, status = told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]
            raise CallerError(code, status, told["Error"]["Message"], body=told) from error
        reply.pop("ResponseMetadata")
        return reply

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
            )
        return self._clients[service]

    def address(self, service: str) -> str | None:
        return None


@contextmanager
def moto_upstreams() -> Iterator[MotoUpstreams]:
    with mock_aws():
        yield MotoUpstreams()
