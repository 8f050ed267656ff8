"""Queues and agents: working queue, transfers, metrics, routing, event hooks, and the stages that follow."""

from collections.abc import Sequence

import msgspec
import pytest

from callpark.flows.agents.routing import QueueMetrics
from callpark.flows.contact import End, Memory, Party, Record, Target
from callpark.flows.declared import Agent, Declared, Queue
from callpark.flows.engine import compiled
from callpark.flows.happenings import AgentHeard, StageEntered
from tests.flows.actions.single import edge, entry, record, single
from tests.flows.building import INSTANCE_ARN, Action, action, flow, flow_arn, hang_up, say
from tests.flows.driving import CONTACT_ID, Driver, PlainWorld

pytestmark = pytest.mark.unit

SUPPORT = Target("arn:q/support", "Support", caller_id="+441632960000")
ALICE = Agent(name="alice", arn="arn:a/alice", answers_after=2.0, talks=20.0, first_name="Alice", last_name="Jones")
DECLARED = Declared(
    queues=(
        Queue(name="Support", arn="arn:q/support", capacity=2, agents=("alice",), caller_id="+441632960000"),
        Queue(name="Sales", id="22", capacity=0),
    ),
    agents=(ALICE, Agent(name="bob", status="offline")),
)


@pytest.mark.parametrize(
    ("parameters", "target"),
    [
        ({"QueueId": "arn:q/support"}, SUPPORT),
        ({"QueueId": "Support"}, SUPPORT),
        ({"QueueId": "arn:aws:connect:eu-west-2:1:instance/i/queue/22"}, Target("Sales", "Sales")),
        ({"QueueId": "$.Attributes.queue"}, SUPPORT),
        ({"AgentId": "alice"}, Target("arn:a/alice", "alice", agent=True)),
    ],
)
def test_the_working_queue_is_set(parameters: dict[str, object], target: Target) -> None:
    driver = single(
        "UpdateContactTargetQueue", parameters, declared=DECLARED, memory=Memory(attributes={"queue": "Support"})
    )
    assert edge(driver) == "next"
    assert driver.contact.memory.record.target == target
    assert (entry(driver)["ContactFlowModuleType"], entry(driver)["Parameters"]) == ("SetQueue", {"Queue": target.arn})


@pytest.mark.parametrize("parameters", [{"QueueId": "none"}, {"AgentId": "none"}, {}, {"QueueId": "a", "AgentId": "b"}])
def test_a_queue_that_is_not_there(parameters: dict[str, object]) -> None:
    driver = single("UpdateContactTargetQueue", parameters, declared=DECLARED)
    assert edge(driver) == "error NoMatchingError"
    assert len(driver.warnings) == 1


def test_o8_any_queue_exists_while_none_is_declared() -> None:
    driver = single("UpdateContactTargetQueue", {"QueueId": f"{INSTANCE_ARN}/queue/q-1"})
    assert edge(driver) == "next"
    assert driver.contact.memory.record.target == Target(f"{INSTANCE_ARN}/queue/q-1", "q-1")


def in_queue(
    *queue_flow: Action, hooks: dict[str, str] | None = None, declared: Declared = DECLARED, **more: object
) -> Driver:
    """A contact in queue Support. `queue_flow`: its customer queue flow."""
    named = dict(hooks or {})
    others = []
    if queue_flow:
        others.append(compiled(flow(*queue_flow, name="queue", type_="CUSTOMER_QUEUE")))
        named["CustomerQueue"] = flow_arn("queue")
    for hook, type_ in (("CustomerWhisper", "CUSTOMER_WHISPER"), ("CustomerHold", "CUSTOMER_HOLD")):
        if hook in named:
            body = [say("a", hook, "end"), action("end", "EndFlowExecution")]
            others.append(compiled(flow(*body, name=hook, type_=type_)))
    others.append(compiled(flow(say("a", "After the agent", "bye"), hang_up(), name="after")))
    memory = Memory(record=Record(target=SUPPORT, hooks=named))
    return single(
        "TransferContactToQueue",
        errors=("QueueAtCapacity", "NoMatchingError"),
        memory=memory,
        others=others,
        declared=declared,
    )


def stages(driver: Driver) -> list[str]:
    return [effect.stage for effect in driver.effects if isinstance(effect, StageEntered)]


