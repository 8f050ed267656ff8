"""The legacy export format in the flow language: block by block, branch by branch, and whole flows that then run."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.engine import compiled
from callpark.flows.language import parse_flow
from callpark.flows.legacy.blocks import BLOCKS
from callpark.flows.legacy.convert import Conversion, convert
from callpark.flows.legacy.document import Unconvertible, read_legacy
from callpark.flows.model import FlowDefinition
from callpark.flows.validate import publish_problems, validate
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits
from tests.flows.driving import CONTACT_ID, Driver
from tests.flows.legacy.rows import BOTH, END, ROWS, SUCCESS, TEXT, Block, block, named

pytestmark = pytest.mark.unit


def converted(*blocks: Block, type_: str = "contactFlow") -> Conversion:
    flow = {"modules": list(blocks), "version": "1", "type": type_, "start": blocks[0]["id"], "metadata": {"name": "n"}}
    return convert(read_legacy(json.dumps(flow), "old.json"))


def only(one: Block) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """Type, parameters and transitions of a block that can be converted."""
    conversion = converted(one, END)
    assert conversion.left == ()
    actions: Any = conversion.document["Actions"]
    return actions[0]["Type"], actions[0]["Parameters"], actions[0]["Transitions"]


@pytest.mark.parametrize(("old", "type_", "parameters"), ROWS, ids=[f"{old['type']} → {new}" for old, new, _ in ROWS])
def test_each_block_is_its_action(old: Block, type_: str, parameters: Mapping[str, object]) -> None:
    """And the action is one that AWS publishes, with the branches it insists on."""
    assert only(old)[:2] == (type_, parameters)
    document = converted(old, END).document
    flow = parse_flow(FlowDefinition("n", "arn:n", json.dumps(document)))
    about = [str(p) for p in publish_problems(flow, ConnectLimits()) if p.action == "it" and p.severity == "error"]
    assert [p for p in about if "not allowed in a flow of type" not in p and "at least one condition" not in p] == []


def test_every_block_type_has_a_row() -> None:
    elsewhere = {"Disconnect", "PercentileBranching", "CheckQueueStatus", "LoopPrompts", "Resume"}
    assert {str(old["type"]) for old, _, _ in ROWS} | elsewhere == set(BLOCKS)


def branches_of(one: Block, *branches: Mapping[str, object]) -> Mapping[str, Any]:
    return only(one | {"branches": list(branches)})[2]


def condition(operator: str, operand: str, to: str = "end") -> Mapping[str, object]:
    return {"NextAction": to, "Condition": {"Operator": operator, "Operands": [operand]}}


def test_branches_become_transitions() -> None:
    menu = block("GetUserInput", *TEXT, named("Timeout", "8"), named("MaxDigits", "1"), target="Digits")
    made = branches_of(
        menu,
        {"condition": "Evaluate", "conditionType": "Equals", "conditionValue": "1", "transition": "it"},
        {"condition": "Timeout", "transition": "end"},
        {"condition": "NoMatch", "transition": "it"},
        {"condition": "Error", "transition": "end"},
    )
    assert made["Conditions"] == [condition("Equals", "1", "it")]
    assert {error["ErrorType"]: error["NextAction"] for error in made["Errors"]} == {
        "InputTimeLimitExceeded": "end",
        "NoMatchingCondition": "it",
        "NoMatchingError": "end",
    }
    assert made["NextAction"] == "it"


def test_a_prompt_had_no_error_branch_and_goes_on() -> None:
    assert only(block("PlayPrompt", *TEXT, **SUCCESS))[2] == {"NextAction": "end"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Equals", "Equals"),
        ("Contains", "TextContains"),
        ("StartsWith", "TextStartsWith"),
        ("GreaterThan", "NumberGreaterThan"),
        ("LessThan", "NumberLessThan"),
    ],
)
def test_comparisons(old: str, new: str) -> None:
    check = block("CheckAttribute", named("Attribute", "x"), named("Namespace", "User Defined"))
    made = branches_of(
        check,
        {"condition": "Evaluate", "conditionType": old, "conditionValue": "5", "transition": "end"},
        {"condition": "NoMatch", "transition": "end"},
    )
    assert made["Conditions"] == [condition(new, "5")]


def test_percentages_add_up() -> None:
    made = branches_of(
        block("PercentileBranching"),
        *(
            {"condition": "Evaluate", "conditionType": "Equals", "conditionValue": v, "transition": "end"}
            for v in ("3", "6", "50")
        ),
        {"condition": "NoMatch", "conditionType": "Equals", "conditionValue": "41", "transition": "it"},
    )
    assert made["Conditions"] == [condition("NumberLessThan", value) for value in ("4", "10", "60")]
    assert {"ErrorType": "NoMatchingCondition", "NextAction": "it"} in made["Errors"]


def test_the_time_in_a_queue_counts_milliseconds() -> None:
    made = branches_of(
        block("CheckQueueStatus"),
        {"condition": "CheckQueueTime", "conditionType": "LessThan", "conditionValue": 300_000, "transition": "end"},
        {"condition": "NoMatch", "transition": "it"},
        {"condition": "Error", "transition": "it"},
    )
    assert made["Conditions"] == [condition("NumberLessThan", "300")]


def test_prompts_in_a_loop() -> None:
    old = block("LoopPrompts", named("Text", "Hold on.", key="text"), named("Text", "<speak/>", key="ssml"),
                named("AudioPrompt", "p"), named("InterruptSeconds", 60), Timeout="end")  # fmt: skip
    type_, parameters, transitions = only(old)
    assert type_ == "MessageParticipantIteratively"
    assert parameters == {
        "Messages": [{"Text": "Hold on."}, {"SSML": "<speak/>"}, {"PromptId": "p"}],
        "InterruptFrequencySeconds": "60",
    }
    assert transitions["Conditions"] == [condition("Equals", "MessagesInterrupted")]


def test_places_in_the_designer_are_kept() -> None:
    document: Any = converted(block("PlayPrompt", *TEXT, **SUCCESS), END).document
    assert document["Metadata"]["ActionMetadata"]["it"] == {"position": {"x": 1, "y": 2}}
    assert document["Metadata"]["name"] == "n"


@pytest.mark.parametrize(
    ("old", "reason"),
    [
        (block("SetWisdomAssistant", **BOTH), "there is no known counterpart"),
        (block("GetUserInput", *TEXT, named("Timeout", "5"), target="Lex", Error="end"), "Lex"),
        (block("GetUserInput", *TEXT, named("Timeout", "5"), named("MaxDigits", "3"), Error="end"), "3 digits"),
        (block("Transfer", named("PhoneNumber", "+1"), target="PhoneNumber", Error="end"), "PhoneNumber"),
        (
            block("PlayPrompt", named("AudioPrompt", "", resourceName="Beep.wav"), **SUCCESS),
            "'Beep.wav' is only a name",
        ),
        (block("CheckAttribute", named("Attribute", "Moon"), named("Namespace", "System"), NoMatch="end"), "'Moon'"),
        (
            block("CheckAttribute", named("Attribute", "x"), named("Namespace", "Lex Slots"), NoMatch="end"),
            "'Lex Slots'",
        ),
        (block("PlayPrompt", *TEXT, Sideways="end"), "the branch 'Sideways'"),
        (block("PlayPrompt", *TEXT), "no branch leads on"),
        (block("CheckQueueStatus", Capacity="end"), "capacity"),
        (block("SetAttributes", **BOTH), "an attribute without a name"),
        (block("InvokeExternalResource", named("FunctionArn", {}), named("TimeLimit", "4"), **BOTH), "no text"),
        (block("InvokeExternalResource", target="Web", **BOTH), "'Web'"),
        (
            block("SetRecordingBehavior", named("RecordingParticipantOption", "Cat"), **SUCCESS),
            "'Cat'",
        ),
    ],
)
def test_what_is_not_known_is_said(old: Block, reason: str) -> None:
    conversion = converted(old, END)
    (line,) = conversion.left
    assert line.startswith(f"{old['type']} it: ")
    assert reason in line


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "not JSON"),
        ("[]", "is not a legacy export"),
        ('{"modules": 3}', "is not a legacy export"),
        ('{"Actions": [], "Version": "2019-10-30"}', "is in the flow language already"),
        ('{"modules": [{}]}', r"modules\[0\] has no id and type"),
        ("[" * 200 + "]" * 200, "nested deeper"),
    ],
)
def test_what_is_no_legacy_export(text: str, cause: str) -> None:
    with pytest.raises(ProjectError, match=cause):
        read_legacy(text, "old.json")


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(sorted(BLOCKS))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=10,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.text(min_size=1, max_size=4),
                "type": st.sampled_from([*sorted(BLOCKS), "Nonsense"]),
                "parameters": st.one_of(
                    anything, st.lists(st.fixed_dictionaries({"name": anything, "value": anything}))
                ),
                "branches": st.one_of(anything, st.just([{"condition": "Success", "transition": "x"}])),
            }
        ),
        max_size=3,
    )
)
def test_whatever_the_file_holds_it_is_converted_or_said(modules: list[object]) -> None:
    try:
        conversion = convert(read_legacy(json.dumps({"modules": modules}), "old.json"))
    except (ProjectError, Unconvertible):
        return
    actions: Any = conversion.document["Actions"]
    assert len(actions) + len(conversion.left) == len(modules)
    assert all(action["Type"] in ACTION_TYPES for action in actions)


#: As the console exported it: ask, look up, compare, say, hand over.
LINE = (
    block("SetLoggingBehavior", named("LoggingBehavior", "Enable"), id_="log", Success="ask"),
    block("StoreUserInput", *TEXT, named("CustomerInputType", "Custom"), named("Timeout", "5"), named("MaxDigits", 4),
          id_="ask", Success="call", Error="sorry"),
    block("InvokeExternalResource", named("FunctionArn", "arn:aws:lambda:us-east-1:123456789012:function:F"),
          named("TimeLimit", "4"), named("Parameter", "Stored customer input", "System", key="pin"), target="Lambda",
          id_="call", Success="check", Error="sorry"),
    block("CheckAttribute", named("Attribute", "tier"), named("Namespace", "External"), id_="check")
    | {
        "branches": [
            {"condition": "Evaluate", "conditionType": "Equals", "conditionValue": "gold", "transition": "gold"},
            {"condition": "NoMatch", "transition": "end"},
        ]
    },
    block("PlayPrompt", named("Text", "Welcome, $.External.name."), named("TextToSpeechType", "text"), id_="gold",
          Success="end"),
    block("PlayPrompt", named("Text", "Sorry."), named("TextToSpeechType", "text"), id_="sorry", Success="end"),
    END,
)  # fmt: skip


def test_a_converted_flow_validates_and_runs() -> None:
    conversion = converted(*LINE)
    assert conversion.left == ()
    flow = parse_flow(FlowDefinition("n", "arn:n", json.dumps(conversion.document)))
    assert validate(flow, ConnectLimits()) == []
    assert compiled(flow).steps.keys() == {str(one["id"]) for one in LINE}
    actions: Any = conversion.document["Actions"]
    call = Driver(*actions).start()
    call.press("1234")
    assert call.parameters() == {"pin": "1234"}
    call.answer({"tier": "gold", "name": "Ada"})
    assert call.said[-1] == "Welcome, Ada."
    call.until("gold")
    call.next_timer()
    assert call.contact.ended is not None
    assert call.contact.id == CONTACT_ID
