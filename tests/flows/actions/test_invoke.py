"""InvokeLambdaFunction, synchronous: event, responses, limits, errors (connect reference §8)."""

import orjson
import pytest

from callpark.flows.happenings import FunctionEnded, FunctionRefused
from callpark.flows.logs import FUNCTION_FAILED
from tests.flows.building import INSTANCE_ARN, action, function_arn, hang_up, invoke, invoke_async, say, wait
from tests.flows.driving import CONTACT_ID, Driver, PlainWorld

pytestmark = pytest.mark.unit

LOG = action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "invoke")


def calling(world: PlainWorld | None = None, /, **parameters: object) -> Driver:
    return Driver(
        LOG,
        invoke("invoke", "done", "failed", **parameters),
        say("done", "Got $.External.n", "bye"),
        say("failed", "Failed [$.External.n]", "bye"),
        hang_up(),
        world=world,
    ).start()


def test_the_event_is_connects() -> None:
    driver = calling(LambdaInvocationAttributes={"From": "$.CustomerEndpoint.Address", "Fixed": 5})
    assert orjson.loads(driver.started[0].payload) == {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": {},
                "AwsRegion": "us-east-1",
                "Channel": "VOICE",
                "ContactId": CONTACT_ID,
                "CustomerEndpoint": {"Address": "+441632960001", "Type": "TELEPHONE_NUMBER"},
                "CustomerId": None,
                "Description": None,
                "InitialContactId": CONTACT_ID,
                "InitiationMethod": "INBOUND",
                "InstanceARN": INSTANCE_ARN,
                "LanguageCode": "en-US",
                "MediaStreams": {"Customer": {"Audio": None}},
                "Name": None,
                "PreviousContactId": CONTACT_ID,
                "Queue": None,
                "References": {},
                "RelatedContactId": None,
                "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
                "SystemEndpoint": {"Address": "+441632960000", "Type": "TELEPHONE_NUMBER"},
                "Tags": {},
            },
            "Parameters": {"From": "+441632960001", "Fixed": "5"},
        },
    }


def test_attributes_are_resolved_scalars_become_text_and_the_undefined_is_left_out() -> None:
    driver = calling(
        LambdaInvocationAttributes={
            "none": "$.Attributes.none",
            "text": "<$.Attributes.none>",
            "true": True,
            "half": 0.5,
            "nested": {"to": ["$.Channel", 1, None]},
        }
    )
    assert driver.parameters() == {
        "text": "<>",
        "true": "true",
        "half": "0.5",
        "nested": {"to": ["VOICE", 1, None]},
    }


def test_the_result_replaces_external() -> None:
    driver = calling()
    driver.now = 2.0
    driver.answer({"n": "7"})
    assert driver.said == ["Got 7"]
    assert driver.contact.memory.invocation_id is None  # only asynchronous ones are remembered
    assert driver.contact.invocations == {}


@pytest.mark.parametrize(
    ("validation", "payload", "external"),
    [
        ("STRING_MAP", b'{"a":"b","$1000":"c"}', {"a": "b", "$1000": "c"}),
        ("STRING_MAP", b'{"a":1}', None),
        ("STRING_MAP", b'{"a":{"b":"c"}}', None),
        ("STRING_MAP", b"[]", None),
        ("JSON", b'{"a":{"b":[1,2.5,null]}}', {"a": {"b": [1, 2.5, None]}}),
        ("JSON", b"[1]", [1]),
        ("JSON", b'"text"', "text"),
        ("JSON", b"{", None),
        ("JSON", b"", None),
        ("JSON", b"\xff", None),
        ("JSON", b"[" * 101 + b"]" * 101, None),
        ("JSON", b"[" * 3 + b"1" + b"]" * 3, [[[1]]]),
        ("JSON", b'{"a":"' + b"x" * 32_761 + b'"}', None),
        (None, b'{"a":1,"b":true,"c":2.0,"d":"x","e":null}', {"a": "1", "b": "true", "c": "2", "d": "x", "e": None}),
        (None, b'{"a":[]}', None),
        (None, b'"text"', None),
        (None, b"null", None),
    ],
)
def test_response_rules(validation: str | None, payload: bytes, external: object) -> None:
    more = {} if validation is None else {"ResponseValidation": {"ResponseType": validation}}
    driver = calling(**more)
    driver.answer(payload)
    assert driver.path[-1] == ("failed" if external is None else "done")
    assert driver.contact.memory.external == external


def test_32_kilobytes_are_just_allowed() -> None:
    driver = calling()
    driver.answer(b'{"n":"' + b"x" * 32_760 + b'"}')
    assert driver.path[2] == "done"


@pytest.mark.parametrize(("limit", "deadline"), [("3", 3.0), ("8", 8.0), ("30", 8.0)])
def test_the_limit_is_eight_seconds_at_most(limit: str, deadline: float) -> None:
    driver = calling(InvocationTimeLimitSeconds=limit)
    driver.next_timer()
    assert driver.now == deadline
    assert driver.path[-1] == "failed"
    assert [(e.outcome, e.reason) for e in driver.effects if isinstance(e, FunctionEnded)] == [
        ("timed_out", f"no answer within {deadline:g} s")
    ]