def test_the_default_queue_flow_runs_until_an_agent_takes_the_contact_and_leaves() -> None:
    driver = in_queue()
    assert driver.said == ["You are in the queue. Please hold the line."]
    assert driver.next_timer() == "prompt"
    assert driver.said[-1] == "[recording CustomerQueue.wav]"
    driver.accept("alice")
    assert stages(driver) == ["queued", "agent_whisper"]
    assert [effect.text for effect in driver.effects if isinstance(effect, AgentHeard)] == ["Support"]
    assert driver.said[-1] == "[recording CustomerQueue.wav]"  # the whisper is not for the customer
    driver.next_timer()
    assert stages(driver) == ["queued", "agent_whisper", "customer_whisper", "connected"]
    agent = {"UserName": "alice", "FirstName": "Alice", "LastName": "Jones", "ARN": "arn:a/alice"}
    assert driver.contact.memory.found["Agent"] == agent
    assert driver.next_timer() == "agent leaves"
    assert driver.contact.ended == End("AGENT_DISCONNECT")


def test_whisper_hold_and_the_flow_after_the_agent() -> None:
    hooks = {name: flow_arn(name) for name in ("CustomerWhisper", "CustomerHold")}
    holding = msgspec.structs.replace(ALICE, hold_after=5.0, hold_seconds=4.0)
    declared = msgspec.structs.replace(DECLARED, agents=(holding,))
    driver = in_queue(hooks={**hooks, "CustomerRemaining": flow_arn("after"), "AgentWhisper": ""}, declared=declared)
    driver.accept("alice")
    connected = driver.now
    driver.until("end")
    driver.advance(30)
    assert stages(driver) == [
        *("queued", "agent_whisper", "customer_whisper", "connected", "customer_hold", "connected", "remaining"),
    ]
    assert driver.said[1:] == ["CustomerWhisper", "CustomerHold", "After the agent"]
    assert driver.contact.ended == End("CONTACT_FLOW_DISCONNECT")
    assert driver.now > connected


def test_a_queue_flow_that_ends_leaves_the_contact_in_the_queue() -> None:
    driver = in_queue(say("a", "Moment", "end"), action("end", "EndFlowExecution"))
    driver.next_timer()
    assert driver.contact.ended is None
    assert driver.contact.activity is None
    driver.accept("alice")
    assert stages(driver)[-1] == "agent_whisper"


def test_a_queue_flow_that_cannot_go_on_leaves_the_contact_in_the_queue() -> None:
    driver = in_queue(action("a", "MessageParticipantIteratively", {"Messages": [{"PromptId": "$.Attributes.none"}]}))
    assert driver.contact.ended is None
    assert driver.contact.desk is not None
    assert len(driver.warnings) == 1


def test_a_queue_flow_may_hang_up() -> None:
    assert in_queue(hang_up()).contact.ended == End("CONTACT_FLOW_DISCONNECT")


def test_nobody_comes_within_the_limit() -> None:
    driver = in_queue()
    while driver.contact.ended is None:
        driver.next_timer()
    assert driver.now == 3_600.0
    assert driver.contact.ended == End("OTHER", "nobody took the contact out of queue Support in time")


def test_an_agent_who_is_too_late_changes_nothing() -> None:
    driver = in_queue()
    driver.accept("alice")
    before = driver.contact
    driver.accept("bob")
    assert driver.contact == before


def test_a_key_in_the_queue_is_lost_and_a_hang_up_ends() -> None:
    driver = in_queue()
    driver.press("1")
    driver.hang_up()
    assert driver.contact.ended == End("CUSTOMER_DISCONNECT")


def test_at_capacity_the_error_branch_is_taken() -> None:
    world = PlainWorld(declared=DECLARED, measured={SUPPORT.arn: QueueMetrics(since=(0.0, 1.0))})
    driver = single(
        "TransferContactToQueue",
        errors=("QueueAtCapacity", "NoMatchingError"),
        memory=record(target=SUPPORT),
        world=world,
    )
    assert edge(driver) == "error QueueAtCapacity"
    assert entry(driver)["Results"] == "QueueAtCapacity"
    assert entry(driver)["ContactFlowModuleType"] == "Transfer"


def test_a_transfer_without_a_working_queue() -> None:
    driver = single("TransferContactToQueue", errors=("QueueAtCapacity", "NoMatchingError"))
    assert edge(driver) == "error NoMatchingError"


