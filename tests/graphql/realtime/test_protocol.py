"""The real-time protocol: its table row by row, its exact texts, and what holds for any sequence of events."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.messages import ErrorEntry
from callpark.graphql.realtime.lifecycle import (
    ApiRemoved,
    Arm,
    Close,
    Due,
    Lost,
    Opened,
    Phase,
    Received,
    Rejected,
    Send,
    ShuttingDown,
    TimerName,
)
from callpark.graphql.realtime.protocol import (
    TRANSITIONS,
    Attach,
    Connection,
    Effect,
    Ended,
    Established,
    Event,
    Refused,
    Release,
    Stage,
    Subscribe,
    handle,
)
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit

LIMITS = AppSyncLimits()
NOW = 1_000.0

INIT = Received('{"type":"connection_init"}')


def start(id: str = "1", query: str = "subscription { onThing { id } }", **extra: object) -> Received:
    payload = {
        "data": json.dumps({"query": query, **extra}),
        "extensions": {"authorization": {"host": "h", "X-Api-Key": "da2-key"}},
    }
    return Received(json.dumps({"id": id, "type": "start", "payload": payload}))


def stop(id: str = "1") -> Received:
    return Received(json.dumps({"id": id, "type": "stop"}))


def run(
    events: Sequence[Event], connection: Connection | None = None, limits: AppSyncLimits = LIMITS
) -> tuple[Connection, list[Effect]]:
    connection = connection or Connection()
    effects: list[Effect] = []
    for event in events:
        connection, new = handle(connection, event, NOW, limits)
        effects += new
    return connection, effects


def frames(effects: Sequence[Effect]) -> list[object]:
    return [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]


READY, _ = run([Opened(), INIT])
STARTING, _ = run([start()], READY)
LIVE, _ = run([Established("1")], STARTING)
REFUSED, _ = run([Rejected("no", 400)])


def test_opening_arms_the_wait_for_connection_init_and_the_lifetime_of_24_hours() -> None:
    connection, effects = run([Opened()])
    assert connection.phase is Phase.OPENING
    assert effects == [Arm(TimerName.INIT, NOW + 15), Arm(TimerName.LIFETIME, NOW + 24 * 3600)]


def test_connection_init_is_acknowledged_with_the_timeout_then_kept_alive_at_once() -> None:
    connection, effects = run([INIT], Connection())
    assert connection.phase is Phase.READY
    assert frames(effects) == [
        {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}},
        {"type": "ka"},
    ]
    assert effects[-1] == Arm(TimerName.KEEP_ALIVE, NOW + 60)


def test_ka_every_60_seconds() -> None:
    assert run([Due(TimerName.KEEP_ALIVE)], READY)[1] == [Send('{"type":"ka"}'), Arm(TimerName.KEEP_ALIVE, NOW + 60)]


@pytest.mark.parametrize("event", [start(), stop(), Received("junk"), Due(TimerName.KEEP_ALIVE), Established("1")])
def test_frames_before_the_acknowledgement_are_ignored(event: Event) -> None:
    assert run([event], Connection()) == (Connection(), [])


def test_a_second_connection_init_is_ignored() -> None:
    assert run([INIT], READY) == (READY, [])


def test_start_asks_for_a_subscription_with_the_credentials_of_the_frame() -> None:
    connection, effects = run(
        [start("a", "subscription S($x: ID) { s }", variables={"x": 1}, operationName="S")], READY
    )
    assert connection.subscriptions == {"a": Stage.STARTING}
    (effect,) = effects
    assert isinstance(effect, Subscribe)
    assert effect.operation.authorization == {"host": "h", "x-api-key": "da2-key"}
    assert effect.operation.body.query == "subscription S($x: ID) { s }"
    assert effect.operation.body.variables == {"x": 1}
    assert effect.operation.body.operation_name == "S"


def test_start_ack_precedes_delivery() -> None:
    connection, effects = run([Established("1")], STARTING)
    assert connection.delivers("1")
    assert effects == [Send('{"type":"start_ack","id":"1"}'), Attach("1")]


def test_nothing_is_delivered_before_start_ack_or_after_complete() -> None:
    assert not STARTING.delivers("1")
    stopped, effects = run([stop()], LIVE)
    assert not stopped.delivers("1")
    assert effects == [Release("1"), Send('{"type":"complete","id":"1"}')]


def test_a_refused_start_gets_its_errors_and_frees_the_id() -> None:
    errors: tuple[ErrorEntry, ...] = (
        {"errorType": "UnauthorizedException", "message": "Valid authorization header not provided."},
    )
    connection, effects = run([Refused("1", errors)], STARTING)
    assert connection == READY
    assert frames(effects) == [{"id": "1", "type": "error", "payload": {"errors": list(errors)}}]


def test_a_stop_during_start_is_answered_with_both() -> None:
    connection, effects = run([stop(), stop(), Established("1")], STARTING)
    assert connection == READY
    assert frames(effects) == [{"type": "start_ack", "id": "1"}, {"type": "complete", "id": "1"}]
    assert effects[-1] == Release("1")


def test_stop_of_an_unknown_id_is_complete() -> None:
    assert run([stop("9")], READY) == (READY, [Send('{"type":"complete","id":"9"}')])


def test_a_live_id_cannot_be_started_again() -> None:
    for before in (STARTING, LIVE):
        connection, effects = run([start()], before)
        assert connection == before
        assert frames(effects) == [
            {
                "id": "1",
                "type": "error",
                "payload": {
                    "errors": [{"errorType": "DuplicatedOperationError", "message": "Duplicated operation with id 1"}]
                },
            }
        ]


def test_a_stopped_id_may_be_started_again() -> None:
    connection, _ = run([stop(), start()], LIVE)
    assert connection.subscriptions == {"1": Stage.STARTING}


def test_subscriptions_per_connection_are_limited() -> None:
    connection, effects = run([start(str(number)) for number in range(101)], READY)
    assert len(connection.subscriptions) == 100
    assert frames(effects) == [
        {
            "id": "100",
            "type": "error",
            "payload": {
                "errors": [
                    {"errorType": "MaxSubscriptionsReachedError", "message": "Max number of 100 subscriptions reached"}
                ]
            },
        }
    ]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        '"start"',
        "{}",
        '{"type":"nonsense"}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"stop"}',
        '{"type":"stop","id":7}',
        '{"type":["start"]}',
        b"\xff\xfe",
        b"\x00",
        "[" * 5_000,
        '{"type":"start\ud800"}',
    ],
)
def test_a_message_the_protocol_does_not_know(message: str | bytes) -> None:
    connection, effects = run([Received(message)], READY)
    assert connection == READY
    assert frames(effects) == [
        {
            "type": "error",
            "payload": {
                "errors": [
                    {
                        "errorType": "UnsupportedOperation",
                        "message": "unknown not supported through the realtime channel",
                    }
                ]
            },
        }
    ]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"data": 1},
        {"data": {"query": "subscription { a }"}},
        {"data": ""},
        {"data": "{}"},
        {"data": "[]"},
        {"data": '{"query":""}'},
        {"data": '{"query":7}'},
        {"data": '{"query":"subscription { a }","variables":[]}'},
        {"data": '{"query":"subscription { a }","variables":' + '{"a":' * 3_000 + "1" + "}" * 3_001},
        {"data": '{"query":"\\ud800"}'},
    ],
)
def test_a_start_that_cannot_be_parsed(payload: object) -> None:
    connection, effects = run([Received(json.dumps({"id": "x", "type": "start", "payload": payload}))], READY)
    assert connection == READY
    assert frames(effects) == [
        {
            "id": "x",
            "type": "error",
            "payload": {
                "errors": [{"errorType": "MalformedHttpRequestException", "message": "Unable to parse GraphQL query."}]
            },
        }
    ]


@pytest.mark.parametrize("id", [None, "", 1, []])
def test_a_start_without_an_id(id: object) -> None:
    message = json.dumps({"id": id, "type": "start", "payload": {"data": '{"query":"subscription { a }"}'}})
    connection, effects = run([Received(message)], READY)
    assert connection == READY
    assert frames(effects) == [
        {
            "type": "error",
            "payload": {"errors": [{"errorType": "BadRequestException", "message": "A start message needs an id."}]},
        }
    ]


@pytest.mark.parametrize("extensions", [None, [], {}, {"authorization": "x"}, {"authorization": {"x-api-key": 1}}])
def test_a_start_without_credentials_is_left_to_authorization(extensions: object) -> None:
    payload = {"data": '{"query":"subscription { a }"}', "extensions": extensions}
    _, effects = run([Received(json.dumps({"id": "x", "type": "start", "payload": payload}))], READY)
    assert isinstance(effects[0], Subscribe)
    assert effects[0].operation.authorization == {}


def test_a_rejected_connection_is_told_at_once_and_closed_when_it_speaks_or_after_a_grace() -> None:
    connection, effects = run([Rejected("You are not authorized to make this call.", 400, "a#b")])
    assert frames(effects) == [
        {
            "payload": {
                "errors": [
                    {"errorType": "a#b", "message": "You are not authorized to make this call.", "errorCode": 400}
                ]
            },
            "type": "connection_error",
        }
    ]
    assert effects[-1] == Arm(TimerName.INIT, NOW + 1)
    for event in (INIT, start(), stop(), Received(b""), Due(TimerName.INIT)):
        assert run([event], connection) == (Connection(Phase.CLOSED), [Close(1000, "")])


def test_a_recorded_connection_error_has_no_error_type() -> None:
    _, effects = run([Rejected("NoProtocolError", 400)])
    assert effects[0] == Send(
        '{"payload":{"errors":[{"message":"NoProtocolError","errorCode":400}]},"type":"connection_error"}'
    )


def test_a_socket_that_never_says_connection_init_is_closed() -> None:
    connection, effects = run([Opened(), Due(TimerName.INIT)])
    assert connection.phase is Phase.CLOSED
    assert effects[-1] == Close(1008, "no connection_init within 15 s")
    assert run([Due(TimerName.INIT)], READY) == (READY, [])


@pytest.mark.parametrize(
    ("event", "farewell"),
    [
        (Due(TimerName.LIFETIME), [Close(1001, "connection older than 24 h")]),
        (ShuttingDown(), [Close(1001, "the server is stopping")]),
        (ApiRemoved(), [Close(1001, "the API is gone")]),
        (Lost(), []),
    ],
)
def test_the_end_releases_every_subscription(event: Event, farewell: list[Effect]) -> None:
    before, _ = run([start("2")], LIVE)
    connection, effects = run([event], before)
    assert connection == Connection(Phase.CLOSED)
    assert effects == [Release("1"), Release("2"), *farewell]


def test_a_subscription_the_server_ends_is_complete() -> None:
    connection, effects = run([Ended("1")], LIVE)
    assert connection == READY
    assert effects == [Release("1"), Send('{"type":"complete","id":"1"}')]
    assert run([Ended("1")], STARTING) == (STARTING, [])


def test_nothing_leads_out_of_closed() -> None:
    assert not [phase for phase, _ in TRANSITIONS if phase is Phase.CLOSED]


def test_every_phase_hears_of_the_end() -> None:
    for phase in (Phase.OPENING, Phase.READY, Phase.REFUSED):
        for event in (Lost, ShuttingDown, ApiRemoved):
            assert (phase, event) in TRANSITIONS


ids = st.sampled_from(["1", "2", "3"])
events: st.SearchStrategy[Event] = st.one_of(
    st.just(INIT),
    ids.map(start),
    ids.map(stop),
    ids.map(Established),
    ids.map(lambda id: Refused(id, ({"errorType": "E", "message": "m"},))),
    ids.map(Ended),
    st.sampled_from([Due(TimerName.KEEP_ALIVE), Due(TimerName.INIT), Due(TimerName.LIFETIME), Lost(), ShuttingDown()]),
    st.just(ApiRemoved()),
    st.text(max_size=20).map(Received),
    st.binary(max_size=20).map(Received),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["start", "stop"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "id", "payload", "data", "extensions"]), inner, max_size=4)
        ),
        max_leaves=8,
    ).map(lambda value: Received(json.dumps(value))),
)


@given(st.lists(events, max_size=40), st.booleans())
def test_any_sequence_of_events_keeps_the_promises_of_the_protocol(sequence: list[Event], rejected: bool) -> None:
    """Nothing raises; each accepted start is answered once; attach follows start_ack; no frame after the close; what
    is attached is released exactly once."""
    limits = AppSyncLimits(subscriptions_per_connection=2)
    connection = Connection()
    unanswered: dict[str, int] = {}
    attached: set[str] = set()
    closed = False
    for event in [Rejected("no", 400) if rejected else Opened(), *sequence]:
        connection, effects = handle(connection, event, NOW, limits)
        for effect in effects:
            assert not closed
            match effect:
                case Subscribe(id):
                    assert unanswered.get(id, 0) == 0
                    unanswered[id] = 1
                case Send(text):
                    frame = json.loads(text)
                    if frame["type"] == "start_ack":
                        assert unanswered.pop(frame["id"]) == 1
                    if frame["type"] == "error" and isinstance(event, Refused):
                        assert unanswered.pop(frame["id"]) == 1
                    if frame["type"] == "complete":
                        assert frame["id"] not in attached
                case Attach(id):
                    assert id not in attached
                    assert id not in unanswered
                    attached.add(id)
                case Release(id):
                    attached.discard(id)
                    unanswered.pop(id, None)
                case Close():
                    closed = True
                case Arm(_, at):
                    assert at > NOW
        assert attached == {id for id in ("1", "2", "3") if connection.delivers(id)}
        assert len(connection.subscriptions) <= 2
        if connection.phase is Phase.CLOSED:
            assert not connection.subscriptions
