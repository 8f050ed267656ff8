"""Contact flows by the API: published, saved, refused, changed under callers, versioned, found, and kept."""

import hashlib
import json
import logging

import pytest

from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.limits import ConnectLimits
from callpark.store.ports import SetRow
from tests.flows.building import INSTANCE, INSTANCE_ARN, action, content, definition, hang_up, say
from tests.flows.control.conftest import Refused
from tests.flows.control.scene import BAD, HELLO, OTHER, Scene

pytestmark = pytest.mark.sim


async def test_a_published_flow_answers_at_once(scene: Scene) -> None:
    made = await scene.call("CreateContactFlow", Name="Hello", Type="CONTACT_FLOW", Content=HELLO, Tags={"a": "b"})
    id_ = made["ContactFlowId"]
    assert made["ContactFlowArn"] == f"{INSTANCE_ARN}/contact-flow/{id_}"
    assert made["FlowContentSha256"] == hashlib.sha256(HELLO.encode()).hexdigest()
    assert await scene.heard(id_) == ["Hello."]
    shown = (await scene.call("DescribeContactFlow", ContactFlowId=id_))["ContactFlow"]
    assert shown == {
        "Arn": made["ContactFlowArn"],
        "Id": id_,
        "Name": "Hello",
        "Type": "CONTACT_FLOW",
        "State": "ACTIVE",
        "Status": "PUBLISHED",
        "Description": "",
        "Content": HELLO,
        "Tags": {"a": "b"},
        "FlowContentSha256": made["FlowContentSha256"],
        "LastModifiedTime": shown["LastModifiedTime"],
        "LastModifiedRegion": "us-east-1",
    }


async def test_a_saved_flow_is_not_checked_and_not_served(scene: Scene, refused: Refused) -> None:
    id_ = await scene.flow(content=BAD, Status="SAVED")
    assert (await refused("DescribeContactFlow", ContactFlowId=id_)).code == "ContactFlowNotPublishedException"
    shown = (await scene.call("DescribeContactFlow", ContactFlowId=f"{id_}:$SAVED"))["ContactFlow"]
    assert (shown["Content"], shown["Status"]) == (BAD, "SAVED")
    summary = (await scene.call("ListContactFlows"))["ContactFlowSummaryList"]
    assert [each["ContactFlowStatus"] for each in summary] == ["SAVED"]
    assert id_ not in scene.office.flows.instance.ids
    await scene.call("UpdateContactFlowContent", ContactFlowId=id_, Content=HELLO)
    assert await scene.heard(id_) == ["Hello."]


async def test_saving_leaves_what_is_published(scene: Scene) -> None:
    id_ = await scene.flow()
    await scene.call("UpdateContactFlowContent", ContactFlowId=f"{id_}:$SAVED", Content=OTHER)
    assert await scene.heard(id_) == ["Hello."]
    for qualifier, expected in (("", HELLO), (":$LATEST", HELLO), (":$SAVED", OTHER)):
        shown = (await scene.call("DescribeContactFlow", ContactFlowId=id_ + qualifier))["ContactFlow"]
        assert shown["Content"] == expected, qualifier


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (BAD, "Invalid Action property value. Path: "),
        (
            content(action("a", "MessageParticipant", {"Text": "x", "Loud": "y"}, "bye"), hang_up()),
            "Invalid Action property name",
        ),
        (content(action("a", "Wait", {}, "bye"), hang_up()), "Action is missing required property. Path: "),
        ("{", "Invalid contact flow format"),
        ("[]", "Invalid contact flow format"),
        ('{"Version":"2019-10-30"}', "Invalid contact flow format"),
        (json.dumps({"modules": [], "version": "1"}), "Invalid contact flow format"),
        (content(say("a", "x", "nowhere")), "Invalid contact flow format"),
    ],
)
async def test_bad_content_comes_back_with_its_problems(scene: Scene, refused: Refused, bad: str, message: str) -> None:
    given = {"Name": "Bad", "Type": "CONTACT_FLOW"}
    refusal = await refused("CreateContactFlow", **given, Content=bad)
    assert (refusal.code, refusal.status) == ("InvalidContactFlowException", 400)
    assert set(refusal.body) == {"problems"}
    problems = refusal.body["problems"]
    assert isinstance(problems, list)
    messages = [problem["message"] for problem in problems]
    assert any(each.startswith(message) for each in messages), messages
    assert all(len(each) <= 256 for each in messages)
    assert (await scene.call("ListContactFlows"))["ContactFlowSummaryList"] == []
    id_ = await scene.flow()
    refusal = await refused("UpdateContactFlowContent", ContactFlowId=id_, Content=bad)
    assert refusal.code == "InvalidContactFlowException"
    assert await scene.heard(id_) == ["Hello."], "what was published stays"


