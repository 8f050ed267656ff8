"""connect.yaml and the AWS::Connect resources of a template: what the instance owns."""

import json
import struct
from datetime import date
from pathlib import Path

import pytest

from callpark.flows.declared import (
    Agent,
    Declared,
    HoursOverride,
    Proficiency,
    ProfileQueue,
    PromptFile,
    Queue,
    ThirdParty,
)
from callpark.flows.resources import build_resources
from callpark.kernel.errors import ProjectError
from callpark.projects.flow_file import load_flow_file
from tests.projects.projects import HOME, loaded, refused, write

pytestmark = pytest.mark.unit

FLOW = {"Version": "2019-10-30", "StartAction": "a", "Actions": [{"Identifier": "a", "Type": "DisconnectParticipant"}]}

FILE = """
hours:
  - name: Office
    time_zone: Europe/London
    days: {Monday: ["09:00-17:30"], Tuesday: []}
    overrides: [{name: Christmas, first: 2026-12-24, last: 2026-12-26}]
queues:
  - {name: Support, id: "11", hours: Office, capacity: 2, agents: [alice]}
agents:
  - {name: alice, answers_after: 8, talks: 20, hold_after: 5}
prompts:
  - {name: Music, file: music.wav}
flows:
  - {name: Hold, type: CUSTOMER_HOLD, file: hold.json}
modules:
  - {name: Greeting, id: m-1, file: module.json, settings: {transitions: {results: [{name: Ok}]}}}
profiles: []
"""


def wav(seconds: float) -> bytes:
    """8 kHz mono u-law, with a chunk in between that players skip."""
    sound = bytes(int(8000 * seconds))
    form = struct.pack("<HHIIHH", 7, 1, 8000, 8000, 1, 8)
    chunks = b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
        for kind, data in ((b"fmt ", form), (b"LIST", b"odd"), (b"data", sound))
    )
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def beside(folder: Path, file: str = FILE) -> Path:
    write(folder, {"connect.yaml": file, "line.json": json.dumps(FLOW), "hold.json": json.dumps(FLOW)})
    write(folder, {"module.json": json.dumps(FLOW)})
    (folder / "music.wav").write_bytes(wav(2.5))
    return folder


def test_everything_is_read_beside_a_bare_flow(tmp_path: Path) -> None:
    project = load_flow_file(beside(tmp_path) / "line.json", functions=(), place=HOME)
    assert project.instance is not None
    declared = project.instance.declared
    assert declared.hours[0].overrides == (
        HoursOverride(name="Christmas", first=date(2026, 12, 24), last=date(2026, 12, 26)),
    )
    assert declared.queues == (Queue(name="Support", id="11", hours="Office", capacity=2, agents=("alice",)),)
    assert declared.agents == (Agent(name="alice", answers_after=8.0, talks=20.0, hold_after=5.0),)
    assert declared.prompts == (PromptFile(name="Music", file="music.wav", seconds=2.5),)
    assert declared.profiles == ()
    assert declared.cases is None
    assert [(flow.name, flow.type) for flow in project.flows] == [
        ("line", "CONTACT_FLOW"),
        ("Hold", "CUSTOMER_HOLD"),
        ("Greeting", "MODULE"),
    ]
    assert project.flows[2].arn == f"{project.instance.arn}/flow-module/m-1"
    assert project.flows[2].settings == '{"transitions":{"results":[{"name":"Ok"}]}}'
    assert {path.name for path in project.watched} >= {"connect.yaml", "hold.json", "module.json", "music.wav"}


