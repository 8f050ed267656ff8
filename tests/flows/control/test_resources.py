"""Numbers, queues, hours, prompts, functions, users and tags by the API: what flows make of them, and what is kept."""

from datetime import UTC, date, datetime

import pytest

from callpark.flows.declared import Agent, Declared, Hours, HoursOverride, PromptFile, Queue
from callpark.flows.model import InstanceDefinition, NumberDefinition
from callpark.kernel.clock import VirtualClock, sleep
from tests.flows.building import (
    INSTANCE,
    INSTANCE_ARN,
    action,
    content,
    definition,
    function_arn,
    hang_up,
    invoke,
    say,
)
from tests.flows.control.conftest import Refused
from tests.flows.control.scene import Project, Scene

pytestmark = pytest.mark.sim

ALL_WEEK = [
    {"Day": day, "StartTime": {"Hours": 9, "Minutes": 0}, "EndTime": {"Hours": 17, "Minutes": 30}}
    for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
]


def instance(**declared: object) -> InstanceDefinition:
    return InstanceDefinition(arn=INSTANCE_ARN, all_functions=True, declared=Declared(**declared))  # type: ignore[arg-type]


# Phone numbers


async def test_a_number_is_found_claimed_and_answered(clock: VirtualClock) -> None:
    scene = await Scene(clock).opened()
    found = await scene.call("SearchAvailablePhoneNumbers", PhoneNumberCountryCode="GB", PhoneNumberType="DID")
    numbers = [each["PhoneNumber"] for each in found["AvailableNumbersList"]]
    assert len(numbers) == 10
    assert all(number.startswith("+44") for number in numbers)
    more = await scene.call(
        "SearchAvailablePhoneNumbers",
        PhoneNumberCountryCode="GB",
        PhoneNumberType="DID",
        NextToken=found["NextToken"],
        MaxResults=1,
    )
    assert more["AvailableNumbersList"][0]["PhoneNumber"] not in numbers
    claimed = await scene.call("ClaimPhoneNumber", PhoneNumber=numbers[0], TargetArn=INSTANCE_ARN, ClientToken="one")
    id_ = claimed["PhoneNumberId"]
    assert claimed == await scene.call("ClaimPhoneNumber", PhoneNumber=numbers[0], ClientToken="one")
    flow = await scene.flow()
    await scene.call("AssociatePhoneNumberContactFlow", PhoneNumberId=id_, ContactFlowId=flow)
    assert await scene.heard(numbers[0]) == ["Hello."]
    scene = await scene.restarted()
    assert await scene.heard(numbers[0]) == ["Hello."]
    await scene.call("UpdatePhoneNumberMetadata", PhoneNumberId=id_, PhoneNumberDescription="the line")
    shown = await scene.call("DescribePhoneNumber", PhoneNumberId=claimed["PhoneNumberArn"])
    assert shown["ClaimedPhoneNumberSummary"] == {
        "PhoneNumberId": id_,
        "PhoneNumberArn": claimed["PhoneNumberArn"],
        "PhoneNumber": numbers[0],
        "PhoneNumberCountryCode": "GB",
        "PhoneNumberType": "DID",
        "TargetArn": INSTANCE_ARN,
        "InstanceId": INSTANCE_ARN.rsplit("/", 1)[-1],
        "PhoneNumberDescription": "the line",
        "Tags": {},
        "PhoneNumberStatus": {"Status": "CLAIMED"},
    }
    assert scene.plane.overview() == [("Hello", f"{INSTANCE_ARN}/contact-flow/{flow}", [numbers[0]])]
    await scene.call("DeleteContactFlow", ContactFlowId=flow)
    assert scene.office.flows.instance.numbers == {numbers[0]: None}
    await scene.call("ReleasePhoneNumber", PhoneNumberId=id_)
    assert (await scene.call("ListPhoneNumbersV2"))["ListPhoneNumbersSummaryList"] == []


