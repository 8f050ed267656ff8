"""boto3 deploys flows of the kinds that people publish, and chats with each to its end.

The flows have the shapes of published ones: a function at work while the flow talks, guides made of views, a survey
in a module, queues with their flows, A/B tests, opening hours, bots, callbacks.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from callpark.app import App
from callpark.flows.chat.model import ENDED, INTERACTIVE, INTERACTIVE_RESPONSE, TEXT
from callpark.serving import served
from callpark.settings import Settings
from tests.flows.building import ASYNCHRONOUS, Action, action, content, hang_up, invoke, invoke_async, load, say, wait
from tests.flows.chat.chatting import Client, Listener, told
from tests.journeys.archives import zipped
from tests.journeys.test_boto3 import ROLE, client

pytestmark = pytest.mark.compat

HANDLER = """
def handler(event, context):
    return {"tier": "gold", "waitLevel": "short", "asked": event["Details"]["Parameters"].get("what", "")}
"""
LATEST = "$.LambdaInvocation.InvocationId"


def sets(name: str, then: str, **attributes: str) -> Action:
    given = {"Attributes": attributes, "TargetContact": "Current"}
    return action(name, "UpdateContactAttributes", given, then, errors={"NoMatchingError": then})


def does(name: str, type_: str, then: str, error: str, /, **parameters: object) -> Action:
    """An action with one error branch."""
    return action(name, type_, parameters, then, errors={"NoMatchingError": error})


def shows(name: str, view: str, then: str, error: str, /, **data: object) -> Action:
    given = {"ViewResource": {"Id": view, "Version": "Latest"}, "InvocationTimeLimitSeconds": "300", "ViewData": data}
    errors = {"NoMatchingCondition": error, "NoMatchingError": error, "TimeLimitExceeded": error}
    return action(name, "ShowView", given, error, errors=errors, when={"Next": then})


@dataclass(frozen=True)
class Chat:
    """`flow` is chatted with; `others` (name → type, content) are deployed before it, and `{{name}}` stands for their
    ARN. `says`: after which content or content type, what the customer does: a text, a view's action, or leaves."""

    flow: str
    hears: Sequence[tuple[str, str]]
    others: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    says: Sequence[tuple[str, str]] = ()
    end: str = "CONTACT_FLOW_DISCONNECT"


ASKED_AND_WAITED_FOR = content(
    say("hello", "One moment.", "start"),
    invoke_async("start", "wait", "sorry"),
    wait("wait", events={"Done": (LATEST, "load")}, completed="sorry"),
    load("load", "done", reference=LATEST, progress="sorry", error="sorry"),
    say("done", "You are $.External.tier.", "bye"),
    say("sorry", "We are sorry.", "bye"),
    hang_up(),
)

GUIDE = content(
    sets("begin", "look", step="form"),
    action(
        "look",
        "GetCustomerProfile",
        {"ProfileRequestData": {"PhoneNumber": "$.Attributes.phone"}, "ProfileResponseData": ["FirstName"]},
        "form",
        errors={"NoMatchingError": "form", "MultipleFoundError": "form", "NoneFoundError": "form"},
    ),
    shows("form", "form", "ask", "sorry", Heading="Which claim?"),
    invoke("ask", "confirm", "sorry", LambdaInvocationAttributes={"what": "$.Views.ViewResultData.claim"}),
    shows("confirm", "confirmation", "bye", "sorry", Heading="Claim $.External.asked for $.External.tier customers"),
    say("sorry", "We are sorry.", "bye"),
    hang_up(),
)

SURVEY = content(does("ask", "InvokeFlowModule", "bye", "bye", FlowModuleId="{{Survey}}"), hang_up())
SURVEY_MODULE = content(
    say("rate", "How did we do?", "answer"),
    action(
        "answer",
        "Wait",
        {"TimeLimitSeconds": "600", "Events": ["CustomerReturned"]},
        "end",
        errors={"NoMatchingError": "end"},
        when={"CustomerReturned": "thanks", "WaitCompleted": "end"},
    ),
    say("thanks", "Thank you.", "end"),
    action("end", "EndFlowModuleExecution"),
    Settings={},
)

#: A round of prompts is for the ear; on a chat it takes its error branch.
QUEUE_FLOW = content(
    action(
        "music",
        "MessageParticipantIteratively",
        {"Messages": [{"Text": "Please hold the line."}, {"PromptId": "PROMPT#CustomerQueue"}]},
        "bye",
        errors={"NoMatchingError": "write"},
    ),
    say("write", "Please stay with us.", "stay"),
    wait("stay", completed="bye", limit="600"),
    hang_up(),
)
WHISPER = content(
    say("whisper", "$.Queue.Name", "end"),
    action("end", "EndFlowExecution"),
)
CARDS = content(
    does("customer", "UpdateContactData", "hooks", "hooks", CustomerId="c-1"),
    does("hooks", "UpdateContactEventHooks", "whisper", "whisper", EventHooks={"CustomerQueue": "{{Queue}}"}),
    does("whisper", "UpdateContactEventHooks", "target", "target", EventHooks={"AgentWhisper": "{{Whisper}}"}),
    does("target", "UpdateContactTargetQueue", "transfer", "sorry", QueueId="{{Support}}"),
    action(
        "transfer",
        "TransferContactToQueue",
        {},
        "sorry",
        errors={"QueueAtCapacity": "sorry", "NoMatchingError": "sorry"},
    ),
    say("sorry", "We are sorry.", "bye"),
    hang_up(),
)