def test_who_is_queued_cannot_be_queued_again() -> None:
    driver = in_queue(
        action(
            "a", "TransferContactToQueue", {}, "end", errors={"NoMatchingError": "failed", "QueueAtCapacity": "end"}
        ),
        say("failed", "Queued already", "end"),
        action("end", "EndFlowExecution"),
    )
    assert driver.said == ["Queued already"]


def dequeue(parameters: dict[str, object]) -> Action:
    edges = {"QueueAtCapacity": "full", "NoMatchingError": "failed"}
    return action("a", "DequeueContactAndTransferToQueue", parameters, "end", errors=edges)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"QueueId": "Sales"}, "Full"),
        ({"QueueId": "none"}, "Failed"),
        ({"AgentId": "none"}, "Failed"),
    ],
)
def test_queue_to_queue_that_fails_stays_in_its_queue(parameters: dict[str, object], said: str) -> None:
    end = action("end", "EndFlowExecution")
    driver = in_queue(dequeue(parameters), say("full", "Full", "end"), say("failed", "Failed", "end"), end)
    assert driver.said == [said]
    assert driver.contact.desk is not None
    assert driver.contact.desk.target == SUPPORT


def test_queue_to_queue_is_a_new_segment_and_eleven_are_the_most() -> None:
    body = [dequeue({"QueueId": "Support"}), say("full", "Full", "end"), say("failed", "$.PreviousContactId", "end")]
    driver = in_queue(*body, action("end", "EndFlowExecution"))
    assert stages(driver) == ["queued"] * 12  # each transfer begins the queue flow anew
    assert driver.contact.memory.record.segments == 11
    assert driver.said[-1] not in ("", CONTACT_ID)
    assert driver.errors[-1] == ("a", "NoMatchingError")


def test_dequeueing_outside_a_queue() -> None:
    driver = single("DequeueContactAndTransferToQueue", {"QueueId": "Support"}, declared=DECLARED)
    assert edge(driver) == "error NoMatchingError"


@pytest.mark.parametrize(
    ("target", "available", "stage"),
    [
        (Target("arn:a/alice", "alice", agent=True), 1, "agent_whisper"),
        (Target("arn:a/alice", "alice", agent=True), 0, ""),
        (Target("bob", "bob", agent=True), 0, ""),
        (SUPPORT, 1, ""),
        (None, 1, ""),
    ],
)
def test_transfer_to_an_agent(target: Target | None, available: int, stage: str) -> None:
    measured = {} if target is None else {target.arn: QueueMetrics(available=available, reachable=1)}
    driver = single(
        "TransferContactToAgent",
        memory=record(target=target),
        world=PlainWorld(declared=DECLARED, measured=measured),
        flow_type="AGENT_TRANSFER",
    )
    assert stages(driver) == ([stage] if stage else [])
    if not stage:
        assert driver.contact.ended is not None
        assert driver.contact.ended.reason == "OTHER"


MEASURED = QueueMetrics(since=(-30.0, -10.0), online=4, staffed=3, available=1, busy=2)


@pytest.mark.parametrize(
    ("metric", "operator", "operand", "taken"),
    [
        ("NumberOfAgentsAvailable", "NumberGreaterThan", "0", "on"),
        ("NumberOfAgentsStaffed", "NumberGreaterThan", "0", "on"),
        ("NumberOfAgentsOnline", "NumberGreaterThan", "4", "error NoMatchingCondition"),
        ("NumberOfContactsInQueue", "Equals", "2", "on"),
        ("NumberOfContactsInQueue", "NumberLessThan", "2", "error NoMatchingCondition"),
        ("OldestContactInQueueAgeSeconds", "NumberGreaterOrEqualTo", "30", "on"),
    ],
)
@pytest.mark.parametrize("by", [{}, {"QueueId": "Support"}])
def test_metrics_are_checked(metric: str, operator: str, operand: str, taken: str, by: dict[str, object]) -> None:
    driver = single(
        "CheckMetricData",
        {"MetricType": metric, **by},
        errors=("NoMatchingError", "NoMatchingCondition"),
        when=[(operator, operand, "on")],
        memory=record(target=SUPPORT),
        world=PlainWorld(declared=DECLARED, measured={SUPPORT.arn: MEASURED}),
    )
    assert driver.path[1] == taken


