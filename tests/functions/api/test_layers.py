"""Layers: published, listed, deleted, and what functions get of them."""

import json
from pathlib import Path

import pytest

from callpark.functions.model import Directory, FunctionConfiguration, FunctionDefinition, Invocation, LayerDefinition
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from callpark.store.memory import MemoryStore
from tests.functions.api.conftest import NEW, Refused
from tests.functions.plain_environments import PlainEnvironments, Run
from tests.functions.scene import PLACE, Scene, opened_on, zipped

pytestmark = pytest.mark.sim

LAYER = PLACE.arn("lambda", "layer:l")


async def publish(scene: Scene, name: str, files: dict[str, str], **more: object) -> dict[str, object]:
    return await scene.call("PublishLayerVersion", LayerName=name, Content={"ZipFile": zipped(files)}, **more)


def layered(run: Run) -> object:
    root = run.deployment.layers_root
    return None if root is None else {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


async def test_a_layer_version(scene: Scene, refused: Refused) -> None:
    given = {"Description": "d", "LicenseInfo": "MIT", "CompatibleRuntimes": ["python3.12"]}
    published = await publish(scene, "l", {"python/x.py": "1"}, **given)
    content = published.pop("Content")
    assert isinstance(content, dict)
    assert content["CodeSize"] > 0
    assert str(content["Location"]).startswith("http://127.0.0.1:4566/_code/")
    assert published == {
        "LayerArn": LAYER,
        "LayerVersionArn": f"{LAYER}:1",
        "CreatedDate": "2026-01-01T00:00:00.000+0000",
        "Version": 1,
        **given,
    }
    again = await publish(scene, "l", {"python/x.py": "1"})
    assert again["Version"] == 2
    assert (await scene.call("GetLayerVersion", LayerName=LAYER, VersionNumber=1))["Description"] == "d"
    by_arn = await scene.call("GetLayerVersionByArn", Arn=f"{LAYER}:2")
    assert by_arn["LayerVersionArn"] == f"{LAYER}:2"
    assert (await refused("GetLayerVersion", LayerName="l", VersionNumber=3)).status == 404
    assert (await refused("GetLayerVersion", LayerName="l", VersionNumber=0)).status == 400


async def test_lists_filter_and_page(scene: Scene) -> None:
    await publish(scene, "a", {"x": ""}, CompatibleRuntimes=["python3.12"])
    await publish(scene, "a", {"x": ""}, CompatibleRuntimes=["nodejs22.x"])
    await publish(scene, "b", {"x": ""})
    listed = (await scene.call("ListLayers", CompatibleRuntime="python3.12"))["Layers"]
    assert isinstance(listed, list)
    assert [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in listed] == [("a", 1)]
    first = await scene.call("ListLayerVersions", LayerName="a", MaxItems=1)
    second = await scene.call("ListLayerVersions", LayerName="a", MaxItems=1, Marker=first["NextMarker"])
    numbers = [page["LayerVersions"][0]["Version"] for page in (first, second)]  # type: ignore[index]
    assert numbers == [2, 1]
    assert "NextMarker" not in second


async def test_deleted_numbers_are_never_used_again(scene: Scene) -> None:
    await publish(scene, "l", {"x": ""})
    for _ in range(2):
        assert await scene.call("DeleteLayerVersion", LayerName="l", VersionNumber=1) == {}
    assert await scene.call("ListLayers") == {"Layers": []}
    assert (await publish(scene, "l", {"x": ""}))["Version"] == 2


async def test_later_layers_lie_over_earlier_ones(scene: Scene) -> None:
    scene.environments.handlers["f"] = layered
    await publish(scene, "low", {"python/a.py": "low", "python/b.py": "low"})
    await publish(scene, "high", {"python/b.py": "high", "bin/tool": "t"})
    arns = [PLACE.arn("lambda", f"layer:{name}:1") for name in ("low", "high")]
    created = await scene.call("CreateFunction", **NEW, Layers=arns)
    shown = created["Layers"]
    assert isinstance(shown, list)
    assert [layer["Arn"] for layer in shown] == arns
    assert all(layer["CodeSize"] > 0 for layer in shown)
    answer = await scene.call("Invoke", FunctionName="f")
    assert json.loads(bytes(answer["Payload"])) == {  # type: ignore[call-overload]
        "python/a.py": "low",
        "python/b.py": "high",
        "bin/tool": "t",
    }
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Layers=arns[:1])
    assert b'"python/b.py": "low"' in bytes((await scene.call("Invoke", FunctionName="f"))["Payload"])  # type: ignore[call-overload]
    removed = await scene.call("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
    assert "Layers" not in removed
    assert (await scene.call("Invoke", FunctionName="f"))["Payload"] == b"null"


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([f"{LAYER}:9"], f"Layer version {LAYER}:9 does not exist."),
        ([f"{LAYER}:1", f"{LAYER}:1"], "Two different versions of the same layer are not allowed"),
        ([PLACE.arn("lambda", f"layer:n{n}:1") for n in range(6)], "Cannot reference more than 5 layers."),
    ],
)
async def test_layers_a_function_cannot_have(scene: Scene, refused: Refused, layers: list[str], text: str) -> None:
    await publish(scene, "l", {"x": ""})
    refusal = await refused("CreateFunction", **NEW, Layers=layers)
    assert (refusal.code, refusal.status) == ("InvalidParameterValueException", 400)
    assert text in refusal.message


