"""The control plane of Event APIs below the wire: members and definitions, quotas, rows of former runs."""

from typing import Any

import msgspec
import pytest

from callpark.graphql.channels.api.operations import operations
from callpark.graphql.channels.control import model
from callpark.graphql.channels.control.model import ManagedEventApi
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.graphql.channels.model import EventApiDefinition, Integration
from callpark.graphql.channels.service import EventApis
from callpark.graphql.model import (
    AuthenticationProvider,
    DataSourceDefinition,
    HttpConfig,
    LambdaAuthorizerConfig,
    LogDefinition,
    OpenIdConnectConfig,
    UserPoolConfig,
)
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits, Limits
from callpark.kernel.operations import Answer, Call
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore
from callpark.store.ports import SetRow
from tests.graphql.channels.toy import FUNCTION, KEYED, SOURCES, Functions, direct, event_api, namespace

pytestmark = pytest.mark.unit

REGION = "us-east-1"
CONFIG: dict[str, object] = {
    "authProviders": [{"authType": "API_KEY"}],
    "connectionAuthModes": [{"authType": "API_KEY"}],
    "defaultPublishAuthModes": [{"authType": "API_KEY"}],
    "defaultSubscribeAuthModes": [{"authType": "API_KEY"}],
}


class Scene:
    def __init__(self, clock: VirtualClock, store: MemoryStore, **limits: Any) -> None:
        given = Limits(appsync=AppSyncLimits(**limits))
        self.service = EventApis(clock, SeededIds(2), Trace(clock), given, Functions())
        self.plane = EventControlPlane(
            self.service,
            store,
            clock=clock,
            ids=SeededIds(3),
            limits=given.appsync,
            place=Place(),
            base_url="http://127.0.0.1:4566",
        )
        self._operations = operations(self.plane, {})

    async def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        called = Call("appsync", operation, parameters, "request-1", Place())
        answer = await self._operations["appsync", operation](called)
        return dict(answer.members if isinstance(answer, Answer) else answer)


@pytest.mark.parametrize(
    "given",
    [
        event_api(),
        event_api(
            authentication=(
                KEYED,
                AuthenticationProvider("AWS_IAM"),
                AuthenticationProvider("AMAZON_COGNITO_USER_POOLS", UserPoolConfig("p", "eu-west-1", "ALLOW", "^a")),
                AuthenticationProvider("OPENID_CONNECT", OpenIdConnectConfig("https://i", "c", 1, 2)),
                AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig(FUNCTION, 60, "^t")),
            ),
            connection_modes=("AWS_IAM",),
            publish_modes=("OPENID_CONNECT", "AWS_LAMBDA"),
        ),
        event_api(
            namespace(code="export const onPublish = (ctx) => ctx.events"),
            namespace("b", on_publish=direct("EVENT"), on_subscribe=Integration("CODE", "none")),
            namespace("c", publish_modes=("API_KEY",), subscribe_modes=("API_KEY",)),
            data_sources=(*SOURCES, DataSourceDefinition("h", "HTTP", configuration=HttpConfig("https://h"))),
        ),
    ],
)
def test_a_definition_survives_being_shown_and_stored(given: EventApiDefinition) -> None:
    shown = model.managed(given, REGION, 5.0)
    assert shown.declared
    assert model.definition(shown, REGION) == given
    again = msgspec.json.decode(msgspec.json.encode(shown), type=ManagedEventApi)
    assert model.definition(again, REGION) == given


async def test_what_is_no_longer_accepted_is_named_at_the_start_and_the_rest_is_served(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore(clock)
    good = ManagedEventApi("good", {"name": "good", "eventConfig": CONFIG}, 1.0)
    broken = msgspec.structs.replace(good, api_id="code", namespaces={"n": {"name": "n", "codeHandlers": "while(1){}"}})
    rows = [SetRow("event_apis", each.api_id, msgspec.json.encode(each)) for each in (broken, good)]
    await store.commit([*rows, SetRow("event_apis", "junk", b"{}")])
    scene = Scene(clock, store)
    await scene.plane.start()
    assert [api.api_id for api in scene.service.apis()] == ["good"]
    for named in ("code", "junk"):
        assert f"Event API {named} of a former run is not served" in caplog.text
    caplog.clear()


async def test_quotas(clock: VirtualClock) -> None:
    scene = Scene(clock, MemoryStore(clock), apis=1, api_keys=1)
    api_id = (await scene.call("CreateApi", name="a", eventConfig=CONFIG))["api"]["apiId"]
    with pytest.raises(CallerError, match="ServiceQuotaExceededException"):
        await scene.call("CreateApi", name="b", eventConfig=CONFIG)
    await scene.call("CreateApiKey", apiId=api_id)
    with pytest.raises(CallerError, match="ApiKeyLimitExceededException"):
        await scene.call("CreateApiKey", apiId=api_id)


async def test_a_log_configuration_is_shown_and_counts(clock: VirtualClock) -> None:
    scene = Scene(clock, MemoryStore(clock))
    logs = {"logLevel": "ERROR", "cloudWatchLogsRoleArn": "r"}
    made = await scene.call("CreateApi", name="a", eventConfig={**CONFIG, "logConfig": logs})
    assert made["api"]["eventConfig"]["logConfig"] == logs
    assert [each.logs for each in scene.service.apis()] == [LogDefinition("ERROR")]


async def test_a_change_that_cannot_be_served_changes_nothing(clock: VirtualClock) -> None:
    scene = Scene(clock, MemoryStore(clock))
    about = {"apiId": (await scene.call("CreateApi", name="a", eventConfig=CONFIG))["api"]["apiId"]}
    await scene.call("CreateChannelNamespace", **about, name="ns")
    before = scene.plane.api(about["apiId"])
    with pytest.raises(CallerError) as refused:
        await scene.call("UpdateChannelNamespace", **about, name="ns", codeHandlers="for(;;){}")
    assert refused.value.body["reason"] == "CODE_ERROR"
    with pytest.raises(CallerError, match="no provider"):
        await scene.call("UpdateChannelNamespace", **about, name="ns", publishAuthModes=[{"authType": "AWS_IAM"}])
    assert scene.plane.api(about["apiId"]) == before
    assert len(scene.service.apis()) == 1


async def test_a_projects_api_that_was_changed_goes_with_the_project(clock: VirtualClock) -> None:
    scene = Scene(clock, MemoryStore(clock))
    await scene.plane.apply([event_api()])
    await scene.call("CreateChannelNamespace", apiId="events", name="more")
    (served,) = scene.service.apis()
    assert [each.name for each in served.namespaces] == ["ns", "more"]
    await scene.plane.apply([])
    assert scene.service.apis() == ()
    assert not scene.plane.owns("events")
