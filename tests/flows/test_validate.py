"""Publish-time problems (connect reference §4): what AWS refuses, what callpark will not do."""

import pytest

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.catalogue import SUGGESTIONS
from callpark.flows.validate import validate
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import (
    ASYNCHRONOUS,
    Action,
    action,
    flow,
    function_arn,
    hang_up,
    invoke,
    invoke_async,
    keep,
    load,
    say,
    wait,
)

pytestmark = pytest.mark.unit

LATEST = "$.LambdaInvocation.InvocationId"
BYE = {"NoMatchingError": "bye"}


def problems(*actions: Action, type_: str = "CONTACT_FLOW", bye: bool = True) -> list[str]:
    ending = [hang_up()] if bye else []
    return [str(problem) for problem in validate(flow(*actions, *ending, type_=type_), ConnectLimits())]


def test_a_good_flow_has_no_problems() -> None:
    assert problems(*ASYNCHRONOUS, bye=False) == []
    steps = [invoke_async("invoke", "keep"), keep("keep", "load", first=LATEST)]
    assert problems(*steps, load("load", "bye", reference="$.FlowAttributes.first", progress="bye", error="bye")) == []


def menu(**changes: object) -> Action:
    base = action(
        "menu",
        "GetParticipantInput",
        {"Text": "?", "InputTimeLimitSeconds": "5", "StoreInput": "False"},
        "bye",
        errors={"NoMatchingCondition": "bye", "InputTimeLimitExceeded": "bye", "NoMatchingError": "bye"},
        when={"1": "bye"},
    )
    return {**base, **changes}


def stored(errors: dict[str, str]) -> Action:
    parameters = {
        "Text": "?",
        "InputTimeLimitSeconds": "5",
        "StoreInput": "True",
        "InputValidation": {"CustomValidation": {"MaximumLength": "4"}},
    }
    return action("ask", "GetParticipantInput", parameters, "bye", errors=errors)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([action("a", "MessageParticipant", {"Text": "x"}, "")], "NextAction is not wired"),
        ([action("a", "MessageParticipant", {"Text": "x"})], "Transitions.NextAction"),
        ([action("a", "MessageParticipant", {}, "bye")], "Action is missing required property. Path: Parameters.Text"),
        ([action("a", "MessageParticipant", {"Text": ""}, "bye")], "Path: Parameters.Text: is empty"),
        (
            [action("a", "MessageParticipant", {"Text": "x", "Voice": "y"}, "bye")],
            "Invalid Action property name: Voice",
        ),
        ([action("a", "MessageParticipant", {"Text": "x", "SSML": "y"}, "bye")], "only one of SSML, Text"),
        ([say("a" * 51, "x", "bye")], "Identifier"),
        ([say("a;b", "x", "bye")], "Identifier"),
        ([say("toString", "x", "bye")], "Identifier"),
        ([action("a", "PlayPrompt", {}, "bye")], "unknown action type PlayPrompt; did you mean MessageParticipant?"),
        ([action("a", "Nonsense", {}, "bye")], "unknown action type Nonsense"),
        ([action("a", "DisconnectParticipant", {}, "bye")], "a terminal action has no transitions"),
        ([action("a", "EndFlowExecution")], "EndFlowExecution is not allowed in a flow of type CONTACT_FLOW"),
        (
            [action("a", "UpdateFlowAttributes", {"FlowAttributes": {"k": {"Value": "v"}}}, "bye")],
            "Errors: NoMatchingError",
        ),
        (
            [action("a", "UpdateFlowAttributes", {"FlowAttributes": {"k": {"Value": ""}}}, "bye", errors=BYE)],
            "empty text",
        ),
        ([keep("a", "bye", **{"k.l": "v"})], "key 'k.l' holds $ or ."),
        (
            [action("a", "Compare", {"ComparisonValue": "$.External"}, "bye", when={"x": "bye"})],
            "one reference to a value",
        ),
        ([action("a", "Compare", {"ComparisonValue": "text"}, "bye", when={"x": "bye"})], "one reference to a value"),
        ([action("a", "Compare", {"ComparisonValue": "$.Channel"}, "bye")], "at least one condition is needed"),
        ([action("a", "Compare", {"ComparisonValue": "$.Channel"}, "bye", when={"x": "bye"})], "NoMatchingCondition"),
        (
            [action("a", "Compare", {"ComparisonValue": "$.Channel"}, "bye", when=[("Or", "x", "bye")])],
            "unknown operator Or",
        ),
        (
            [action("a", "Compare", {"ComparisonValue": "$.Channel"}, "bye", when={"": "bye"})],
            "Path: 0.Evaluate: the operand is empty",
        ),
        (
            [action("a", "Loop", {"LoopCount": "5"}, "bye", when={"ContinueLooping": "bye"})],
            "condition DoneLooping is missing",
        ),
        ([action("a", "Loop", {"LoopCount": "101"}, "bye", when={"DoneLooping": "bye"})], "LoopCount: 0 to 100"),
        ([invoke("a", "bye", InvocationTimeLimitSeconds="30")], "synchronous functions have 8 s at most"),
        ([invoke_async("a", "bye", InvocationTimeLimitSeconds="61")], "asynchronous functions have 60 s at most"),
        ([invoke("a", "bye", InvocationType="EVENT")], "must be one of SYNCHRONOUS, ASYNCHRONOUS"),
        ([wait("a", events={"R": (LATEST, "bye")}, completed="bye", limit="604801")], "TimeLimitSeconds: 1 to 604800"),
        ([menu(Transitions={"NextAction": "bye"})], "Errors: InputTimeLimitExceeded"),
        ([stored({**BYE, "InputTimeLimitExceeded": "bye"})], "not when input is stored"),
        ([stored({})], "Errors: NoMatchingError"),
        (
            [action("a", "TransferToFlow", {"ContactFlowId": "x"}, "bye", errors={**BYE, "Busy": "bye"})],
            "raises no such error",
        ),
    ],
)
def test_errors(actions: list[Action], message: str) -> None:
    found = [problem for problem in problems(*actions) if problem.startswith("error") and message in problem]
    assert found, problems(*actions)