def test_a_template_without_connect_gets_an_instance(tmp_path: Path) -> None:
    project = loaded(beside(tmp_path), "Resources: { Role: { Type: AWS::IAM::Role } }")
    assert project.instance is not None
    assert project.instance.all_functions
    assert [flow.name for flow in project.flows] == ["Hold", "Greeting"]


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        ("queue: []", "connect.yaml: Object contains unknown field `queue`"),
        ("queues:\n  - {name: A}\n  - {capacity: 2}", "connect.yaml:3: queues.1: Object missing required field `name`"),
        ("queues: [{name: A, capacity: many}]", "connect.yaml:1: queues.0.capacity: Expected `int | null`, got `str`"),
        ("hours: [{name: A, days: {Monday: 9}}]", "connect.yaml:1: hours.0.days: Expected `array`, got `int`"),
        ("flows: [{name: A, file: none.json}]", "connect.yaml: A: there is no file 'none.json'"),
        ("prompts: [{name: A, file: line.json}]", "connect.yaml: prompt A: line.json is no WAV file"),
        ("- a", "connect.yaml: a template is a mapping at the top, not a list"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, file: str, cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        load_flow_file(beside(tmp_path, file) / "line.json", functions=(), place=HOME)
    assert caught.value.cause == cause
    assert caught.value.remedy


TEMPLATE = """
Transform: AWS::LanguageExtensions
Resources:
  Instance: { Type: AWS::Connect::Instance, Properties: { IdentityManagementType: SAML, InstanceAlias: line } }
  Hours:
    Type: AWS::Connect::HoursOfOperation
    Properties:
      InstanceArn: !GetAtt Instance.Arn
      Name: Office
      TimeZone: Europe/London
      Config:
        - { Day: MONDAY, StartTime: { Hours: 9, Minutes: 0 }, EndTime: { Hours: 12, Minutes: 30 } }
        - { Day: MONDAY, StartTime: { Hours: 13, Minutes: 0 }, EndTime: { Hours: 17, Minutes: 0 } }
      HoursOfOperationOverrides:
        - OverrideName: Short
          EffectiveFrom: "2026-12-24"
          EffectiveTill: "2026-12-25"
          OverrideConfig:
            - { Day: THURSDAY, StartTime: { Hours: 9, Minutes: 0 }, EndTime: { Hours: 10, Minutes: 0 } }
  Queue:
    Type: AWS::Connect::Queue
    Properties: { InstanceArn: !GetAtt Instance.Arn, Name: Support, HoursOfOperationArn: !Ref Hours, MaxContacts: 3 }
  Music:
    Type: AWS::Connect::Prompt
    Properties: { InstanceArn: !GetAtt Instance.Arn, Name: Music, S3Uri: s3://b/music.wav }
  Module:
    Type: AWS::Connect::ContactFlowModule
    Properties: { InstanceArn: !GetAtt Instance.Arn, Name: Greeting, Content: "{}", Settings: "{}" }
  Quick:
    Type: AWS::Connect::QuickConnect
    Properties: { InstanceArn: !GetAtt Instance.Arn, Name: Ring, QuickConnectConfig: { QuickConnectType: FLOW } }
  Form:
    Type: AWS::Connect::View
    Properties:
      InstanceArn: !GetAtt Instance.Arn
      Name: Form
      Template: { Head: { Title: Claim }, Body: [{ _id: a, Type: FormInput }] }
      Actions: [Next, Back]
Outputs:
  Queue: { Value: !GetAtt Queue.QueueArn }
"""


def test_the_resources_of_a_template(tmp_path: Path) -> None:
    project = loaded(tmp_path, TEMPLATE)
    assert project.instance is not None
    declared = project.instance.declared
    (hours,) = declared.hours
    assert hours.days == {"Monday": ("09:00-12:30", "13:00-17:00")}
    assert [(override.first, override.hours) for override in hours.overrides] == [
        (date(2026, 12, 24), ("09:00-10:00",)),
        (date(2026, 12, 25), ()),
    ]
    (queue,) = declared.queues
    assert (queue.arn, queue.hours, queue.capacity) == (project.outputs["Queue"], hours.arn, 3)
    assert declared.prompts[0].arn.startswith(f"{project.instance.arn}/prompt/")
    (view,) = declared.views
    assert (view.name, view.template["Head"], view.actions) == ("Form", {"Title": "Claim"}, ("Next", "Back"))
    (module,) = project.flows
    assert (module.type, module.settings) == ("MODULE", "{}")
    assert len(project.warnings) == 1
    assert "AWS::Connect::QuickConnect: one of type FLOW is declared, and nobody here can use it" in project.warnings[0]


def test_connect_yaml_completes_what_the_template_declares(tmp_path: Path) -> None:
    more = "queues: [{name: Support, agents: [bob]}]\nagents: [{name: bob, answers_after: 1}]"
    project = loaded(tmp_path, TEMPLATE, {"connect.yaml": more})
    assert project.instance is not None
    (queue,) = project.instance.declared.queues
    assert (queue.arn, queue.capacity, queue.agents) == (project.outputs["Queue"], 3, ("bob",))


def test_a_date_that_is_none(tmp_path: Path) -> None:
    error = refused(tmp_path, TEMPLATE.replace("2026-12-24", "Christmas"))
    assert "'Christmas' is no date" in error.cause


@pytest.mark.parametrize(
    ("text", "arns", "everybody"),
    [
        ("agents: []", (), True),
        ("functions: []", (), False),
        (
            "functions: [F, 'arn:aws:lambda:eu-west-2:1:function:G']",
            (HOME.arn("lambda", "function:F"), "arn:aws:lambda:eu-west-2:1:function:G"),
            False,
        ),
    ],
)
def test_functions_that_are_associated(tmp_path: Path, text: str, arns: tuple[str, ...], everybody: bool) -> None:
    folder = write(tmp_path, {"connect.yaml": text, "line.json": json.dumps(FLOW)})
    instance = load_flow_file(folder / "line.json", functions=(), place=HOME).instance
    assert instance is not None
    assert (instance.function_arns, instance.all_functions) == (arns, everybody)


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/connect-yaml.md").read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]
    flow = json.dumps(FLOW)
    folder = write(tmp_path, {"connect.yaml": example, "line.json": flow, "flows/queue.json": flow})
    write(folder, {"flows/greeting.json": flow, "prompts/welcome.wav": ""})
    (folder / "prompts/welcome.wav").write_bytes(wav(1.0))
    project = load_flow_file(folder / "line.json", functions=(), place=HOME)
    assert project.instance is not None
    declared = project.instance.declared
    assert all(getattr(declared, name) not in ((), None) for name in Declared.__struct_fields__), "shows everything"
    resources = build_resources(declared)
    assert resources.prompts["Welcome"].seconds == 1.0
    assert resources.queues["337d3528-bb6c-40e3-8e1d-fbe98ab400a1"].agents == ("alice", "bob")


PHONE = """
  Ring:
    Type: AWS::Connect::QuickConnect
    Properties:
      InstanceArn: !GetAtt Instance.Arn
      Name: Taxi
      QuickConnectConfig: { QuickConnectType: PHONE_NUMBER, PhoneConfig: { PhoneNumber: "+441632960099" } }
Outputs:
"""


def test_a_quick_connect_to_a_number_is_somebody_who_answers_there(tmp_path: Path) -> None:
    project = loaded(tmp_path, TEMPLATE.replace("\nOutputs:\n", PHONE))
    assert project.instance is not None
    assert project.instance.declared.third_parties == (ThirdParty(number="+441632960099"),)
    assert len(project.warnings) == 1


PEOPLE = """
  Profile:
    Type: AWS::Connect::RoutingProfile
    Properties:
      InstanceArn: !GetAtt Instance.Arn
      Name: Calls first
      Description: Calls before chats
      DefaultOutboundQueueArn: !Ref Queue
      MediaConcurrencies:
        - { Channel: VOICE, Concurrency: 1 }
        - { Channel: CHAT, Concurrency: 3, CrossChannelBehavior: { BehaviorType: ROUTE_ANY_CHANNEL } }
      QueueConfigs:
        - { Priority: 1, Delay: 0, QueueReference: { QueueArn: !Ref Queue, Channel: VOICE } }
        - { Priority: 2, Delay: 30, QueueReference: { QueueArn: !GetAtt Queue.QueueArn, Channel: CHAT } }
  Ada:
    Type: AWS::Connect::User
    Properties:
      InstanceArn: !GetAtt Instance.Arn
      Username: ada
      RoutingProfileArn: !GetAtt Profile.RoutingProfileArn
      SecurityProfileArns: ["arn:aws:connect:us-east-1:123456789012:instance/i/security-profile/s"]
      IdentityInfo: { FirstName: Ada, LastName: Lovelace }
      UserProficiencies: [{ AttributeName: Language, AttributeValue: French, Level: 3.5 }]
      PhoneConfig: { PhoneType: SOFT_PHONE, AutoAccept: true, AfterContactWorkTimeLimit: 20 }
  Lunch:
    Type: AWS::Connect::AgentStatus
    Properties: { InstanceArn: !GetAtt Instance.Arn, Name: Lunch, State: ENABLED }
  ToQueue:
    Type: AWS::Connect::QuickConnect
    Properties:
      InstanceArn: !GetAtt Instance.Arn
      Name: Support desk
      QuickConnectConfig:
        QuickConnectType: QUEUE
        QueueConfig: { QueueArn: !Ref Queue, ContactFlowArn: "arn:aws:connect:us-east-1:1:instance/i/contact-flow/f" }
  ToAda:
    Type: AWS::Connect::QuickConnect
    Properties:
      InstanceArn: !GetAtt Instance.Arn
      Name: Ada herself
      QuickConnectConfig:
        QuickConnectType: USER
        UserConfig: { UserArn: !Ref Ada, ContactFlowArn: "arn:aws:connect:us-east-1:1:instance/i/contact-flow/f" }
Outputs:
"""


def test_users_routing_profiles_statuses_and_quick_connects(tmp_path: Path) -> None:
    project = loaded(tmp_path, TEMPLATE.replace("\nOutputs:\n", PEOPLE))
    assert project.instance is not None
    declared = project.instance.declared
    (profile,), (ada,), (lunch,) = declared.routing_profiles, declared.agents, declared.agent_statuses
    queue = declared.queues[0].arn
    assert (profile.concurrency, profile.shared) == ({"VOICE": 1, "CHAT": 3}, ("CHAT",))
    assert profile.queues == (
        ProfileQueue(queue=queue, channel="VOICE"),
        ProfileQueue(queue=queue, channel="CHAT", priority=2, delay=30.0),
    )
    assert (ada.name, ada.first_name, ada.routing_profile) == ("ada", "Ada", profile.arn)
    assert (ada.auto_accept, ada.after_work) == (True, 20.0)
    assert ada.proficiencies == (Proficiency(name="Language", value="French", level=3.5),)
    assert lunch.name == "Lunch"
    assert [(each.name, each.queue, each.agent) for each in declared.quick_connects] == [
        ("Support desk", queue, None),
        ("Ada herself", None, ada.arn),
    ]
    (staffed,) = build_resources(declared).staff
    assert [entry.delay for entry in staffed.serves] == [0.0, 30.0]


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("Channel: CHAT, Concurrency: 3", "Channel: FAX, Concurrency: 3", "'FAX' is no channel"),
        ("QueueConfig: {", "OtherConfig: {", "without its config"),
        ("Level: 3.5", "Level: 9", "'9' is no level"),
        ("RoutingProfileArn: !GetAtt Profile.RoutingProfileArn", "Tags: []", "RoutingProfileArn"),
    ],
)
def test_people_that_cannot_be_read(tmp_path: Path, old: str, new: str, cause: str) -> None:
    assert cause in refused(tmp_path, TEMPLATE.replace("\nOutputs:\n", PEOPLE.replace(old, new))).cause


def test_a_prompt_of_a_template_lasts_as_long_as_the_recording_that_it_names(tmp_path: Path) -> None:
    metadata = "Type: AWS::Connect::Prompt\n    Metadata: { Callpark: { File: music.wav } }"
    template = TEMPLATE.replace("Type: AWS::Connect::Prompt", metadata)
    assert "is no WAV file" in refused(tmp_path, template).cause
    (tmp_path / "music.wav").write_bytes(wav(2.5))
    project = loaded(tmp_path, template)
    assert project.instance is not None
    assert project.instance.declared.prompts[0].seconds == 2.5
    assert tmp_path / "music.wav" in project.watched
    (tmp_path / "music.wav").write_bytes(b"no sound")
    error = refused(tmp_path, template)
    assert "template.yaml" in error.cause
    assert "relative to the template" in error.remedy