async def test_a_deleted_layer_goes_on_for_who_uses_it(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    environments.handlers["f"] = layered
    before = await opened_on(store, clock, tmp_path, environments)
    await publish(before, "l", {"x": "still here"})
    await before.call("CreateFunction", **NEW, Layers=[f"{LAYER}:1"])
    await before.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    assert await before.call("ListLayerVersions", LayerName="l") == {"LayerVersions": []}
    assert (await before.call("Invoke", FunctionName="f"))["Payload"] == b'{"x": "still here"}'
    (digest,) = before.functions.layers.digests()
    await before.functions.close()
    after = await opened_on(store.crash(), clock, tmp_path / "elsewhere", environments)
    assert (await after.call("Invoke", FunctionName="f"))["Payload"] == b'{"x": "still here"}'
    await after.call("DeleteFunction", FunctionName="f")
    await publish(after, "l", {"x": "other"})
    await after.call("DeleteLayerVersion", LayerName="l", VersionNumber=2)
    assert after.functions.layers.digests() == frozenset()
    assert await after.store.get_blob(digest) is None
    await after.functions.close()


async def test_permissions(scene: Scene, refused: Refused) -> None:
    await publish(scene, "l", {"x": ""})
    target = {"LayerName": "l", "VersionNumber": 1}
    given = {**target, "StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    assert (await refused("GetLayerVersionPolicy", **target)).status == 404
    added = await scene.call("AddLayerVersionPermission", **given, OrganizationId="o-1")
    assert f'"Resource":"{LAYER}:1"' in str(added["Statement"])
    assert (await refused("AddLayerVersionPermission", **given)).status == 409
    assert str(added["Statement"]) in str((await scene.call("GetLayerVersionPolicy", **target))["Policy"])
    await scene.call("RemoveLayerVersionPermission", **target, StatementId="s")
    assert (await refused("RemoveLayerVersionPermission", **target, StatementId="s")).status == 404


async def test_layers_survive_a_restart(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    environments.handlers["f"] = layered
    before = await opened_on(store, clock, tmp_path, environments)
    await publish(before, "l", {"x": "deleted"})
    await publish(before, "l", {"x": "kept"})
    await before.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    await before.call("CreateFunction", **NEW, Layers=[f"{LAYER}:2"])
    await before.functions.close()
    after = await opened_on(store.crash(), clock, tmp_path / "elsewhere", environments)
    assert (await after.call("Invoke", FunctionName="f"))["Payload"] == b'{"x": "kept"}'
    assert (await publish(after, "l", {"x": ""}))["Version"] == 3
    await after.functions.close()


async def test_a_projects_layer_is_read_again_at_each_load(scene: Scene) -> None:
    scene.environments.handlers["f"] = layered
    root, folder = scene.directory / "function", scene.directory / "layer"
    for path in (root, folder):
        path.mkdir()
    (root / "app.py").write_text("")
    (folder / "x").write_text("first")
    foreign = "arn:aws:lambda:us-east-1:1:layer:z:1"
    configuration = FunctionConfiguration("f", "python3.11", "app.handler", layers=(f"{LAYER}:1", foreign))
    function, layer = FunctionDefinition(configuration, Directory(root)), LayerDefinition("l", Directory(folder))
    warnings = await scene.functions.apply([function], [layer])
    assert warnings == [f"function f runs without layers that are not on this machine: {foreign}"]
    assert (await scene.functions.invoke(Invocation("f", b"{}"))).payload == b'{"x": "first"}'
    first = scene.environments.runs[-1].deployment.revision
    (folder / "x").write_text("second one")
    await scene.functions.apply([function], [layer])
    assert (await scene.functions.invoke(Invocation("f", b"{}"))).payload == b'{"x": "second one"}'
    assert scene.environments.runs[-1].deployment.revision != first


async def test_a_project_that_cannot_be_served_leaves_the_layers(scene: Scene) -> None:
    folder = scene.directory / "layer"
    folder.mkdir()
    bad = FunctionDefinition(FunctionConfiguration("f", "python2.7", "app.handler"), Directory(folder))
    with pytest.raises(ProjectError):
        await scene.functions.apply([bad], [LayerDefinition("l", Directory(folder))])
    with pytest.raises(ProjectError):
        await scene.functions.apply([], [LayerDefinition("l", Directory(folder / "nowhere"))])
    assert scene.functions.layers.names() == []
    await scene.functions.apply([], [LayerDefinition("l", Directory(folder))])
    assert scene.functions.layers.names() == ["l"]
    await scene.functions.apply([])
    assert scene.functions.layers.names() == []


async def test_the_zip_is_checked(scene: Scene, refused: Refused) -> None:
    refusal = await refused("PublishLayerVersion", LayerName="l", Content={"ZipFile": b"rubbish"})
    assert refusal.message.startswith("Could not unzip uploaded file.")
    in_s3 = await refused("PublishLayerVersion", LayerName="l", Content={"S3Bucket": "b", "S3Key": "k"})
    assert "nobody serves s3 here" in in_s3.message