async def test_numbers_that_are_not_to_be_had(scene: Scene, refused: Refused) -> None:
    await scene.call("ClaimPhoneNumber", PhoneNumber="+441632960001")
    for parameters in ({"PhoneNumber": "+441632960001"}, {"PhoneNumber": "01632"}):
        assert (await refused("ClaimPhoneNumber", **parameters)).code == "InvalidParameterException"
    refusal = await refused("ClaimPhoneNumber", PhoneNumber="+441632960002", TargetArn=INSTANCE_ARN + "x")
    assert refusal.code == "ResourceNotFoundException"
    whisper = content(say("a", "x", "end"), action("end", "EndFlowExecution"))
    flow = await scene.flow(content=whisper, Type="AGENT_WHISPER")
    listed = (await scene.call("ListPhoneNumbers"))["PhoneNumberSummaryList"]
    id_ = listed[0]["Id"]
    refusal = await refused("AssociatePhoneNumberContactFlow", PhoneNumberId=id_, ContactFlowId=flow)
    assert refusal.code == "InvalidParameterException"
    assert (await refused("DescribePhoneNumber", PhoneNumberId="gone")).code == "ResourceNotFoundException"


async def test_lists_of_numbers(scene: Scene) -> None:
    for number in ("+18005550100", "+442079460001", "+442079460000"):
        await scene.call("ClaimPhoneNumber", PhoneNumber=number)

    async def found(**parameters: object) -> list[str]:
        listed = await scene.call("ListPhoneNumbersV2", **parameters)
        return [each["PhoneNumber"] for each in listed["ListPhoneNumbersSummaryList"]]

    assert await found() == ["+18005550100", "+442079460000", "+442079460001"]
    assert await found(PhoneNumberTypes=["TOLL_FREE"]) == ["+18005550100"]
    assert await found(PhoneNumberCountryCodes=["GB"], MaxResults=1) == ["+442079460000"]
    assert await found(PhoneNumberPrefix="+44") == ["+442079460000", "+442079460001"]


async def test_a_projects_number_is_moved_until_the_next_load(clock: VirtualClock) -> None:
    first = definition(say("hello", "First.", "bye"), hang_up(), name="first")
    second = definition(say("hello", "Second.", "bye"), hang_up(), name="second")
    number = NumberDefinition("+441632960000", "arn:aws:connect:us-east-1:123456789012:phone-number/n", first.arn)
    project = (INSTANCE, [first, second], [number])
    scene = await Scene(clock, project=project).opened()
    await scene.call("AssociatePhoneNumberContactFlow", PhoneNumberId="n", ContactFlowId=second.arn)
    assert await scene.heard("+441632960000") == ["Second."]
    await scene.load(*project)
    assert await scene.heard("+441632960000") == ["First."]
    await scene.call("DisassociatePhoneNumberContactFlow", PhoneNumberId="n")
    assert scene.office.flows.instance.numbers == {"+441632960000": None}


async def test_a_number_that_the_project_comes_to_declare_is_the_projects(clock: VirtualClock) -> None:
    scene = await Scene(clock).opened()
    await scene.call("ClaimPhoneNumber", PhoneNumber="+441632960000")
    flow = definition(say("hello", "The project's.", "bye"), hang_up())
    await scene.load(INSTANCE, [flow], [NumberDefinition("+441632960000", "arn:x/n", flow.arn)])
    assert scene.warnings == ("number +441632960000 was claimed by the API too; the project has it",)
    assert await scene.heard("+441632960000") == ["The project's."]


# Functions


def calls(name: str) -> str:
    asks = invoke("ask", "yes", "no", LambdaFunctionARN=function_arn(name))
    return content(asks, say("yes", "It ran.", "bye"), say("no", "It did not.", "bye"), hang_up())


