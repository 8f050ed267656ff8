"""Each check: a flow that breaks the rule, the same flow put right, and what the finding says."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from callpark.flows.checking.table import RULES, check_flow
from callpark.flows.checking.view import Known
from callpark.flows.declared import Declared, PromptFile, Queue
from callpark.flows.language import parse_flow
from callpark.flows.resources import build_resources
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import (
    ASYNCHRONOUS,
    Action,
    action,
    definition,
    flow_arn,
    function_arn,
    hang_up,
    invoke,
    invoke_async,
    keep,
    load,
    say,
    wait,
)
from tests.flows.checking.looking import found, functions, look

pytestmark = pytest.mark.unit

LATEST = "$.LambdaInvocation.InvocationId"
SORRY = say("sorry", "Sorry, that did not work.", "bye")
STILL = say("say", "Still here.", "c")
KEEPS = keep("kept", "second", one=LATEST)
READ_SLOWLY = "word " * 90
JSON = {"ResponseValidation": {"ResponseType": "JSON"}}


def menu(name: str, then: str, silent: str, **when: str) -> Action:
    return action(
        name,
        "GetParticipantInput",
        {"Text": "Press a key.", "StoreInput": "False", "InputTimeLimitSeconds": "5"},
        then,
        errors={"InputTimeLimitExceeded": silent, "NoMatchingCondition": then, "NoMatchingError": then},
        when={key.removeprefix("key"): target for key, target in when.items()},
    )


def loop(name: str, again: str, done: str, count: str = "3") -> Action:
    return action(
        name, "Loop", {"LoopCount": count}, done, when={"ContinueLooping": again, "DoneLooping": done}, errors={}
    )


def go(name: str, flow: str) -> Action:
    return action(name, "TransferToFlow", {"ContactFlowId": flow_arn(flow)}, "bye", errors={"NoMatchingError": "bye"})


def compare(name: str, value: str, yes: str, no: str) -> Action:
    return action(
        name, "Compare", {"ComparisonValue": value}, no, errors={"NoMatchingCondition": no}, when={"yes": yes}
    )


def module(name: str, then: str, reference: str) -> Action:
    return action(name, "InvokeFlowModule", {"FlowModuleId": reference}, then, errors={"NoMatchingError": then})


class Case(NamedTuple):
    """`wrong` has the finding at `block`, `right` has not. `told`: a part of the message."""

    code: str
    block: str
    wrong: Sequence[Action]
    right: Sequence[Action]
    told: str
    known: Known = Known()


def waiting(
    limit: str, *, then: str = "load", branch: Sequence[Action] = (), first: str = "music", end: str = "Thank you."
) -> list[Action]:
    """An asynchronous function, a Wait for it with a Continue branch, its result loaded."""
    return [
        invoke_async("start", "wait", "sorry"),
        wait("wait", events={"Done": (LATEST, then)}, continuing=first, completed="sorry", limit=limit),
        load("load", "thanks", reference=LATEST, progress="sorry", error="sorry"),
        say("thanks", end, "bye"),
        *(branch or [say("music", READ_SLOWLY, "more"), say("more", READ_SLOWLY, "music")]),
        SORRY,
        hang_up(),
    ]


CASES = [
    Case("CP101", "hi", [say("hi", "Hi.", "nowhere"), hang_up()], [say("hi", "Hi.", "bye"), hang_up()], "'nowhere'"),
    Case("CP102", "lost", [hang_up(), say("lost", "Hi.", "bye")], [say("lost", "Hi.", "bye"), hang_up()], "no path"),
    Case(
        "CP111",
        "a",
        [compare("a", "$.Attributes.x", "b", "bye"), keep("b", "a", k="1"), hang_up()],
        [compare("a", "$.Attributes.x", "b", "bye"), say("b", "One moment.", "a"), hang_up()],
        "'a', 'b' go round",
    ),
    Case(
        "CP111",
        "a",
        [keep("a", "a", k="1"), hang_up()],
        [loop("l", "a", "bye"), keep("a", "l", k="1"), hang_up()],
        "leads to itself",
    ),
    Case(
        "CP112",
        "load",
        [invoke_async("start", "load"), load("load", "bye", reference=LATEST, progress="load", error="bye"), hang_up()],
        [
            invoke_async("start", "load"),
            load("load", "bye", reference=LATEST, progress="hold", error="bye"),
            say("hold", "One moment.", "load"),
            hang_up(),
        ],
        "InProgress",
    ),
    Case(
        "CP112",
        "load",
        [
            invoke_async("start", "loop"),
            loop("loop", "load", "bye", "100"),
            load("load", "bye", reference=LATEST, progress="loop", error="bye"),
            hang_up(),
        ],
        list(ASYNCHRONOUS),
        "InProgress",
    ),
    Case(
        "CP113",
        "a",
        [say("a", "Hello.", "b"), say("b", "Hello again.", "a"), hang_up()],
        [loop("l", "a", "bye"), say("a", "Hello.", "l"), hang_up()],
        "nothing leads out",
    ),
    Case(
        "CP114",
        "ask",
        [menu("ask", "sorry", "again", key1="bye"), say("again", "Once more.", "ask"), SORRY, hang_up()],
        [menu("ask", "sorry", "l", key1="bye"), loop("l", "ask", "sorry"), SORRY, hang_up()],
        "nobody answers",
    ),
    Case(
        "CP201",
        "call",
        [invoke("call", "bye", "sorry"), SORRY, hang_up()],
        [invoke_async("call", "bye", "sorry"), SORRY, hang_up()],
        "F may run 30 s, the block gives up after 8 s",
        functions(F=30),
    ),
    Case(
        "CP202",
        "call",
        [invoke("call", "bye", "sorry"), SORRY, hang_up()],
        [invoke("call", "bye", "sorry", LambdaFunctionARN=function_arn("G")), SORRY, hang_up()],
        "no function F",
        functions(G=3),
    ),
    Case(
        "CP203",
        "call",
        [invoke("call", "bye", "sorry"), SORRY, hang_up()],
        [invoke("call", "bye", "sorry", LambdaFunctionARN=function_arn("G")), SORRY, hang_up()],
        "F is not associated",
        Known(functions={"F": 3, "G": 3}, associated=frozenset(("G",))),
    ),
    Case(
        "CP204",
        "a",
        [*(invoke(n, t, "sorry") for n, t in ("ab", "bc")), invoke("c", "bye", "sorry"), SORRY, hang_up()],
        [
            invoke("a", "b", "sorry"),
            invoke("b", "say", "sorry"),
            say("say", "Still here.", "c"),
            invoke("c", "bye", "sorry"),
            SORRY,
            hang_up(),
        ],
        "up to 24 s, 20 s are allowed",
    ),
    Case(
        "CP205",
        "say",
        [invoke("call", "say", "sorry"), say("say", "Hello $.External.user.name.", "bye"), SORRY, hang_up()],
        [invoke("call", "say", "sorry", **JSON), say("say", "Hello $.External.user.name.", "bye"), SORRY, hang_up()],
        "$.External.user.name",
    ),
    Case(
        "CP211",
        "second",
        [invoke_async("first", "second"), *waiting("60")[1:], invoke_async("second", "wait")],
        [
            invoke_async("first", "kept"),
            keep("kept", "second", one=LATEST),
            invoke_async("second", "wait"),
            *waiting("60")[1:],
        ],
        "the id of 'first'",
    ),
    Case("CP212", "wait", waiting("20"), waiting("60"), "waits 20 s for 'start', which may take 60 s"),
    Case(
        "CP213",
        "wait",
        waiting("60", branch=[say("music", "Please wait.", "bye")]),
        waiting("60", branch=[loop("music", "talk", "bye", "10"), say("talk", READ_SLOWLY, "music")]),
        "reaches 'bye' after about 1 s",
    ),
    Case(
        "CP214",
        "start",
        [invoke_async("start", "thanks", "sorry"), say("thanks", "Thank you.", "bye"), SORRY, hang_up()],
        waiting("60"),
        "no path from here loads",
    ),
    Case(
        "CP215",
        "inner",
        waiting("60", branch=[wait("inner", continuing="bye", completed="bye")], first="inner"),
        waiting("60"),
        "the Continue branch of 'wait'",
    ),
    Case(
        "CP221",
        "thanks",
        waiting("60", then="thanks", end="Hello $.External.name."),
        waiting("60", end="Hello $.External.name."),
        "nothing before this block",
    ),
    Case(
        "CP221",
        "say",
        [invoke_async("start", "say", "sorry"), say("say", "$.External.name", "bye"), SORRY, hang_up()],
        [invoke("start", "say", "sorry"), say("say", "$.External.name", "bye"), SORRY, hang_up()],
        "nothing before this block",
    ),
    Case(
        "CP222",
        "say",
        [say("say", "$.FlowAttributes.who", "bye"), hang_up()],
        [keep("keep", "say", who="Ada"), say("say", "$.FlowAttributes.who", "bye"), hang_up()],
        "$.FlowAttributes.who",
    ),
    Case(
        "CP222",
        "wait",
        [say("start", "Hi.", "wait"), *waiting("60")[1:]],
        [invoke_async("start", "wait", "sorry"), *waiting("60")[1:]],
        LATEST,
    ),
    Case(
        "CP301",
        "a",
        [invoke("a", "b", "sorry"), invoke("b", "bye", "sorry"), SORRY, hang_up()],
        [invoke("a", "say", "sorry"), say("say", "Moment.", "b"), invoke("b", "bye", "sorry"), SORRY, hang_up()],
        "up to 16 s of silence: 'a', 'b'",
    ),
    Case(
        "CP301",
        "pause",
        [loop("l", "pause", "bye"), say("pause", '<speak><break time="9s"/></speak>', "l"), hang_up()],
        [loop("l", "pause", "bye", "1"), say("pause", '<speak><break time="9s"/></speak>', "l"), hang_up()],
        "up to 27 s of silence",
    ),
    Case(
        "CP301",
        "pause",
        [say("pause", '<speak><break time="9s"/></speak>', "again"), keep("again", "pause", k="1"), hang_up()],
        [say("pause", '<speak>Wait <break time="9s"/></speak>', "again"), keep("again", "pause", k="1"), hang_up()],
        "silence without end",
    ),
    Case(
        "CP302",
        "call",
        [invoke("call", "thanks", "bye"), say("thanks", "Thank you.", "bye"), hang_up()],
        [invoke("call", "thanks", "sorry"), say("thanks", "Thank you.", "bye"), SORRY, hang_up()],
        "NoMatchingError leads to 'bye'",
    ),
    Case(
        "CP303",
        "say",
        [say("say", "<speak>Hello", "bye"), hang_up()],
        [say("say", "<speak>Hello</speak>", "bye"), hang_up()],
        "broken SSML",
    ),
    Case(
        "CP311",
        "queue",
        [
            action("queue", "UpdateContactTargetQueue", {"QueueId": "q-2"}, "bye", errors={"NoMatchingError": "bye"}),
            hang_up(),
        ],
        [
            action("queue", "UpdateContactTargetQueue", {"QueueId": "q-1"}, "bye", errors={"NoMatchingError": "bye"}),
            hang_up(),
        ],
        "no queue 'q-2'",
        Known(resources=build_resources(Declared(queues=(Queue(name="Support", id="q-1"),)))),
    ),
    Case(
        "CP311",
        "play",
        [action("play", "MessageParticipant", {"PromptId": "gone"}, "bye"), hang_up()],
        [action("play", "MessageParticipant", {"PromptId": "Welcome"}, "bye"), hang_up()],
        "no prompt 'gone'",
        Known(resources=build_resources(Declared(prompts=(PromptFile(name="Welcome", seconds=2),)))),
    ),
    Case(
        "CP311",
        "go",
        [
            action("go", "TransferToFlow", {"ContactFlowId": flow_arn("x")}, "bye", errors={"NoMatchingError": "bye"}),
            hang_up(),
        ],
        [
            action(
                "go", "TransferToFlow", {"ContactFlowId": flow_arn("line")}, "bye", errors={"NoMatchingError": "bye"}
            ),
            hang_up(),
        ],
        "no flow",
        Known(whole=True, flows=[parse_flow(definition(hang_up(), name="line"))]),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code} {case.told[:24]}" for case in CASES])
def test_what_is_wrong_is_found_and_what_is_right_is_not(case: Case) -> None:
    told = [i.message for i in look(*case.wrong, known=case.known) if (i.code, i.action) == (case.code, case.block)]
    assert told
    assert all(case.told in message for message in told)
    assert (case.code, case.block) not in found(*case.right, known=case.known)


def test_every_rule_has_a_flow_that_breaks_it() -> None:
    elsewhere = {"CP001", "CP002", "CP003", "CP004", "CP005", "CP103", "CP121", "CP122"}
    assert {case.code for case in CASES} | elsewhere == {rule.code for rule in RULES}


def test_codes_are_in_order_and_each_once() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    for rule in RULES:
        assert rule.title[0].islower() or rule.title.startswith(("$", "AWS", "InProgress"))
        assert rule.why.endswith(".")
        assert rule.remedy.endswith(".")


def test_a_flow_in_order_has_no_findings() -> None:
    assert look(*waiting("60")) == []


def test_what_aws_says_comes_under_its_own_codes() -> None:
    broken = say("hi", "Hi.", "bye")
    broken["Parameters"] = {"Text": "Hi.", "Colour": "red"}
    (refused,) = look(broken, hang_up())
    assert (refused.code, refused.severity, refused.action) == ("CP002", "error", "hi")
    assert refused.message == "Invalid Action property name: Colour"
    (surprising,) = look(say("hi", "Hi $.Nonsense.x.", "bye"), hang_up())
    assert (surprising.code, surprising.severity) == ("CP003", "warning")


def test_close_to_the_limit_of_actions() -> None:
    known = Known(limits=ConnectLimits(actions_per_flow=4))
    chain = [say("a", "A.", "b"), say("b", "B.", "c"), say("c", "C.", "bye"), hang_up()]
    (near,) = look(*chain, known=known)
    assert (near.code, near.severity, near.action, near.message) == ("CP103", "note", "", "4 of 4 actions")
    assert look(*chain[2:], known=known) == []
    assert [item.code for item in look(say("0", "0.", "a"), *chain, known=known)] == ["CP002"]


def test_modules_that_call_each_other() -> None:
    def calls(name: str, *others: str) -> list[Action]:
        ends = action("end", "EndFlowModuleExecution")
        targets = [*(f"call {other}" for other in others), "end"][1:]
        return [module(f"call {o}", t, f"module-{o}") for o, t in zip(others, targets, strict=True)] + [ends]

    def of(**graph: str) -> Known:
        made = [definition(*calls(n, *o), name=f"module-{n}", type_="MODULE") for n, o in graph.items()]
        return Known(flows=[parse_flow(one) for one in made])

    main = [module("in", "bye", "module-a"), hang_up()]
    assert found(*main, known=of(a="bc", b="c", c="")) == set()
    assert found(*main, known=of(a="b", b="c", c="d", d="e", e="")) == set()
    assert found(*main, known=of(a="b", b="c", c="d", d="e", e="f", f="")) == {("CP122", "in")}
    circle = of(a="b", b="a")
    one = circle.flows[0]
    made = definition(*calls("a", "b"), name="module-a", type_="MODULE")
    assert made.arn == one.arn
    assert found(*calls("x", "x"), known=Known(), type_="MODULE") == set()
    assert [(i.code, i.action) for i in check_flow(one, made, circle)] == [("CP121", "call b")]


def test_a_flow_that_others_lead_to_may_bring_results_along() -> None:
    reads = [say("say", "Hello $.External.name.", "bye"), hang_up()]
    assert found(*reads) == {("CP221", "say")}
    leads = action(
        "go", "TransferToFlow", {"ContactFlowId": flow_arn("line")}, "bye", errors={"NoMatchingError": "bye"}
    )
    other = parse_flow(definition(leads, hang_up(), name="other"))
    assert found(*reads, known=Known(flows=[other])) == set()


def test_a_comparison_may_ask_whether_a_result_is_there() -> None:
    thanks = say("thanks", "Thank you.", "bye")
    flow = [
        invoke("call", "ask", "ask"),
        compare("ask", "$.External.name", "thanks", "sorry"),
        thanks,
        SORRY,
        hang_up(),
    ]
    assert found(*flow) == set()
    assert found(compare("ask", "$.External.name", "bye", "sorry"), SORRY, hang_up()) == {("CP221", "ask")}


def test_silence_that_callers_put_up_with_is_an_option() -> None:
    flow = [invoke("a", "bye", "sorry"), SORRY, hang_up()]
    assert found(*flow) == set()
    assert found(*flow, known=Known(silence_seconds=5)) == {("CP301", "a")}
    assert found(*flow, known=Known(silence_seconds=5, functions={"F": 3})) == set()


def test_the_time_that_prompts_take_counts_for_a_wait() -> None:
    flow = [invoke_async("start", "talk", "sorry"), say("talk", READ_SLOWLY, "wait"), *waiting("30")[1:]]
    assert ("CP212", "wait") in found(invoke_async("start", "wait", "sorry"), *waiting("30")[1:])
    assert ("CP212", "wait") not in found(*flow)


def test_ids_are_followed_through_attributes() -> None:
    flow = [
        invoke_async("slow", "keep slow"),
        keep("keep slow", "quick", slow=LATEST),
        invoke_async("quick", "keep quick", InvocationTimeLimitSeconds="5"),
        keep("keep quick", "wait", quick=LATEST),
        wait("wait", events={"Quick": ("$.FlowAttributes.quick", "load")}, completed="bye", limit="10"),
        load("load", "bye", reference="$.FlowAttributes.quick", progress="bye", error="bye"),
        hang_up(),
    ]
    assert not any(code == "CP212" for code, _ in found(*flow))
    flow[4] = wait("wait", events={"Slow": ("$.FlowAttributes.slow", "load")}, completed="bye", limit="10")
    assert ("CP212", "wait") in found(*flow)


def test_queue_and_hold_flows_go_round_on_purpose() -> None:
    round_ = [say("a", "Hello.", "b"), say("b", "Again.", "a")]
    assert found(*round_, type_="CUSTOMER_QUEUE") == set()
    assert found(*round_) == {("CP113", "a")}


def test_a_wait_for_a_function_is_as_silent_as_the_function_is_slow() -> None:
    def flow(*events: str) -> list[Action]:
        waits = wait("wait", events={name: (LATEST, "load") for name in events} or None, completed="sorry", limit="60")
        return [invoke_async("start", "wait", "sorry"), waits, *waiting("60")[2:4], SORRY, hang_up()]

    (finding,) = [item for item in look(*flow("Done")) if item.code == "CP301"]
    assert finding.message == "up to 60 s of silence: 'wait'"
    assert ("CP301", "wait") not in found(*flow("Done"), known=functions(F=6))
    assert ("CP301", "wait") not in found(*flow())  # without an event it is for chat
