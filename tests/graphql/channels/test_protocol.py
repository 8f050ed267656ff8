"""AppSync Events' websocket protocol: its table row by row, its exact texts, and what holds for any sequence."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.channels import frames
from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.protocol import (
    TRANSITIONS,
    Attach,
    Connection,
    Effect,
    Established,
    Event,
    PublicationDone,
    PublicationRefused,
    Publish,
    Release,
    Stage,
    Subscribe,
    SubscriptionRefused,
    handle,
)
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
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit

LIMITS = AppSyncLimits()
NOW = 1_000.0
DENIED: tuple[ErrorEntry, ...] = ({"errorType": "UnauthorizedException", "message": "no"},)
KEY = {"host": "h", "X-Api-Key": "da2-key"}

INIT = Received('{"type":"connection_init"}')


def say(**members: object) -> Received:
    return Received(json.dumps(members))


def subscribe(id: object = "1", channel: object = "/ns/a") -> Received:
    return say(type="subscribe", id=id, channel=channel, authorization=KEY)


def unsubscribe(id: object = "1") -> Received:
    return say(type="unsubscribe", id=id)


def publish(id: object = "p", channel: object = "/ns/a", events: object = ("1",)) -> Received:
    return say(type="publish", id=id, channel=channel, events=events, authorization=KEY)


def run(
    events: Sequence[Event], connection: Connection | None = None, limits: AppSyncLimits = LIMITS
) -> tuple[Connection, list[Effect]]:
    connection = connection or Connection()
    effects: list[Effect] = []
    for event in events:
        connection, new = handle(connection, event, NOW, limits)
        effects += new
    return connection, effects


def sent(effects: Sequence[Effect]) -> list[dict[str, object]]:
    return [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]


def entry(error_type: str, message: str) -> dict[str, object]:
    return {"errorType": error_type, "message": message}


READY, _ = run([Opened(), INIT])
STARTING, _ = run([subscribe()], READY)
LIVE, _ = run([Established("1")], STARTING)
PUBLISHING, _ = run([publish()], READY)


def test_the_opening_arms_the_wait_for_connection_init_and_the_lifetime() -> None:
    assert run([Opened()])[1] == [Arm(TimerName.INIT, NOW + 15), Arm(TimerName.LIFETIME, NOW + 24 * 3600)]


def test_the_acknowledgement_has_the_timeout_at_its_top_level_and_ka_follows_every_60_seconds() -> None:
    connection, effects = run([INIT], Connection())
    assert connection.phase is Phase.READY
    assert sent(effects) == [{"type": "connection_ack", "connectionTimeoutMs": 300_000}, {"type": "ka"}]
    assert effects[-1] == Arm(TimerName.KEEP_ALIVE, NOW + 60)
    assert run([Due(TimerName.KEEP_ALIVE)], READY)[1] == [Send('{"type":"ka"}'), effects[-1]]


@pytest.mark.parametrize("event", [subscribe(), unsubscribe(), publish(), Received("junk"), Established("1")])
def test_frames_before_the_acknowledgement_are_ignored(event: Event) -> None:
    assert run([event], Connection()) == (Connection(), [])


def test_subscribe_asks_with_the_credentials_of_the_frame_and_what_they_sign() -> None:
    connection, (effect,) = run([subscribe("a", "/ns/a/*")], READY)
    assert connection.operations == {"a": Stage.STARTING}
    assert isinstance(effect, Subscribe)
    assert effect.frame == frames.Subscribe(
        "a", Channel(("ns", "a"), wildcard=True), {"host": "h", "x-api-key": "da2-key"}, b'{"channel":"/ns/a/*"}'
    )


def test_subscribe_success_precedes_delivery() -> None:
    connection, effects = run([Established("1")], STARTING)
    assert connection.delivers("1")
    assert effects == [Send('{"type":"subscribe_success","id":"1"}'), Attach("1")]


def test_a_refused_subscription_gets_its_errors_and_frees_the_id() -> None:
    connection, effects = run([SubscriptionRefused("1", DENIED)], STARTING)
    assert connection == READY
    assert sent(effects) == [{"type": "subscribe_error", "id": "1", "errors": list(DENIED)}]
    assert effects[-1] == Release("1")


def test_unsubscribe_ends_delivery_before_it_is_answered() -> None:
    connection, effects = run([unsubscribe()], LIVE)
    assert connection == READY
    assert effects == [Release("1"), Send('{"type":"unsubscribe_success","id":"1"}')]


def test_unsubscribe_of_an_unknown_id() -> None:
    _, effects = run([unsubscribe("x")], READY)
    assert sent(effects) == [
        {"type": "unsubscribe_error", "id": "x", "errors": [entry("UnknownOperationError", "Unknown operation id x")]}
    ]
    assert sent(run([unsubscribe("p")], PUBLISHING)[1])[0]["type"] == "unsubscribe_error"


def test_unsubscribe_while_subscribing_is_answered_after_the_subscription() -> None:
    connection, effects = run([unsubscribe(), Established("1")], STARTING)
    assert connection == READY
    assert [frame["type"] for frame in sent(effects)] == ["subscribe_success", "unsubscribe_success"]
    assert effects[-1] == Release("1")
    connection, effects = run([unsubscribe(), SubscriptionRefused("1", DENIED)], STARTING)
    assert connection == READY
    assert [frame["type"] for frame in sent(effects)] == ["subscribe_error", "unsubscribe_error"]


@pytest.mark.parametrize("again", [subscribe("1"), publish("1")])
def test_an_id_is_taken_while_it_lives(again: Received) -> None:
    connection, effects = run([again], LIVE)
    assert connection == LIVE
    kind = "subscribe_error" if again == subscribe("1") else "publish_error"
    errors = [entry("DuplicatedOperationError", "Duplicated operation with id 1")]
    assert sent(effects) == [{"type": kind, "id": "1", "errors": errors}]


def test_subscriptions_of_a_connection_are_limited_and_publications_do_not_count() -> None:
    limits = AppSyncLimits(subscriptions_per_connection=1)
    connection, effects = run([publish(), subscribe("1"), subscribe("2")], READY, limits)
    assert "2" not in connection.operations
    message = "Max number of 1 subscriptions reached"
    assert sent(effects) == [
        {"type": "subscribe_error", "id": "2", "errors": [entry("MaxSubscriptionsReachedError", message)]}
    ]


def test_unanswered_publications_of_a_connection_are_limited() -> None:
    limits = AppSyncLimits(publications_per_connection=1)
    connection, effects = run([publish("p"), publish("q")], READY, limits)
    assert sent(effects)[0]["errors"] == [entry("LimitExceededError", "Rate limit exceeded")]
    assert sent(run([PublicationDone("p", {}), publish("q")], connection, limits)[1])[0]["type"] == "publish_success"


def test_publish_asks_with_the_credentials_of_the_frame_and_what_they_sign() -> None:
    events = ['{"a":"<ä>"}', "2"]
    _, (effect,) = run([publish("p", "/ns/a", events)], READY)
    assert isinstance(effect, Publish)
    assert (effect.frame.asked.channel, effect.frame.asked.events) == (Channel(("ns", "a")), tuple(events))
    assert effect.frame.signed == '{"channel":"/ns/a","events":["{\\"a\\":\\"<ä>\\"}","2"]}'.encode()


def test_the_answers_to_publish() -> None:
    members = {"successful": [{"identifier": "e", "index": 0}], "failed": []}
    connection, effects = run([PublicationDone("p", members)], PUBLISHING)
    assert connection == READY
    assert sent(effects) == [{"type": "publish_success", "id": "p", **members}]
    _, effects = run([PublicationRefused("p", DENIED)], PUBLISHING)
    assert sent(effects) == [{"type": "publish_error", "id": "p", "errors": list(DENIED)}]
    assert run([PublicationDone("p", members)], READY) == (READY, [])


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        (subscribe("1", "/a b"), "subscribe_error", 'The channel "/a b" is not valid.'),
        (subscribe("1", None), "subscribe_error", "The channel null is not valid."),
        (publish("1", "/ns/*"), "publish_error", 'The channel "/ns/*" is not valid.'),
        (publish("1", events=[]), "publish_error", "events must be a list of at least one JSON text."),
        (publish("1", events="1"), "publish_error", "events must be a list of at least one JSON text."),
        (publish("1", events=["1"] * 6), "publish_error", "A publication has at most 5 events, not 6."),
        (publish("1", events=["1", {}]), "publish_error", "Event 1 must be a JSON text, that is a string."),
        (publish("1", events=["{"]), "publish_error", "Event 0 is not valid JSON."),
        (
            publish("1", events=["1", json.dumps("a" * 245_759)]),
            "publish_error",
            "Event 1 is larger than 245760 bytes.",
        ),
    ],
)
def test_what_cannot_be_asked(event: Received, kind: str, message: str) -> None:
    connection, effects = run([event], READY)
    assert connection == READY
    assert sent(effects) == [{"type": kind, "id": "1", "errors": [entry("BadRequestException", message)]}]


def test_an_event_of_exactly_240_kb() -> None:
    assert isinstance(run([publish(events=[json.dumps("a" * 245_758)])], READY)[1][0], Publish)


@pytest.mark.parametrize("id", ["", "a b", "ä", "a" * 129, None, 1, ["a"], "a.b", "a\n"])
def test_ids(id: object) -> None:
    echoed = {"id": id} if isinstance(id, str) else {}
    for event, kind in ((subscribe(id), "subscribe_error"), (publish(id), "publish_error")):
        (frame,) = sent(run([event], READY)[1])
        assert {name: frame[name] for name in frame if name != "errors"} == {"type": kind, **echoed}
    assert sent(run([unsubscribe(id)], READY)[1])[0]["type"] == "unsubscribe_error"
    assert isinstance(run([subscribe("a-Z_0+" + "a" * 122)], READY)[1][0], Subscribe)


@pytest.mark.parametrize("message", ["", "junk", b"\xff", "[]", "1", "{}", '{"type":"start","id":"x"}', "[" * 100_000])
def test_a_message_the_protocol_does_not_know(message: str | bytes) -> None:
    connection, effects = run([Received(message)], READY)
    assert connection == READY
    (frame,) = sent(effects)
    assert frame["type"] == "error"
    assert frame["errors"] == [entry("UnsupportedOperation", "Operation not supported through the realtime channel")]


def test_a_rejected_connection_is_told_and_closed_when_it_speaks_or_after_a_grace() -> None:
    connection, effects = run([Rejected("no", 401, "UnauthorizedException")])
    errors = [{"errorType": "UnauthorizedException", "message": "no", "errorCode": 401}]
    assert sent(effects) == [{"type": "connection_error", "errors": errors}]
    assert effects[-1] == Arm(TimerName.INIT, NOW + 1)
    for event in (INIT, subscribe(), unsubscribe(), publish(), Received(b""), Due(TimerName.INIT)):
        assert run([event], connection) == (Connection(Phase.CLOSED), [Close(1000, "")])


def test_a_socket_that_never_says_connection_init_is_closed() -> None:
    assert run([Opened(), Due(TimerName.INIT)])[1][-1] == Close(1008, "no connection_init within 15 s")
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
    before, _ = run([subscribe("2"), publish("p")], LIVE)
    assert run([event], before) == (Connection(Phase.CLOSED), [Release("1"), Release("2"), *farewell])


def test_every_phase_hears_of_the_end_and_nothing_leads_out_of_closed() -> None:
    for phase in (Phase.OPENING, Phase.READY, Phase.REFUSED):
        for event in (Lost, ShuttingDown, ApiRemoved):
            assert (phase, event) in TRANSITIONS
    assert not [phase for phase, _ in TRANSITIONS if phase is Phase.CLOSED]


def test_the_frames_of_delivery() -> None:
    text = frames.data_opening("1") + frames.data_ending('{"a":"ä\\n"}')
    assert json.loads(text) == {"type": "data", "id": "1", "event": '{"a":"ä\\n"}'}
    assert json.loads(frames.broadcast_error("1", "m")) == {
        "type": "broadcast_error",
        "id": "1",
        "errors": [entry("MessageProcessingError", "m")],
    }


ids = st.sampled_from(["1", "2", "3"])
events: st.SearchStrategy[Event] = st.one_of(
    st.just(INIT),
    ids.map(subscribe),
    ids.map(unsubscribe),
    ids.map(publish),
    ids.map(Established),
    ids.map(lambda id: SubscriptionRefused(id, DENIED)),
    ids.map(lambda id: PublicationDone(id, {"successful": [], "failed": []})),
    ids.map(lambda id: PublicationRefused(id, DENIED)),
    st.sampled_from([Due(TimerName.KEEP_ALIVE), Due(TimerName.INIT), Due(TimerName.LIFETIME)]),
    st.sampled_from([Lost(), ShuttingDown(), ApiRemoved()]),
    st.text(max_size=20).map(Received),
    st.binary(max_size=20).map(Received),
    st.dictionaries(
        st.sampled_from(["type", "id", "channel", "events", "authorization"]),
        st.none()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["subscribe", "unsubscribe", "publish"])
        | st.lists(st.text(max_size=3), max_size=7),
    ).map(lambda members: Received(json.dumps(members))),
)


@given(st.lists(events, max_size=40), st.booleans())
def test_any_sequence_of_events_keeps_the_promises_of_the_protocol(sequence: list[Event], rejected: bool) -> None:
    """Nothing raises; what is accepted is answered once; attach follows subscribe_success; no frame after the close;
    what is attached is released."""
    limits = AppSyncLimits(subscriptions_per_connection=2, publications_per_connection=1)
    connection = Connection()
    asked: set[str] = set()
    publishing: set[str] = set()
    attached: set[str] = set()
    closed = False
    for event in [Rejected("no", 400) if rejected else Opened(), *sequence]:
        connection, effects = handle(connection, event, NOW, limits)
        for effect in effects:
            assert not closed
            match effect:
                case Subscribe(frame):
                    assert frame.id not in asked | publishing | attached
                    asked.add(frame.id)
                case Publish(frame):
                    assert frame.id not in asked | publishing | attached
                    publishing.add(frame.id)
                case Send(text):
                    said = json.loads(text)
                    answers_subscribe = said["type"] == "subscribe_success" or isinstance(event, SubscriptionRefused)
                    if answers_subscribe and said["type"].startswith("subscribe"):
                        asked.remove(said["id"])
                    if isinstance(event, PublicationDone | PublicationRefused):
                        publishing.remove(said["id"])
                    if said["type"] == "unsubscribe_success":
                        assert said["id"] not in attached
                case Attach(id):
                    assert id not in attached | asked
                    attached.add(id)
                case Release(id):
                    attached.discard(id)
                    asked.discard(id)
                case Close():
                    closed = True
                case Arm(_, at):
                    assert at > NOW
        assert attached == {id for id in ("1", "2", "3") if connection.delivers(id)}
        subscriptions = [stage for stage in connection.operations.values() if stage is not Stage.PUBLISHING]
        assert len(subscriptions) <= 2
        assert len(connection.operations) - len(subscriptions) <= 1
        if connection.phase is Phase.CLOSED:
            assert not connection.operations
            return