async def test_associated_functions_and_no_others_may_be_called(scene: Scene, refused: Refused) -> None:
    f, g = await scene.flow("f", calls("F")), await scene.flow("g", calls("G"))
    assert await scene.heard(g) == ["It ran."], "nothing is associated: all are"
    await scene.call("AssociateLambdaFunction", FunctionArn=function_arn("F"))
    assert (await scene.heard(f), await scene.heard(g)) == (["It ran."], ["It did not."])
    await scene.call("AssociateLambdaFunction", FunctionArn=function_arn("F"))
    assert await scene.call("ListLambdaFunctions") == {"LambdaFunctions": [function_arn("F")]}
    assert (await refused("AssociateLambdaFunction", FunctionArn=function_arn("Gone"))).code == (
        "ResourceNotFoundException"
    )
    assert (await refused("AssociateLambdaFunction", FunctionArn="F")).code == "InvalidParameterException"
    scene_after = await scene.restarted()
    assert await scene_after.heard(g) == ["It did not."]
    await scene_after.call("DisassociateLambdaFunction", FunctionArn=function_arn("F"))
    assert await scene_after.heard(f) == ["It did not."]
    assert await scene_after.call("ListLambdaFunctions") == {"LambdaFunctions": []}


async def test_the_projects_associations_come_again(clock: VirtualClock) -> None:
    project: Project = (InstanceDefinition(arn=INSTANCE_ARN, function_arns=(function_arn("F"),)), [], [])
    scene = await Scene(clock, project=project).opened()
    flow = await scene.flow(content=calls("F"))
    await scene.call("DisassociateLambdaFunction", FunctionArn=function_arn("F"))
    assert await scene.heard(flow) == ["It did not."]
    await scene.load(*project)
    assert await scene.heard(flow) == ["It ran."]


# Queues, hours, prompts