async def test_many_long_problems_are_cut_to_the_models_bounds(refused: Refused) -> None:
    name = "x" * 50
    many = [action(f"{name[:45]}{n}", "MessageParticipant", {"Text": "", "y" * 300: "z"}, "bye") for n in range(60)]
    refusal = await refused("CreateContactFlow", Name="Bad", Type="CONTACT_FLOW", Content=content(*many, hang_up()))
    problems = refusal.body["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 50
    assert max(len(problem["message"]) for problem in problems) == 256


async def test_a_changed_flow_is_for_new_contacts(clock: VirtualClock) -> None:
    scene = await Scene(clock).opened()
    slow = content(say("one", "one two three four five six", "two"), say("two", "The old one.", "bye"), hang_up())
    id_ = await scene.flow(content=slow)
    phone = scene.office.phone()
    call = scene.office.flows.start_call(id_, phone)
    await clock.run_until(clock_after(clock, 0.5))
    await scene.call("UpdateContactFlowContent", ContactFlowId=id_, Content=OTHER)
    finished = scene.office.finished(call, phone, await clock.run_until(call.ended))
    assert finished.heard[-1] == "The old one."
    assert await scene.heard(id_) == ["Something else."]


async def test_flows_survive_a_restart(clock: VirtualClock) -> None:
    scene = await Scene(clock).opened()
    id_ = await scene.flow(Description="greets")
    saved = await scene.flow("Draft", BAD, Status="SAVED")
    gone = await scene.flow("Gone")
    await scene.call("DeleteContactFlow", ContactFlowId=gone)
    scene = await scene.restarted()
    assert await scene.heard(id_) == ["Hello."]
    assert await scene.heard("Hello") == ["Hello."], "by name, too"
    listed = (await scene.call("ListContactFlows"))["ContactFlowSummaryList"]
    assert [each["Id"] for each in listed] == [saved, id_]
    assert (await scene.call("DescribeContactFlow", ContactFlowId=id_))["ContactFlow"]["Description"] == "greets"


async def test_a_projects_flows_change_until_it_is_loaded_again(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    project = definition(say("hello", "The project's.", "bye"), hang_up())
    scene = await Scene(clock, project=(INSTANCE, [project], [])).opened()
    await scene.call("UpdateContactFlowContent", ContactFlowId="flow", Content=OTHER)
    assert await scene.heard("flow") == ["Something else."]
    assert "flow flow belongs to the project: what the API changes lasts until the project is loaded again" in (
        caplog.text
    )
    made = await scene.flow()
    await scene.load(INSTANCE, [project], [])
    assert await scene.heard("flow") == ["The project's."]
    assert await scene.heard(made) == ["Hello."], "what the API made stays"
    await scene.call("DeleteContactFlow", ContactFlowId="flow")
    scene = await scene.restarted()
    assert await scene.heard("flow") == ["The project's."]


async def test_names_and_states(scene: Scene, refused: Refused) -> None:
    id_ = await scene.flow()
    other = await scene.flow("Other")
    assert (await refused("CreateContactFlow", Name="Hello", Type="CONTACT_FLOW", Content=HELLO)).status == 409
    assert (await refused("UpdateContactFlowName", ContactFlowId=other, Name="Hello")).code == (
        "DuplicateResourceException"
    )
    await scene.call("UpdateContactFlowName", ContactFlowId=id_, Name="Hello", Description="same name")
    await scene.call("UpdateContactFlowMetadata", ContactFlowId=id_, Name="Renamed", ContactFlowState="ARCHIVED")
    shown = (await scene.call("DescribeContactFlow", ContactFlowId=f"{INSTANCE_ARN}/contact-flow/{id_}"))["ContactFlow"]
    assert (shown["Name"], shown["State"], shown["Description"]) == ("Renamed", "ARCHIVED", "same name")
    assert await scene.heard("Renamed") == ["Hello."]
    assert (await refused("DescribeContactFlow", ContactFlowId="no-such-flow")).code == "ResourceNotFoundException"
    assert (await refused("ListContactFlows", InstanceId="another")).code == "ResourceNotFoundException"


async def test_pages(scene: Scene, refused: Refused) -> None:
    for name in "dacbe":
        await scene.flow(name)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = await scene.call("ListContactFlows", MaxResults=2, **token)
        seen += [each["Name"] for each in answer["ContactFlowSummaryList"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
        if seen[-1] == "b":
            await scene.call("DeleteContactFlow", ContactFlowId=await scene.flow("bb"))
    assert seen == ["a", "b", "c", "d", "e"]
    assert (await refused("ListContactFlows", NextToken="made up")).code == "InvalidParameterException"
    whisper = await scene.flow(
        "w", content(say("a", "x", "end"), action("end", "EndFlowExecution")), Type="AGENT_WHISPER"
    )
    listed = await scene.call("ListContactFlows", ContactFlowTypes=["AGENT_WHISPER"])
    assert [each["Id"] for each in listed["ContactFlowSummaryList"]] == [whisper]


async def test_search(scene: Scene) -> None:
    await scene.flow("Claims line", Tags={"team": "red"}, Description="about claims")
    await scene.flow("Sales line", Tags={"team": "blue", "vip": ""})
    await scene.flow("Draft", Status="SAVED")

    async def names(**parameters: object) -> list[str]:
        answer = await scene.call("SearchContactFlows", **parameters)
        assert answer["ApproximateTotalCount"] == len(answer["ContactFlows"])
        return [each["Name"] for each in answer["ContactFlows"]]

    def string(value: str, comparison: str, field: str = "name") -> dict[str, object]:
        return {"StringCondition": {"FieldName": field, "Value": value, "ComparisonType": comparison}}

    assert await names() == ["Claims line", "Draft", "Sales line"]
    assert await names(SearchCriteria=string("LINE", "CONTAINS")) == ["Claims line", "Sales line"]
    assert await names(SearchCriteria=string("sales", "STARTS_WITH")) == ["Sales line"]
    assert await names(SearchCriteria=string("draft", "EXACT")) == ["Draft"]
    assert await names(SearchCriteria=string("claims", "CONTAINS", "description")) == ["Claims line"]
    assert await names(SearchCriteria={"StatusCondition": "SAVED"}) == ["Draft"]
    either = {"OrConditions": [string("Draft", "EXACT"), {"AndConditions": [string("Cl", "STARTS_WITH")]}]}
    assert await names(SearchCriteria=either) == ["Claims line", "Draft"]
    tagged = {"TagFilter": {"TagCondition": {"TagKey": "team", "TagValue": "blue"}}}
    assert await names(SearchFilter=tagged) == ["Sales line"]
    both = {
        "TagFilter": {"OrConditions": [[{"TagKey": "vip"}, {"TagKey": "team", "TagValue": "red"}], [{"TagKey": "no"}]]}
    }
    assert await names(SearchFilter=both) == []


async def test_versions_and_aliases_answer_under_their_names(scene: Scene, refused: Refused) -> None:
    id_ = await scene.flow()
    digest = hashlib.sha256(HELLO.encode()).hexdigest()
    first = await scene.call("CreateContactFlowVersion", ContactFlowId=id_, FlowContentSha256=digest, Description="one")
    assert first == {"ContactFlowArn": f"{INSTANCE_ARN}/contact-flow/{id_}:1", "Version": 1}
    assert (await scene.call("CreateContactFlowVersion", ContactFlowId=id_))["Version"] == 1, "the same content"
    await scene.call("UpdateContactFlowContent", ContactFlowId=id_, Content=OTHER)
    refusal = await refused("CreateContactFlowVersion", ContactFlowId=id_, FlowContentSha256=digest)
    assert refusal.code == "InvalidRequestException"
    assert (await scene.call("CreateContactFlowVersion", ContactFlowId=id_))["Version"] == 2
    alias = await scene.call("CreateContactFlowAlias", ContactFlowId=id_, ContactFlowVersion=1, AliasName="live")
    assert await scene.heard(f"{id_}:1") == ["Hello."]
    assert await scene.heard(f"{INSTANCE_ARN}/contact-flow/{id_}:live") == ["Hello."]
    assert await scene.heard(id_) == await scene.heard("Hello") == ["Something else."]
    shown = (await scene.call("DescribeContactFlow", ContactFlowId=f"{id_}:1"))["ContactFlow"]
    assert (shown["Content"], shown["Version"], shown["VersionDescription"]) == (HELLO, 1, "one")
    await scene.call("UpdateContactFlowAlias", ContactFlowId=id_, AliasId=alias["Id"], ContactFlowVersion=2)
    assert await scene.heard(f"{id_}:live") == ["Something else."]
    described = await scene.call("DescribeContactFlowAlias", ContactFlowId=id_, AliasId=alias["Id"])
    assert described["ContactFlowAlias"]["Version"] == 2
    assert (await refused("DeleteContactFlowVersion", ContactFlowId=id_, ContactFlowVersion=2)).status == 400
    await scene.call("DeleteContactFlowVersion", ContactFlowId=id_, ContactFlowVersion=1)
    listed = (await scene.call("ListContactFlowVersions", ContactFlowId=id_))["ContactFlowVersionSummaryList"]
    assert [each["Version"] for each in listed] == [2]
    await scene.call("DeleteContactFlowAlias", ContactFlowId=id_, AliasId=alias["Id"])
    assert (await scene.call("ListContactFlowAliases", ContactFlowId=id_))["ContactFlowAliasSummaryList"] == []


async def test_limits(clock: VirtualClock) -> None:
    scene = await Scene(clock, limits=ConnectLimits(instance_flows=1)).opened()
    await scene.flow()
    with pytest.raises(Exception, match="LimitExceededException"):
        await scene.flow("Second")


async def test_throttling_as_a_setting(clock: VirtualClock) -> None:
    scene = await Scene(clock, limits=ConnectLimits(api_requests_per_second=2.0, api_burst=2.0)).opened()
    for _ in range(2):
        await scene.call("ListContactFlows")
    with pytest.raises(Exception, match="ThrottlingException"):
        await scene.call("ListContactFlows")
    await scene.call("ListQueues")
    await clock.run_until(clock_after(clock, 0.6))
    await scene.call("ListContactFlows")


async def test_the_database_is_read_by_a_later_callpark(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene(clock).opened()
    id_ = await scene.flow()
    await scene.office.store.commit([SetRow("connect", "queue/x", b'{"record":"carousel"}')])
    scene = await scene.restarted()
    assert await scene.heard(id_) == ["Hello."]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "queue/x" in caplog.text


async def clock_after(clock: VirtualClock, seconds: float) -> None:
    await sleep(clock, seconds)


async def test_modules(scene: Scene, refused: Refused) -> None:
    ends = action("end", "EndFlowModuleExecution", {"Result": "Known"})
    boiler: dict[str, list[object]] = {"InputParameters": [], "OutputParameters": [], "Transitions": []}
    module = content(say("hello", "In the module.", "end"), ends, Settings=boiler)
    contract = json.dumps({"transitions": {"results": [{"name": "Known"}]}})
    made = await scene.call("CreateContactFlowModule", Name="Greet", Content=module, Settings=contract, ClientToken="t")
    again = await scene.call(
        "CreateContactFlowModule", Name="Greet", Content=module, Settings=contract, ClientToken="t"
    )
    assert made == again
    assert made["Arn"] == f"{INSTANCE_ARN}/flow-module/{made['Id']}"
    caller = content(
        action(
            "call",
            "InvokeFlowModule",
            {"FlowModuleId": made["Arn"]},
            "bye",
            errors={"NoMatchingError": "bye", "NoMatchingCondition": "bye"},
            when={"Known": "after"},
        ),
        say("after", "Back.", "bye"),
        hang_up(),
    )
    id_ = await scene.flow(content=caller)
    assert await scene.heard(id_) == ["In the module.", "Back."]
    bad = content(
        action(
            "call",
            "InvokeFlowModule",
            {"FlowModuleId": made["Arn"]},
            "bye",
            errors={"NoMatchingError": "bye", "NoMatchingCondition": "bye"},
            when={"Unheard": "bye"},
        ),
        hang_up(),
    )
    assert (await refused("CreateContactFlow", Name="x", Type="CONTACT_FLOW", Content=bad)).code == (
        "InvalidContactFlowException"
    )
    refusal = await refused("CreateContactFlowModule", Name="No settings", Content=content(say("a", "b", "end"), ends))
    assert (refusal.code, refusal.message) == (
        "InvalidRequestException",
        "JSON field is missing or null for field name: settings",
    )
    wrong = module.replace('"Result": "Known"', '"Result": "Other"')
    refusal = await refused("UpdateContactFlowModuleContent", ContactFlowModuleId=made["Id"], Content=wrong)
    assert refusal.code == "InvalidContactFlowModuleException"
    assert set(refusal.body) == {"Problems"}
    version = await scene.call("CreateContactFlowModuleVersion", ContactFlowModuleId=made["Id"])
    assert version["ContactFlowModuleArn"] == f"{made['Arn']}:1"
    await scene.call(
        "CreateContactFlowModuleAlias", ContactFlowModuleId=made["Id"], ContactFlowModuleVersion=1, AliasName="live"
    )
    changed = module.replace("In the module.", "Changed.")
    await scene.call("UpdateContactFlowModuleContent", ContactFlowModuleId=made["Id"], Content=changed)
    assert await scene.heard(id_) == ["Changed.", "Back."]
    await scene.call(
        "UpdateContactFlowContent", ContactFlowId=id_, Content=caller.replace(made["Arn"], made["Arn"] + ":live")
    )
    assert await scene.heard(id_) == ["In the module.", "Back."]
    shown = (await scene.call("DescribeContactFlowModule", ContactFlowModuleId=made["Id"]))["ContactFlowModule"]
    assert (shown["Content"], shown["Settings"], shown["Status"]) == (changed, contract, "PUBLISHED")
    await scene.call("UpdateContactFlowModuleMetadata", ContactFlowModuleId=made["Id"], State="ARCHIVED")
    assert (await scene.call("ListContactFlowModules", ContactFlowModuleState="ACTIVE"))[
        "ContactFlowModulesSummaryList"
    ] == []
    found = await scene.call("SearchContactFlowModules", SearchCriteria={"StateCondition": "ARCHIVED"})
    assert [each["Name"] for each in found["ContactFlowModules"]] == ["Greet"]
    assert (await refused("DescribeContactFlow", ContactFlowId=made["Id"])).code == "ResourceNotFoundException"
    scene = await scene.restarted()
    assert await scene.heard(id_) == ["In the module.", "Back."]
    await scene.call("DeleteContactFlowModule", ContactFlowModuleId=made["Id"])
    assert (await scene.call("ListContactFlowModules"))["ContactFlowModulesSummaryList"] == []


async def test_a_projects_warnings_are_not_said_again_with_every_change(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    lonely = definition(hang_up(), say("lonely", "Nobody comes here.", "bye"))
    scene = await Scene(clock, project=(INSTANCE, [lonely], [])).opened()
    assert len(scene.warnings) == 1
    await scene.flow()
    assert caplog.messages == []
    await scene.flow("Other", content(hang_up(), say("lonely", "Nor here.", "bye")))
    assert caplog.messages == ["flow Other: warning: action 'lonely': no path leads to this action"]