STREAMING = content(
    say("hello", "We listen in.", "listen"),
    does(
        "listen",
        "UpdateContactMediaStreamingBehavior",
        "ask",
        "sorry",
        MediaStreamingState="Enabled",
        MediaStreamType="Audio",
        Participants=[{"ParticipantType": "Customer", "MediaDirections": ["To", "From"]}],
    ),
    say("sorry", "Nobody can listen in here.", "ask"),
    invoke("ask", "loop", "bye"),
    action("loop", "Loop", {"LoopCount": "2"}, "bye", when={"ContinueLooping": "again", "DoneLooping": "bye"}),
    say("again", "Still here.", "loop"),
    hang_up(),
)

TEST_OF_TWO = content(
    say("hello", "Welcome to the test.", "draw"),
    action(
        "draw",
        "DistributeByPercentage",
        {},
        "b",
        errors={"NoMatchingCondition": "b"},
        when=[("NumberLessThan", "100", "a")],
    ),
    say("a", "You are in a group.", "go"),
    say("b", "You are in a group.", "go"),
    does("go", "TransferToFlow", "bye", "bye", ContactFlowId="{{Other}}"),
    hang_up(),
)
OTHER = content(say("there", "This is the other flow.", "bye"), hang_up())

HOURS = content(
    does("target", "UpdateContactTargetQueue", "hello", "sorry", QueueId="{{Support}}"),
    say("hello", "Welcome.", "open"),
    action(
        "open",
        "CheckHoursOfOperation",
        {},
        "sorry",
        errors={"NoMatchingError": "sorry"},
        when={"True": "ask", "False": "sorry"},
    ),
    invoke("ask", "keep", "sorry"),
    sets("keep", "done", tier="$.External.tier"),
    say("done", "We are open for $.Attributes.tier customers.", "bye"),
    say("sorry", "We are closed.", "bye"),
    hang_up(),
)

BOT = content(
    does(
        "session",
        "CreateWisdomSession",
        "bot",
        "bot",
        WisdomAssistantArn="arn:aws:wisdom:us-east-1:123456789012:assistant/a",
    ),
    action(
        "bot",
        "ConnectParticipantWithLexBot",
        {
            "Text": "How can I help you?",
            "LexV2Bot": {"AliasArn": "arn:aws:lex:us-east-1:123456789012:bot-alias/BOT/ALIAS"},
        },
        "bye",
        errors={"NoMatchingCondition": "bye", "NoMatchingError": "sorry"},
        when={"EndConversationIntent": "bye"},
    ),
    say("sorry", "There are technical difficulties.", "bye"),
    hang_up(),
)

CALLBACK = content(
    invoke("ask", "how", "bye", LambdaInvocationAttributes={"what": "wait"}),
    action(
        "how",
        "Compare",
        {"ComparisonValue": "$.External.waitLevel"},
        "short",
        errors={"NoMatchingCondition": "short"},
        when={"long": "offer", "short": "short"},
    ),
    say("offer", "Shall we call back?", "bye"),
    invoke("short", "soon", "bye", LambdaInvocationAttributes={"what": "reservation"}),
    say("soon", "It is your turn soon ($.External.asked).", "bye"),
    hang_up(),
)

CHATS = {
    "talks while a function works": Chat(
        content(*ASYNCHRONOUS),
        [("SYSTEM", "This flow shows a function at work."), ("SYSTEM", "Please wait while it works.")],
    ),
    "waits for a function": Chat(ASKED_AND_WAITED_FOR, [("SYSTEM", "One moment."), ("SYSTEM", "You are gold.")]),
    "guide": Chat(
        GUIDE,
        [
            ("SYSTEM", "form Which claim?"),
            ("CUSTOMER", "Next"),
            ("SYSTEM", "confirmation Claim hail for gold customers"),
            ("CUSTOMER", "Next"),
        ],
        says=[(INTERACTIVE, "Next"), (INTERACTIVE, "Next")],
    ),
    "survey in a module": Chat(
        SURVEY,
        [("SYSTEM", "How did we do?"), ("CUSTOMER", "5"), ("SYSTEM", "Thank you.")],
        modules={"Survey": SURVEY_MODULE},
        says=[("How did we do?", "5")],
    ),
    "queue": Chat(
        CARDS,
        [("SYSTEM", "Please stay with us.")],
        others={"Queue": ("CUSTOMER_QUEUE", QUEUE_FLOW), "Whisper": ("AGENT_WHISPER", WHISPER)},
        says=[("Please stay with us.", "leave")],
        end="CUSTOMER_DISCONNECT",
    ),
    "media streaming": Chat(
        STREAMING,
        [
            ("SYSTEM", "We listen in."),
            ("SYSTEM", "Nobody can listen in here."),
            ("SYSTEM", "Still here."),
            ("SYSTEM", "Still here."),
        ],
    ),
    "test of two": Chat(
        TEST_OF_TWO,
        [("SYSTEM", "Welcome to the test."), ("SYSTEM", "You are in a group."), ("SYSTEM", "This is the other flow.")],
        others={"Other": ("CONTACT_FLOW", OTHER)},
    ),
    "opening hours": Chat(HOURS, [("SYSTEM", "Welcome."), ("SYSTEM", "We are open for gold customers.")]),
    "bot": Chat(BOT, [("SYSTEM", "There are technical difficulties.")]),
    "callback": Chat(CALLBACK, [("SYSTEM", "It is your turn soon (reservation).")]),
}