async def test_hours_of_operation_with_overrides(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene(clock).opened()
    made = await scene.call(
        "CreateHoursOfOperation", Name="Office", TimeZone="Europe/London", Config=ALL_WEEK, Description="usual"
    )
    id_ = made["HoursOfOperationId"]
    asks = action(
        "open?",
        "CheckHoursOfOperation",
        {"HoursOfOperationId": made["HoursOfOperationArn"]},
        "no",
        errors={"NoMatchingError": "no"},
        when={"True": "yes", "False": "no"},
    )
    flow = await scene.flow(content=content(asks, say("yes", "Open.", "bye"), say("no", "Closed.", "bye"), hang_up()))

    async def at(*moment: int) -> str:
        later = datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
        await clock.run_until(_until(clock, later))
        (heard,) = await scene.heard(flow)
        return heard

    year = datetime.fromtimestamp(clock.now(), UTC).year + 1
    assert await at(year, 1, 5, 10) == "Open."
    assert await at(year, 1, 5, 20) == "Closed."
    override = await scene.call(
        "CreateHoursOfOperationOverride",
        HoursOfOperationId=id_,
        Name="Inventory",
        EffectiveFrom=f"{year}-02-01",
        EffectiveTill=f"{year}-02-07",
        Config=[{"Day": "MONDAY", "StartTime": {"Hours": 20, "Minutes": 0}, "EndTime": {"Hours": 22, "Minutes": 0}}],
    )
    monday = next(day for day in range(1, 8) if date(year, 2, day).weekday() == 0)
    others = [day for day in range(1, 8) if day != monday]
    scene = await scene.restarted()
    days = {day: [await at(year, 2, day, 10), await at(year, 2, day, 21)] for day in range(1, 8)}
    assert days == {**{day: ["Closed.", "Closed."] for day in others}, monday: ["Closed.", "Open."]}
    where = {"HoursOfOperationId": id_, "HoursOfOperationOverrideId": override["HoursOfOperationOverrideId"]}
    await scene.call("UpdateHoursOfOperationOverride", **where, EffectiveTill=f"{year}-03-31", Config=ALL_WEEK)
    assert await at(year, 3, 10, 10) == "Open."
    shown = (await scene.call("DescribeHoursOfOperationOverride", **where))["HoursOfOperationOverride"]
    assert (shown["Name"], shown["EffectiveTill"], shown["Config"]) == ("Inventory", f"{year}-03-31", ALL_WEEK)
    listed = await scene.call("ListHoursOfOperationOverrides", HoursOfOperationId=id_)
    assert listed["HoursOfOperationOverrideList"] == [shown]
    await scene.call("DeleteHoursOfOperationOverride", **where)
    await scene.call("UpdateHoursOfOperation", HoursOfOperationId=id_, Config=[], Name="Closed for good")
    assert await at(year, 4, 10, 10) == "Closed."
    described = (await scene.call("DescribeHoursOfOperation", HoursOfOperationId=id_))["HoursOfOperation"]
    assert (described["Name"], described["Config"], described["Description"]) == ("Closed for good", [], "usual")
    assert caplog.messages == []


async def _until(clock: VirtualClock, at: float) -> None:
    await sleep(clock, max(0.0, at - clock.now()))


async def test_hours_that_make_no_sense(scene: Scene, refused: Refused) -> None:
    given = {"Name": "Office", "Config": ALL_WEEK}
    assert (await refused("CreateHoursOfOperation", **given, TimeZone="Mars/Olympus")).code == (
        "InvalidParameterException"
    )
    made = await scene.call("CreateHoursOfOperation", **given, TimeZone="UTC")
    id_ = made["HoursOfOperationId"]
    dates = {"EffectiveFrom": "2027-01-02", "EffectiveTill": "2027-01-01"}
    refusal = await refused("CreateHoursOfOperationOverride", HoursOfOperationId=id_, Name="x", Config=[], **dates)
    assert refusal.code == "InvalidParameterException"
    dates = {"EffectiveFrom": "2027-13-02", "EffectiveTill": "2027-13-02"}
    refusal = await refused("CreateHoursOfOperationOverride", HoursOfOperationId=id_, Name="x", Config=[], **dates)
    assert refusal.code == "InvalidParameterException"
    dates = {"EffectiveFrom": "2027-01-02", "EffectiveTill": "2027-01-02"}
    refusal = await refused(
        "CreateHoursOfOperationOverride", HoursOfOperationId=id_, Name="x", Config=[], OverrideType="OPEN", **dates
    )
    assert (refusal.code, refusal.status) == ("NotImplemented", 501)
    await scene.call("CreateQueue", Name="Support", HoursOfOperationId=id_)
    refusal = await refused("DeleteHoursOfOperation", HoursOfOperationId=id_)
    assert (refusal.code, refusal.body["ResourceId"]) == ("ResourceInUseException", id_)


def enters(queue: str) -> str:
    errors = {"NoMatchingError": "failed", "QueueAtCapacity": "full"}
    return content(
        action("set", "UpdateContactTargetQueue", {"QueueId": queue}, "go", errors={"NoMatchingError": "failed"}),
        action("go", "TransferContactToQueue", {}, "bye", errors=errors),
        say("failed", "There is no such queue.", "bye"),
        say("full", "It is full.", "bye"),
        hang_up(),
    )


async def test_queues_as_flows_meet_them(scene: Scene, refused: Refused) -> None:
    hours = await scene.call("CreateHoursOfOperation", Name="Office", TimeZone="UTC", Config=ALL_WEEK)
    hours_id = hours["HoursOfOperationId"]
    refusal = await refused("CreateQueue", Name="Support", HoursOfOperationId="none")
    assert refusal.code == "ResourceNotFoundException"
    number = await scene.call("ClaimPhoneNumber", PhoneNumber="+442079460000")
    caller = {"OutboundCallerIdNumberId": number["PhoneNumberId"]}
    made = await scene.call(
        "CreateQueue", Name="Support", HoursOfOperationId=hours_id, MaxContacts=0, OutboundCallerConfig=caller
    )
    id_ = made["QueueId"]
    assert scene.office.flows.instance.resources.queues[id_].caller_id == "+442079460000"
    flow = await scene.flow(content=enters(made["QueueArn"]))
    elsewhere = await scene.flow("elsewhere", enters(made["QueueArn"] + "0"))
    assert await scene.heard(flow) == ["It is full."]
    assert await scene.heard(elsewhere) == ["There is no such queue."]
    await scene.call("UpdateQueueMaxContacts", QueueId=id_, MaxContacts=3)
    phone = scene.office.phone()
    call = scene.office.flows.start_call(flow, phone)
    await scene.clock.run_until(_until(scene.clock, scene.clock.now() + 1))
    (contact,) = scene.office.flows.contacts()
    assert contact.desk is not None
    assert contact.desk.target.arn == made["QueueArn"]
    call.line.hang_up()
    await scene.clock.run_until(call.ended)
    await scene.call("UpdateQueueStatus", QueueId=id_, Status="DISABLED")
    assert await scene.heard(flow) == ["It is full."]
    await scene.call("UpdateQueueName", QueueId=id_, Name="Help", Description="help desk")
    shown = (await scene.call("DescribeQueue", QueueId=id_))["Queue"]
    assert shown == {
        "Name": "Help",
        "QueueArn": made["QueueArn"],
        "QueueId": id_,
        "Description": "help desk",
        "OutboundCallerConfig": caller,
        "HoursOfOperationId": hours_id,
        "MaxContacts": 3,
        "Status": "DISABLED",
        "Tags": {},
        "LastModifiedTime": shown["LastModifiedTime"],
        "LastModifiedRegion": "us-east-1",
    }
    assert (await refused("CreateQueue", Name="Help", HoursOfOperationId=hours_id)).code == "DuplicateResourceException"
    found = await scene.call("SearchQueues", SearchCriteria={"QueueTypeCondition": "STANDARD"})
    assert [each["Name"] for each in found["Queues"]] == ["Help"]
    again = await scene.restarted()
    assert await again.heard(flow) == ["It is full."]
    await again.call("DeleteQueue", QueueId=id_)
    assert (await again.call("ListQueues"))["QueueSummaryList"] == []


async def test_prompts_as_flows_meet_them(scene: Scene) -> None:
    made = await scene.call("CreatePrompt", Name="Welcome", S3Uri="s3://bucket/welcome.wav")
    asked = action(
        "play", "MessageParticipant", {"PromptId": made["PromptARN"]}, "bye", errors={"NoMatchingError": "no"}
    )
    flow = await scene.flow(content=content(asked, say("no", "No prompt.", "bye"), hang_up()))
    assert await scene.heard(flow) == ["[Welcome]"]
    again = await scene.restarted()
    assert await again.heard(flow) == ["[Welcome]"]
    await again.call("UpdatePrompt", PromptId=made["PromptId"], Description="the first thing")
    shown = (await again.call("DescribePrompt", PromptId=made["PromptId"]))["Prompt"]
    assert (shown["Name"], shown["Description"]) == ("Welcome", "the first thing")
    await again.call("CreatePrompt", Name="Other", S3Uri="s3://bucket/other.wav")
    await again.call("DeletePrompt", PromptId=made["PromptId"])
    assert await again.heard(flow) == ["No prompt."]
    assert [each["Name"] for each in (await again.call("ListPrompts"))["PromptSummaryList"]] == ["Other"]


async def test_what_the_project_declares_is_shown(clock: VirtualClock) -> None:
    christmas = HoursOverride(name="Christmas", first=date(2027, 12, 24), last=date(2027, 12, 26), hours=())
    declared = instance(
        hours=(Hours(name="Office", days={"Monday": ("09:00-12:30", "13:00-24:00")}, overrides=(christmas,)),),
        queues=(Queue(name="Support", id="q1", hours="Office", agents=("alice",)),),
        agents=(Agent(name="alice", answers_after=1, first_name="Alice"),),
        prompts=(PromptFile(name="Welcome", seconds=2, text="Welcome."),),
    )
    scene = await Scene(clock, project=(declared, [], [])).opened()
    (hours,) = (await scene.call("ListHoursOfOperations"))["HoursOfOperationSummaryList"]
    shown = (await scene.call("DescribeHoursOfOperation", HoursOfOperationId=hours["Id"]))["HoursOfOperation"]
    assert [(span["StartTime"], span["EndTime"]) for span in shown["Config"]] == [
        ({"Hours": 9, "Minutes": 0}, {"Hours": 12, "Minutes": 30}),
        ({"Hours": 13, "Minutes": 0}, {"Hours": 0, "Minutes": 0}),
    ]
    (override,) = (await scene.call("ListHoursOfOperationOverrides", HoursOfOperationId=hours["Id"]))[
        "HoursOfOperationOverrideList"
    ]
    assert (override["EffectiveFrom"], override["EffectiveTill"], override["Config"]) == (
        "2027-12-24",
        "2027-12-26",
        [],
    )
    queue = (await scene.call("DescribeQueue", QueueId="q1"))["Queue"]
    assert queue["HoursOfOperationId"] == hours["Id"]
    (user,) = (await scene.call("ListUsers"))["UserSummaryList"]
    described = (await scene.call("DescribeUser", UserId=user["Id"]))["User"]
    assert described["IdentityInfo"]["FirstName"] == "Alice"
    (profile,) = (await scene.call("ListRoutingProfiles"))["RoutingProfileSummaryList"]
    assert described["RoutingProfileId"] == profile["Id"]
    served = await scene.call("ListRoutingProfileQueues", RoutingProfileId=profile["Id"])
    assert [each["QueueName"] for each in served["RoutingProfileQueueConfigSummaryList"]] == ["Support"]
    about = (await scene.call("DescribeRoutingProfile", RoutingProfileId=profile["Id"]))["RoutingProfile"]
    assert about["AssociatedQueueIds"] == ["q1"]
    names = [each["Name"] for each in (await scene.call("ListSecurityProfiles"))["SecurityProfileSummaryList"]]
    assert "Agent" in names
    kinds = [each["QueueType"] for each in (await scene.call("ListQueues"))["QueueSummaryList"]]
    assert sorted(kinds) == ["AGENT", "STANDARD"]
    await scene.call("UpdateHoursOfOperation", HoursOfOperationId=hours["Id"], Description="changed")
    after = (await scene.call("DescribeHoursOfOperation", HoursOfOperationId=hours["Id"]))["HoursOfOperation"]
    assert after["Config"] == shown["Config"]


# The instance and tags


async def test_the_instance(scene: Scene, refused: Refused) -> None:
    (summary,) = (await scene.call("ListInstances"))["InstanceSummaryList"]
    assert (summary["Arn"], summary["InstanceAlias"]) == (INSTANCE_ARN, "callpark")
    elsewhere = INSTANCE_ARN.replace("us-east-1:123456789012", "eu-west-2:000000000000")
    assert (await scene.call("DescribeInstance", InstanceId=elsewhere))["Instance"]["Id"] == summary["Id"]
    await scene.call("UpdateInstanceAttribute", AttributeType="CONTACT_LENS", Value="true")
    scene = await scene.restarted()
    shown = await scene.call("DescribeInstanceAttribute", AttributeType="CONTACT_LENS")
    assert shown == {"Attribute": {"AttributeType": "CONTACT_LENS", "Value": "true"}}
    assert len((await scene.call("ListInstanceAttributes"))["Attributes"]) == 7
    assert (await refused("DescribeInstance", InstanceId="other")).code == "ResourceNotFoundException"


async def test_tags(scene: Scene, refused: Refused) -> None:
    id_ = await scene.flow()
    arn = f"{INSTANCE_ARN}/contact-flow/{id_}"
    for resource in (arn, INSTANCE_ARN):
        await scene.call("TagResource", resourceArn=resource, tags={"a": "1", "b": "2"})
        await scene.call("UntagResource", resourceArn=resource, tagKeys=["a", "none"])
    scene = await scene.restarted()
    for resource in (arn, INSTANCE_ARN):
        assert await scene.call("ListTagsForResource", resourceArn=resource) == {"tags": {"b": "2"}}
    assert (await refused("ListTagsForResource", resourceArn=arn + "x")).code == "ResourceNotFoundException"
    assert (await refused("TagResource", resourceArn=arn, tags={"aws:x": "1"})).code == "InvalidRequestException"
    many = {str(number): "" for number in range(50)}
    assert (await refused("TagResource", resourceArn=arn, tags=many)).code == "InvalidRequestException"


async def test_another_project_finds_what_was_made(clock: VirtualClock) -> None:
    """The data folder is the same, the instance's ARN is not."""
    scene = await Scene(clock).opened()
    id_ = await scene.flow()
    other = INSTANCE_ARN.replace("11111111", "99999999")
    await scene.load(InstanceDefinition(arn=other), [], [])
    shown = (await scene.call("DescribeContactFlow", ContactFlowId=id_))["ContactFlow"]
    assert shown["Arn"] == f"{other}/contact-flow/{id_}"
