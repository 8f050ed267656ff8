"""rest-json: what a request says that its operation does not know."""

import pytest

from callpark.gateway.codecs import operation_codec
from callpark.gateway.protocols.wire import Request

pytestmark = pytest.mark.unit


def _parse(operation: str, query: str, labels: dict[str, str]) -> dict[str, object]:
    return operation_codec("lambda", operation, "rest-json").parse(Request("GET", "/", query, {}), labels)


def test_an_unknown_query_parameter_is_ignored_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        parsed = _parse("GetFunctionEventInvokeConfig", "qualifier=live&Qualifier=1", {"FunctionName": "f"})
        assert parsed == {"FunctionName": "f", "Qualifier": "1"}
    assert caplog.messages == ["GetFunctionEventInvokeConfig has no query parameter 'qualifier'; it is ignored"]


def test_what_belongs_to_a_signature_or_to_the_path_is_no_stranger(caplog: pytest.LogCaptureFixture) -> None:
    _parse("GetFunctionConcurrency", "X-Amz-Signature=0&X-Amz-Date=1", {"FunctionName": "f"})
    _parse("GetLayerVersionByArn", "find=LayerVersion&Arn=a", {})
    assert not caplog.messages