def wait_action(parameters: dict[str, object], conditions: dict[str, str]) -> Action:
    return action("w", "Wait", {"TimeLimitSeconds": "5", **parameters}, "bye", errors=BYE, when=conditions)


RETURNED = {"Returned": {"AsyncLambdaCompletionEvent": {"Identifier": LATEST}}}


@pytest.mark.parametrize(
    ("parameters", "conditions", "message"),
    [
        ({"InterruptibleEvents": RETURNED}, {"Returned": "bye"}, "condition WaitCompleted is missing"),
        ({"InterruptibleEvents": RETURNED}, {"WaitCompleted": "bye"}, "condition Returned is missing"),
        (
            {"ContinueExecution": "TRUE"},
            {"Continue": "bye", "WaitCompleted": "bye"},
            "Parameters.MinimumWaitTimeSeconds",
        ),
        (
            {"ContinueExecution": "true", "MinimumWaitTimeSeconds": "1"},
            {"WaitCompleted": "bye"},
            "condition Continue is missing",
        ),
        (
            {"InterruptibleEvents": RETURNED},
            {"Returned": "bye", "WaitCompleted": "bye", "X": "bye"},
            "there is no result 'X'",
        ),
        ({"Events": ["CustomerReturned"]}, {"WaitCompleted": "bye"}, "condition CustomerReturned is missing"),
        ({"Events": ["LambdaReturned"]}, {"WaitCompleted": "bye"}, "functions are InterruptibleEvents"),
        ({"TimeoutSeconds": "5"}, {"WaitCompleted": "bye"}, "Invalid Action property name: TimeoutSeconds"),
        (
            {"InterruptibleEvents": {"C": {"CaseFieldChangedEvent": {}}}},
            {"C": "bye", "WaitCompleted": "bye"},
            "not known to callpark",
        ),
        (
            {"InterruptibleEvents": {"x" * 101: RETURNED["Returned"]}},
            {"x" * 101: "bye", "WaitCompleted": "bye"},
            "100 characters",
        ),
    ],
)
def test_the_rules_of_wait(parameters: dict[str, object], conditions: dict[str, str], message: str) -> None:
    assert any(
        message in problem and problem.startswith("error") for problem in problems(wait_action(parameters, conditions))
    )


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (
            [say("a", "$.Email.EmailMessage.Plaintext", "bye")],
            "does not fill $.Email yet",
        ),
        ([action("a", "MessageParticipant", {"Text": "$.Atributes.x"}, "bye")], "there is no namespace $.Atributes"),
        (
            [action("a", "MessageParticipant", {"Text": "x", "SkipWhenDTMFBufferEnabled": "True"}, "bye")],
            "keeps no keys",
        ),
        ([say("a", "x", "bye"), say("b", "x", "bye")], "'b': no path leads to this action"),
        ([invoke("a", "bye", LambdaFunctionARN="<YOUR_ARN>")], "is no ARN; fill it in"),
        ([wait_action({}, {"WaitCompleted": "bye"})], "on a voice contact"),
    ],
)
def test_warnings(actions: list[Action], message: str) -> None:
    found = problems(*actions)
    assert [problem for problem in found if problem.startswith("warning") and message in problem], found
    assert not [problem for problem in found if problem.startswith("error")]