def deployed(app: App, chat: Chat) -> str:
    """Everything that the flow needs, then the flow; its id."""
    client(app).create_function(
        FunctionName="F",
        Runtime="python3.11",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped(app=HANDLER)},
    )
    connect = client(app, "connect")
    (instance,) = connect.list_instances()["InstanceSummaryList"]
    where = {"InstanceId": instance["Id"]}
    connect.associate_lambda_function(**where, FunctionArn="arn:aws:lambda:us-east-1:123456789012:function:F")
    hours = connect.create_hours_of_operation(**where, Name="Always", TimeZone="UTC", Config=ALWAYS)[
        "HoursOfOperationId"
    ]
    made = {"Support": connect.create_queue(**where, Name="Support", HoursOfOperationId=hours)["QueueArn"]}
    for name, module in chat.modules.items():
        made[name] = connect.create_contact_flow_module(**where, Name=name, Content=module, Settings="{}")["Arn"]
    for name, (type_, text) in chat.others.items():
        made[name] = connect.create_contact_flow(**where, Name=name, Type=type_, Content=text)["ContactFlowArn"]
    text = chat.flow
    for name, arn in made.items():
        text = text.replace(f"{{{{{name}}}}}", arn)
    flow_id: str = connect.create_contact_flow(**where, Name="chat", Type="CONTACT_FLOW", Content=text)["ContactFlowId"]
    return flow_id


ALWAYS = [
    {"Day": day, "StartTime": {"Hours": 0, "Minutes": 0}, "EndTime": {"Hours": 0, "Minutes": 0}}
    for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
]


async def does_as_told(customer: Client, token: str, item: Mapping[str, Any], deed: str) -> None:
    if deed == "leave":
        await customer.participant("disconnect_participant", ConnectionToken=token)
    elif item["ContentType"] == INTERACTIVE:
        shown = json.loads(item["Content"])["data"]["content"]
        view = await customer.participant("describe_view", ConnectionToken=token, ViewToken=shown["viewToken"])
        assert view["View"]["Name"] == shown["viewToken"]
        answer = json.dumps({"action": deed, "data": {"claim": "hail"}})
        await customer.say(token, answer, ContentType=INTERACTIVE_RESPONSE)
    else:
        await customer.say(token, deed)


def readable(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """As `told`, with a view as its name and heading, and an answer as its action."""
    lines: list[tuple[str, str]] = []
    for role, text in told(items):
        if text.startswith("{"):
            document = json.loads(text)
            shown = document.get("data", {}).get("content", {})
            text = document.get("action") or f"{shown['viewToken']} {shown['data']['Heading']}"
        lines.append((role, text))
    return lines


async def test_the_example_of_the_documentation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "docs/chats.md").read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    flow = content(say("hello", "Hello from the flow.", "stay"), wait("stay", completed="bye"), hang_up())
    (tmp_path / "flow.json").write_text(flow)
    monkeypatch.chdir(tmp_path)
    async with served(Settings(data=tmp_path / "data", port=0)) as app:
        await asyncio.to_thread(exec, example.replace("http://127.0.0.1:4566", app.base_url), {})
    said = capsys.readouterr().out
    assert "'Content': 'Hello from the flow.'" in said
    assert "'Content': 'Hello'" in said


@pytest.mark.parametrize("name", CHATS)
async def test_a_flow_is_chatted_with_to_its_end(tmp_path: Path, name: str) -> None:
    chat = CHATS[name]
    async with served(Settings(data=tmp_path, port=0)) as app:
        flow_id = await asyncio.to_thread(deployed, app, chat)
        customer = Client(app)
        begun = await customer.start(
            ContactFlowId=flow_id, SupportedMessagingContentTypes=[TEXT, INTERACTIVE, INTERACTIVE_RESPONSE]
        )
        connection = await customer.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        async with Listener.at(connection["Websocket"]["Url"]) as listener:
            for after, deed in chat.says:
                await does_as_told(customer, token, await listener.until(after), deed)
            await listener.until(ENDED)
        end = [("CUSTOMER", "participant.left"), ("", "chat.ended")]
        expected = [("CUSTOMER", "participant.joined"), *chat.hears, *end]
        assert readable(await customer.transcript(token)) == expected
        described = await customer.contact("describe_contact", ContactId=begun["ContactId"])
        assert described["Contact"]["DisconnectReason"] == chat.end
