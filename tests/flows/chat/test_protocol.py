"""The chat web socket's state machine: the table by name, and whatever a client may send."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.chat.protocol import (
    TRANSITIONS,
    Arm,
    ChatOver,
    Close,
    Due,
    Effect,
    Event,
    Join,
    Leave,
    Lost,
    Opened,
    Phase,
    Received,
    Replaced,
    Send,
    ShuttingDown,
    Socket,
    TimerName,
    Written,
    handle,
)
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.websocket import GOING_AWAY, NORMAL, POLICY_VIOLATION

pytestmark = pytest.mark.unit

LIMITS = ConnectLimits()
SUBSCRIBE = Received('{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}')
SUBSCRIBED = '{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}'


def after(*events: Event, now: float = 0.0) -> tuple[Socket, list[Effect]]:
    socket = Socket("s")
    effects: list[Effect] = []
    for event in events:
        socket, more = handle(socket, event, now, LIMITS)
        effects += more
    return socket, effects


def test_a_socket_joins_once_however_often_it_subscribes() -> None:
    socket, effects = after(Opened(), SUBSCRIBE, SUBSCRIBE)
    assert socket.phase is Phase.SUBSCRIBED
    assert [effect for effect in effects if not isinstance(effect, Arm)] == [
        Send(SUBSCRIBED),
        Join(),
        Send(SUBSCRIBED),
    ]


def test_nothing_that_is_written_goes_to_a_socket_that_has_not_subscribed() -> None:
    assert not [effect for effect in after(Opened(), Written("x"))[1] if isinstance(effect, Send)]
    assert after(Opened(), SUBSCRIBE, Written("x"))[1][-1] == Send("x")


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ('{"topic":"aws/heartbeat"}', {"topic": "aws/heartbeat"}),
        ('{"topic":"aws/ping"}', {"topic": "aws/ping", "statusCode": 200, "statusContent": "OK"}),
        (
            '{"topic":"aws/subscribe","content":{"topics":["aws/chat","aws/x"]}}',
            {"topic": "aws/subscribe", "content": {"status": "failure", "topics": ["aws/chat", "aws/x"]}},
        ),
        ("{", {"message": "a frame is JSON text", "connectionId": "s"}),
        (b"\xff", {"message": "a frame is JSON text", "connectionId": "s"}),
        ('{"topic":1}', {"message": "a frame has a topic", "connectionId": "s"}),
    ],
)
def test_answers(message: str | bytes, answer: object) -> None:
    sent = after(Opened(), Received(message))[1][-1]
    assert isinstance(sent, Send)
    assert json.loads(sent.text) == answer


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Due(TimerName.LIFETIME), GOING_AWAY),
        (Due(TimerName.FAREWELL), NORMAL),
        (Replaced(), POLICY_VIOLATION),
        (ShuttingDown(), GOING_AWAY),
    ],
)
@pytest.mark.parametrize("before", [(), (SUBSCRIBE,)])
def test_endings(event: Event, code: int, before: tuple[Event, ...]) -> None:
    socket, effects = after(Opened(), *before, event)
    assert socket.phase is Phase.CLOSED
    assert isinstance(effects[-1], Close)
    assert (effects[-2], effects[-1].code) == (Leave(), code)


def test_silence_counts_from_the_last_frame() -> None:
    socket, _ = after(Opened())
    socket, _ = handle(socket, SUBSCRIBE, 400.0, LIMITS)
    socket, effects = handle(socket, Due(TimerName.SILENCE), 600.0, LIMITS)
    assert effects == (Arm(TimerName.SILENCE, 1_000.0),)
    socket, effects = handle(socket, Due(TimerName.SILENCE), 1_000.0, LIMITS)
    assert socket.phase is Phase.CLOSED


def test_after_the_end_of_the_chat_a_client_has_time_to_leave() -> None:
    socket, effects = after(Opened(), SUBSCRIBE, ChatOver(), now=10.0)
    assert socket.phase is Phase.SUBSCRIBED
    assert effects[-1] == Arm(TimerName.FAREWELL, 15.0)


def test_every_phase_but_the_last_knows_how_to_end() -> None:
    for phase in (Phase.OPEN, Phase.SUBSCRIBED):
        assert {Lost, ShuttingDown, Replaced, ChatOver, *TimerName} <= {
            occurrence for at, occurrence in TRANSITIONS if at is phase
        }
    assert not [occurrence for at, occurrence in TRANSITIONS if at is Phase.CLOSED]


messages = st.one_of(
    st.text(),
    st.binary(),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["topic", "content", "topics"]), inner),
    ).map(json.dumps),
    st.sampled_from([SUBSCRIBE.message, '{"topic":"aws/ping"}', '{"topic":"aws/heartbeat"}']),
).map(Received)
events = st.one_of(
    messages,
    st.builds(Written, st.text(max_size=5)),
    st.sampled_from([Opened(), ChatOver(), Replaced(), ShuttingDown(), Lost(), *map(Due, TimerName)]),
)


@given(st.lists(st.tuples(events, st.floats(0, 5_000))))
def test_no_history_breaks_it(history: list[tuple[Event, float]]) -> None:
    """It joins at most once, leaves at most once and after joining, says nothing after it is closed, and what is
    written goes out only between the two."""
    socket = Socket("s")
    effects: list[Effect] = []
    for event, now in history:
        was = socket.phase
        socket, more = handle(socket, event, now, LIMITS)
        assert not more or was is not Phase.CLOSED
        if isinstance(event, Written):
            assert more == ((Send(event.text),) if was is Phase.SUBSCRIBED else ())
        effects += more
    assert effects.count(Join()) <= 1
    assert effects.count(Leave()) == (socket.phase is Phase.CLOSED)
    if Join() in effects and Leave() in effects:
        assert effects.index(Join()) < effects.index(Leave())
    closes = [index for index, effect in enumerate(effects) if isinstance(effect, Close)]
    assert closes in ([], [len(effects) - 1])