def test_a_wait_that_a_continue_branch_reaches() -> None:
    found = problems(
        invoke_async("invoke", "outer"),
        wait("outer", events={"R": (LATEST, "bye")}, continuing="talk", completed="bye"),
        say("talk", "x", "inner"),
        wait("inner", events={"R": (LATEST, "bye")}, completed="bye"),
    )
    assert found == [
        "warning: action 'inner': the Continue branch of 'outer' reaches this Wait: "
        "Unsupported Action In Wait Action's Continue Branch"
    ]


@pytest.mark.parametrize("following", [None, ""])
def test_a10_a_continue_branch_that_runs_out_is_refused(following: str | None) -> None:
    found = problems(
        invoke_async("invoke", "wait"),
        wait("wait", events={"R": (LATEST, "bye")}, continuing="talk", completed="bye"),
        action("talk", "MessageParticipant", {"Text": "x"}, following, errors={"NoMatchingError": "bye"}),
    )
    assert [problem for problem in found if problem.startswith("error: action 'talk'")], found


def test_250_actions_and_no_more() -> None:
    steps = [say(str(number), "x", str(number + 1)) for number in range(249)]
    assert problems(*steps, hang_up("249"), bye=False) == []
    steps = [say(str(number), "x", str(number + 1)) for number in range(250)]
    assert problems(*steps, hang_up("250"), bye=False) == ["error: 251 actions, more than 250"]


def test_disconnecting_in_a_whisper() -> None:
    assert problems(type_="CUSTOMER_WHISPER") == [
        "error: action 'bye': DisconnectParticipant is not allowed in a flow of type CUSTOMER_WHISPER"
    ]


def test_the_catalogue_knows_what_is_built_and_suggests_what_exists() -> None:
    assert set(SUGGESTIONS.values()) <= ACTION_TYPES.keys()
    assert not SUGGESTIONS.keys() & ACTION_TYPES.keys()


def test_a_function_that_is_not_filled_in_is_one_problem() -> None:
    (problem,) = problems(invoke("a", "bye", LambdaFunctionARN=""))
    assert problem.endswith("LambdaFunctionARN: is empty")


def test_function_arns_with_placeholders() -> None:
    assert problems(invoke("a", "bye", LambdaFunctionARN=function_arn("$.Attributes.name"))) == []
