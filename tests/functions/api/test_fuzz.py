"""Requests to every operation of Lambda, made up from botocore's model: some refusal or answer, never a 500."""

import base64
import json
import string
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import botocore.loaders
import botocore.model
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.functions.api.operations import operations
from callpark.gateway.app import Gateway
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import LambdaLimits, Limits
from tests.functions.api.conftest import NEW
from tests.functions.scene import PLACE, Scene, opened, zipped

pytestmark = pytest.mark.sim

_MODEL = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("lambda", "service-2"), "lambda")
_ZIP = zipped({"app.py": ""})
_ARN = PLACE.arn("lambda", "function:f")
_NAMES = [
    "f",
    "g",
    "f:live",
    "f:1",
    "f:$LATEST",
    _ARN,
    f"{_ARN}:live",
    "arn:aws:lambda:eu-west-1:123456789012:function:f",
]
_KNOWN: Mapping[str, list[str]] = {
    "FunctionName": [*["f"] * 6, *["g"] * 2, *_NAMES, "f:1:2", "ä", ""],
    "Qualifier": ["live", "live", "1", "2", "$LATEST", "$latest", "gone"],
    "FunctionVersion": ["1", "2", "$LATEST", "live"],
    "Name": ["live", "next", "7"],
    "LayerName": ["l", PLACE.arn("lambda", "layer:l"), "m"],
    "Arn": [PLACE.arn("lambda", "layer:l:1"), "arn", _ARN],
    "Resource": [_ARN, "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:x", "x"],
    "Principal": ["*", "s3.amazonaws.com", "123456789012", "x"],
    "Runtime": ["python3.12", "nodejs22.x", "java21", "python2.7"],
    "Layers": [PLACE.arn("lambda", "layer:l:1")],
    "Marker": ["", "Zg==", "Zg==", "%%%"],
    "Action": ["lambda:InvokeFunction", "lambda:GetLayerVersion"],
    "Role": ["arn:aws:iam::123456789012:role/r"],
    "Handler": ["app.handler"],
    "TargetArn": [PLACE.arn("sqs", "q"), ""],
    "KMSKeyArn": ["", "arn:aws:kms:us-east-1:123456789012:key/x"],
    "SourceArn": ["arn:aws:s3:::b"],
    "SourceAccount": ["123456789012"],
    "PrincipalOrgID": ["o-abcdefghij"],
    "OrganizationId": ["o-abcdefghij"],
    "CodeSigningConfigArn": ["arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0"],
    "StatementId": ["s", "t"],
    "Destination": [_ARN, PLACE.arn("sqs", "q"), "x"],
}
#: Members that callpark refuses by name.
_REFUSED = {
    *("S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "ImageUri", "SourceKMSKeyArn", "ImageConfig"),
    *("TenancyConfig", "CapacityProviderConfig", "DurableConfig", "AcceleratorConfig", "PublishTo", "PackageType"),
    *("TenantId", "DurableExecutionName", "RevisionId", "CodeSha256"),
}
Json: TypeAlias = object


def _structure(shape: botocore.model.StructureShape, wild: bool, depth: int) -> st.SearchStrategy[Json]:
    """All required members, and a few others."""
    optional = sorted(set(shape.members) - set(shape.required_members) - (set() if wild else _REFUSED))
    some = st.lists(st.sampled_from(optional), unique=True, max_size=4) if optional and depth < 4 else st.just([])

    def with_members(chosen: list[str]) -> st.SearchStrategy[Json]:
        names = dict.fromkeys(
            [*shape.required_members, *chosen, *({"ZipFile", "Runtime", "Handler"} & set(shape.members))]
        )
        return st.fixed_dictionaries({name: _value(name, shape.members[name], wild, depth + 1) for name in names})

    return some.flatmap(with_members)


def _value(name: str, shape: botocore.model.Shape, wild: bool, depth: int = 0) -> st.SearchStrategy[Json]:
    """`wild`: also what the model does not allow."""
    kind = shape.type_name
    if isinstance(shape, botocore.model.StructureShape):
        return _structure(shape, wild, depth)
    if isinstance(shape, botocore.model.ListShape):
        return st.lists(_value(name, shape.member, wild, depth + 1), min_size=0 if wild else 1, max_size=3)
    if isinstance(shape, botocore.model.MapShape):
        key, value = _value(name, shape.key, wild, depth + 1), _value(name, shape.value, wild, depth + 1)
        return st.dictionaries(key, value, max_size=3)
    if isinstance(shape, botocore.model.StringShape):
        choices = [*_KNOWN.get(name, []), *shape.enum] or ["abc", "1"]
        free = st.text(st.sampled_from(string.ascii_letters + string.digits + "-_$:./ ä\n"), max_size=12)
        return st.sampled_from(choices) | free if wild else st.sampled_from(choices)
    if kind == "blob":
        usual = _ZIP if name == "ZipFile" else b"{}"
        return st.sampled_from([usual, b"", b"no json", b"PK\x03\x04"]) if wild else st.just(usual)
    if kind in ("integer", "long"):
        low = int(shape.metadata.get("min", 1))
        inside = st.integers(low, min(int(shape.metadata.get("max", low + 5)), low + 5))
        return inside | st.sampled_from([0, -1, 901, 2**31]) if wild else inside
    if kind in ("float", "double"):
        return st.sampled_from([0.0, 0.5, 1.0, *([2.0, -1.0] if wild else [])])
    if kind == "timestamp":
        return st.just("2026-01-01T00:00:00Z")
    return st.booleans()


def _request(operation: botocore.model.OperationModel, given: Mapping[str, object]) -> httpx.Request:
    """As an SDK would write it, without an SDK's checks."""
    shape = operation.input_shape
    path, _, fixed = operation.http["requestUri"].partition("?")
    query: list[tuple[str, str | int | float | bool | None]] = [*httpx.QueryParams(fixed).multi_items()]
    headers: dict[str, str] = {"authorization": "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/lambda/aws4_request"}
    body: dict[str, object] = {}
    raw: bytes | None = None
    payload = shape.serialization.get("payload") if shape is not None else None
    for member, value in given.items():
        assert shape is not None
        place = shape.members[member].serialization
        name = str(place.get("name", member))
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        match place.get("location"):
            case "uri":
                path = path.replace("{" + name + "}", httpx.QueryParams({"v": text}).__str__()[2:] or "%20")
            case "querystring":
                query += [(name, str(item)) for item in value] if isinstance(value, list) else [(name, text)]
            case "header":
                headers[name] = base64.b64encode(text.encode()).decode()
            case _ if member == payload and isinstance(value, bytes):
                raw = value
            case _ if member == payload and isinstance(value, dict):
                body |= value
            case _:
                body[name] = value
    content = raw if raw is not None else json.dumps(body, default=lambda b: base64.b64encode(b).decode()).encode()
    return httpx.Request(
        operation.http["method"],
        f"http://127.0.0.1{path}",
        params=httpx.QueryParams(query),
        headers=headers,
        content=content,
    )


async def _populated(scene: Scene) -> None:
    scene.environments.handlers.update({name: lambda run: run.event for name in ("f", "g")})
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    await scene.call("PublishLayerVersion", LayerName="l", Content={"ZipFile": _ZIP})


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("operation", sorted(_MODEL.operation_names))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_no_request_gets_a_500(operation: str, folder: Path, data: st.DataObject) -> None:
    clock = VirtualClock()
    scene = await opened(clock, folder, replace(LambdaLimits(), activation_seconds=0.0))
    try:
        await _populated(scene)
        gateway = Gateway(
            operations=operations(scene.functions),
            mounts=[],
            ids=SeededIds(3),
            limits=Limits().gateway,
            place=PLACE,
            health=dict,
        )
        model = _MODEL.operation_model(operation)
        shape = model.input_shape
        wild = data.draw(st.sampled_from([False, False, True]))
        given = data.draw(_value("", shape, wild)) if shape is not None else {}
        assert isinstance(given, dict)
        request = _request(model, given)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=gateway)) as client:
            response = await clock.run_until(client.send(request))
        served = ("lambda", operation) in operations(scene.functions)
        assert response.status_code < 500 or (response.status_code == 501 and not served), (given, response.text)
    finally:
        await scene.functions.close()
        await scene.store.close()