def test_the_age_of_an_empty_queue_is_nothing_and_no_queue_is_an_error() -> None:
    parameters = {"MetricType": "OldestContactInQueueAgeSeconds"}
    empty = single("CheckMetricData", parameters, when=[("Equals", "0", "on")], memory=record(target=SUPPORT))
    assert empty.path[1] == "on"
    assert edge(single("CheckMetricData", parameters)) == "error NoMatchingError"
    assert edge(single("CheckMetricData", {"MetricType": "Mood"})) == "error NoMatchingError"


def test_metrics_are_got() -> None:
    driver = single(
        "GetMetricData",
        {"QueueId": "Support", "QueueChannel": "Voice"},
        world=PlainWorld(declared=DECLARED, measured={SUPPORT.arn: MEASURED}),
    )
    assert edge(driver) == "next"
    found = driver.contact.memory.found["Metrics"]
    assert found == {
        "Queue": {
            **{"Name": "Support", "ARN": "arn:q/support", "Size": 2, "OldestContactAge": 30, "EstimatedWaitTime": None}
        },
        "Agents": {
            "Online": {"Count": 4},
            "Available": {"Count": 1},
            "Staffed": {"Count": 3},
            "AfterContactWork": {"Count": 0},
            "Busy": {"Count": 2},
            "Missed": {"Count": 0},
            "NonProductive": {"Count": 1},
        },
        "Contact": {"PositionInQueue": None, "EstimatedWaitTime": None},
    }


@pytest.mark.parametrize("parameters", [{}, {"QueueId": "none"}, {"QueueId": "Support", "QueueChannel": "Smoke"}])
def test_metrics_that_cannot_be_got(parameters: dict[str, object]) -> None:
    assert edge(single("GetMetricData", parameters, declared=DECLARED)) == "error NoMatchingError"


@pytest.mark.parametrize(
    ("parameters", "priority", "since"),
    [({"QueuePriority": "1"}, 1, 0.0), ({"QueueTimeAdjustmentSeconds": "90"}, 5, -90.0)],
)
def test_routing_changes_the_place_in_the_queue(parameters: dict[str, object], priority: int, since: float) -> None:
    body = [action("a", "UpdateContactRoutingBehavior", parameters, "end"), action("end", "EndFlowExecution")]
    driver = in_queue(*body)
    assert driver.contact.desk is not None
    assert (driver.contact.desk.priority, driver.contact.desk.since) == (priority, since)
    before = single("UpdateContactRoutingBehavior", parameters, errors=())
    assert edge(before) == "next"
    assert before.contact.memory.record.priority == priority


@pytest.mark.parametrize(
    "parameters", [{}, {"QueuePriority": "0"}, {"QueuePriority": "1", "QueueTimeAdjustmentSeconds": "1"}]
)
def test_routing_that_cannot_be(parameters: dict[str, object]) -> None:
    assert edge(single("UpdateContactRoutingBehavior", parameters)) == "error NoMatchingError"


def criteria(**condition: object) -> dict[str, object]:
    whole = {
        **{"Name": "Language", "Value": "$.Attributes.l", "ProficiencyLevel": "3.0"},
        **{"ComparisonOperator": "NumberGreaterOrEqualTo", **condition},
    }
    step = {"Expression": {"AttributeCondition": whole}, "Expiry": {"DurationInSeconds": "30"}}
    return {"RoutingCriteria": {"Steps": [step, {"Expression": {"AndExpression": [{"AttributeCondition": whole}]}}]}}


def test_routing_criteria_are_kept_for_routing() -> None:
    driver = single("UpdateContactRoutingCriteria", criteria(), memory=Memory(attributes={"l": "French"}))
    assert edge(driver) == "next"
    assert "'Value': 'French'" in str(driver.contact.memory.record.settings["RoutingCriteria"])
    assert driver.warnings == []


@pytest.mark.parametrize(
    "wrong", [{"Name": ""}, {"Value": "x" * 65}, {"ProficiencyLevel": "6"}, {"ComparisonOperator": "Equals"}]
)
def test_routing_criteria_that_are_wrong(wrong: dict[str, object]) -> None:
    assert edge(single("UpdateContactRoutingCriteria", criteria(**wrong))) == "error NoMatchingError"
    assert edge(single("UpdateContactRoutingCriteria", {"RoutingCriteria": {"Steps": []}})) == "error NoMatchingError"


