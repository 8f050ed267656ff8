"""Every operation of the services we serve compiles, and refuses nonsense as a caller's error."""

import pytest

from callpark.gateway.codecs import error_codec, operation_codec
from callpark.gateway.models import service_model
from callpark.gateway.protocols.wire import Request
from callpark.gateway.routing import ProtocolName
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Answer

pytestmark = pytest.mark.unit

SERVED: list[tuple[str, ProtocolName]] = [
    ("lambda", "rest-json"),
    ("appsync", "rest-json"),
    ("connectparticipant", "rest-json"),
    ("sqs", "json"),
    ("sqs", "query"),
    ("sts", "query"),
]


class EveryLabel(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "x"


@pytest.mark.parametrize(("service", "protocol"), SERVED)
def test_every_operation_compiles_and_refuses_nonsense(service: str, protocol: ProtocolName) -> None:
    headers = {"content-type": "text/plain", "x-amz-client-context": "\x00"}
    refused: set[int] = set()
    for operation in service_model(service).operation_names:
        codec = operation_codec(service, operation, protocol)
        for body in (b"", b"[1]", b"{", b"\xff", b'{"a": {"b": [null]}}'):
            request = Request("POST", "/x", "MaxResults=%ff&a=b&a", headers, body)
            try:
                codec.validate(codec.parse(request, EveryLabel()))
            except CallerError as error:
                refused.add(error_codec(service, protocol)(error, "r-1").status)
    assert refused == {400}


@pytest.mark.parametrize(("service", "protocol"), SERVED)
def test_an_empty_answer_is_an_answer(service: str, protocol: ProtocolName) -> None:
    for operation in service_model(service).operation_names:
        response = operation_codec(service, operation, protocol).serialise(Answer(), "r-1")
        assert 200 <= response.status < 300
        if protocol == "query":
            assert b"<RequestId>r-1</RequestId>" in response.body


def test_codecs_are_compiled_once() -> None:
    assert operation_codec("lambda", "Invoke", "rest-json") is operation_codec("lambda", "Invoke", "rest-json")