def test_an_answer_after_the_limit_changes_nothing() -> None:
    driver = calling()
    driver.next_timer()
    driver.answer({"n": "late"})
    assert driver.said == ["Failed []"]


def test_a_flow_with_a_time_limit_edge_gets_it() -> None:
    driver = Driver(
        action(
            "invoke",
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": function_arn("F"), "InvocationTimeLimitSeconds": "1"},
            "bye",
            errors={"NoMatchingError": "bye", "TimeLimitExceeded": "late"},
        ),
        say("late", "Late", "bye"),
        hang_up(),
    ).start()
    driver.next_timer()
    assert driver.path[-1] == "late"


def test_a_failed_function_clears_external_and_is_logged() -> None:
    driver = Driver(
        action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "first"),
        invoke("first", "invoke"),
        invoke("invoke", "bye", "failed"),
        say("failed", "Failed [$.External.n]", "bye"),
        hang_up(),
    ).start()
    driver.answer({"n": "old"})
    driver.answer(b"{}", failed=True, message="Unhandled")
    assert driver.said == ["Failed []"]
    assert driver.log[-2]["Results"] == FUNCTION_FAILED
    assert "ExternalResults" not in driver.log[-2]


def test_the_log_entries_of_both_modes() -> None:
    driver = calling(ResponseValidation={"ResponseType": "STRING_MAP"}, InvocationTimeLimitSeconds="3")
    driver.answer({"n": "7"})
    entry = driver.log[1]
    assert entry["ContactFlowModuleType"] == "InvokeExternalResource"
    assert entry["ExternalResults"] == {"n": "7"}
    assert entry["Parameters"] == {
        "FunctionArn": function_arn("F"),
        "ResponseValidation": "ResponseType=STRING_MAP",
        "TimeLimit": "3000",
    }
    driver = Driver(
        LOG, invoke_async("invoke", "wait"), wait("wait", events={"R": ("x", "bye")}, completed="bye"), hang_up()
    ).start()
    parameters = driver.log[1]["Parameters"]
    assert isinstance(parameters, dict)
    assert parameters["InvocationType"] == "ASYNCHRONOUS"
    assert parameters["InvocationId"] == driver.started[0].invocation_id
    before = len(driver.log)
    driver.answer({})
    assert len(driver.log) == before + 1


def test_a_function_that_may_not_be_called() -> None:
    driver = calling(PlainWorld(refused={function_arn("F"): "Status Code: 403; Error Code: AccessDeniedException"}))
    assert driver.path == ["log", "invoke", "failed"]
    assert [e.reason for e in driver.effects if isinstance(e, FunctionRefused)] == [
        "Status Code: 403; Error Code: AccessDeniedException"
    ]
    assert driver.log[1]["Results"] == "Status Code: 403; Error Code: AccessDeniedException"


def test_twenty_seconds_for_functions_in_a_row_and_a_prompt_begins_anew() -> None:
    driver = Driver(
        invoke("one", "two"),
        invoke("two", "three"),
        invoke("three", "bye", "talk"),
        say("talk", "A word.", "four"),
        invoke("four", "bye"),
        hang_up(),
    ).start()
    for _ in range(2):
        driver.now += 7.5
        driver.answer({})
    assert driver.started[-1].deadline == 20.0  # five of its eight seconds are left
    driver.next_timer()
    assert driver.path[-1] == "talk"
    driver.next_timer()
    assert driver.started[-1].deadline == driver.now + 8


def test_nothing_is_left_of_the_twenty_seconds() -> None:
    driver = Driver(
        *[invoke(str(n), str(n + 1), str(n + 1)) for n in range(4)], say("4", "Enough", "bye"), hang_up()
    ).start()
    for _ in range(3):
        driver.next_timer()
    assert driver.now == 20.0
    assert driver.path[-1] == "4"
    assert len(driver.started) == 3


def test_arns_may_be_partly_dynamic() -> None:
    driver = Driver(
        invoke("invoke", "bye", "bye", LambdaFunctionARN="arn:aws:lambda:$.AwsRegion:123456789012:function:G"),
        hang_up(),
    ).start()
    assert driver.started[0].function_arn == "arn:aws:lambda:us-east-1:123456789012:function:G"


@pytest.mark.parametrize(
    "parameters",
    [
        {"InvocationType": "EVENT"},
        {"InvocationTimeLimitSeconds": "soon"},
        {"InvocationTimeLimitSeconds": "0"},
        {"ResponseValidation": {"ResponseType": "XML"}},
        {"ResponseValidation": "JSON"},
        {"LambdaInvocationAttributes": []},
        {"LambdaFunctionARN": ""},
    ],
)
def test_bad_parameters_take_the_error_branch_and_are_named(parameters: dict[str, object]) -> None:
    driver = calling(**parameters)
    assert driver.path == ["log", "invoke", "failed"]
    assert driver.warnings[0].startswith(f"flow flow, action 'invoke': Parameters.{next(iter(parameters))}"[:40])
    assert driver.started == []