HOLD_FLOW = compiled(flow(action("end", "EndFlowExecution"), name="hold", type_="CUSTOMER_HOLD"))


@pytest.mark.parametrize(
    ("parameters", "taken", "hooks"),
    [
        ({"EventHooks": {"CustomerHold": flow_arn("hold")}}, "next", {"CustomerHold": flow_arn("hold")}),
        ({"EventHooks": {"CustomerHold": "$.Attributes.hold"}}, "next", {"CustomerHold": flow_arn("hold")}),
        ({"EventHooks": {"CustomerQueue": flow_arn("hold")}}, "error NoMatchingError", {}),
        ({"EventHooks": {"CustomerHold": "none"}}, "error NoMatchingError", {}),
        ({"EventHooks": {}}, "error NoMatchingError", {}),
        ({"EventHooks": {"CustomerHold": ""}}, "error NoMatchingError", {}),
        ({"EventHooks": {"Party": "a"}}, "error NoMatchingError", {}),
        ({"EventHooks": {"CustomerHold": "a", "AgentHold": "b"}}, "error NoMatchingError", {}),
        ({"EventHooksConfiguration": {"AgentWhisper": {"DisableExecution": "true"}}}, "next", {"AgentWhisper": ""}),
        ({"EventHooksConfiguration": {}}, "error NoMatchingError", {}),
    ],
)
def test_event_hooks(parameters: dict[str, object], taken: str, hooks: dict[str, str]) -> None:
    memory = Memory(attributes={"hold": flow_arn("hold")})
    driver = single("UpdateContactEventHooks", parameters, memory=memory, others=[HOLD_FLOW])
    assert edge(driver) == taken
    assert driver.contact.memory.record.hooks == hooks


def test_a_hook_that_nothing_runs_is_kept_with_a_warning() -> None:
    parameters = {"EventHooks": {"DefaultAgentUI": flow_arn("flow")}}
    driver = single("UpdateContactEventHooks", parameters)
    assert edge(driver) == "next"
    assert driver.warnings == [
        "flow flow, action 'it': the hook DefaultAgentUI is kept, and nothing in callpark runs it"
    ]


def test_a_hook_whose_flow_is_gone_runs_the_default_flow() -> None:
    driver = in_queue(hooks={"CustomerQueue": "gone"})
    assert driver.said == ["You are in the queue. Please hold the line."]
    assert "there is no flow 'gone'" in driver.warnings[-1]


@pytest.mark.parametrize("state", ["AgentOnHold", "CustomerOnHold", "OffHold"])
def test_holding_needs_an_agent_on_the_line(state: str) -> None:
    parameters = {"PreviousContactParticipantState": state}
    assert edge(single("UpdatePreviousContactParticipantState", parameters)) == "error NoMatchingError"
    after = [
        action("a", "UpdatePreviousContactParticipantState", parameters, "bye", errors={"NoMatchingError": "failed"}),
        say("failed", "Failed", "bye"),
        hang_up(),
    ]
    others: Sequence[Action] = after
    driver = in_queue(hooks={"CustomerRemaining": flow_arn("flow2")})
    driver.world = PlainWorld(
        declared=DECLARED,
        programs={**driver.world.programs, flow_arn("flow2"): compiled(flow(*others, name="flow2"))},
    )
    driver.accept("alice")
    driver.advance(60)
    assert driver.said[-1] == "Failed"  # the agent has left
    assert edge(single("UpdatePreviousContactParticipantState", {"PreviousContactParticipantState": "OnHold"})) == (
        "error NoMatchingError"
    )


def test_a_task_waits_in_a_queue_too() -> None:
    party = Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", None, None, 0.0, channel="TASK")
    transfer = action(
        "a", "TransferContactToQueue", {}, "bye", errors={"NoMatchingError": "bye", "QueueAtCapacity": "bye"}
    )
    driver = Driver(transfer, hang_up(), party=party, world=PlainWorld(declared=DECLARED))
    driver.contact = msgspec.structs.replace(driver.contact, memory=record(target=SUPPORT))
    driver.start()
    assert driver.contact.desk is not None  # Loop prompts fails on a task: the queue flow stops, the contact waits on
    driver.accept("alice")
    driver.advance(60)
    assert driver.contact.ended == End("AGENT_DISCONNECT")
