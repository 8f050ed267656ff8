"""UpdateContactMediaStreamingBehavior and UpdateContactMediaProcessing.

Live media streaming works once `media_streams:` names a prefix for its streams: `$.MediaStreams` is filled as functions
expect it, and no audio is sent anywhere. A chat's message processor is kept and not called (warning).

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontactmediastreamingbehavior.html
https://docs.aws.amazon.com/connect/latest/adminguide/chat-message-processing.html
"""

from dataclasses import dataclass

from callpark.flows.actions.recording import CHANNEL_MISMATCH
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, choice, flag, members, required
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Streaming:
    action: Action
    enabled: bool

    def enter(self, turn: Turn) -> Outcome:
        prefix = turn.world.resources.media_streams
        turn.log(self.action, {"MediaStreamingState": "Enabled" if self.enabled else "Disabled"})
        if prefix is None:
            turn.warn("live media streaming is off: name its streams with `media_streams:` in connect.yaml")
            return Failed(NO_MATCHING_ERROR, "live media streaming is not enabled")
        now = str(round(turn.now * 1000))
        if self.enabled:
            audio = {
                "StreamARN": f"{prefix}-contact-{turn.party.contact_id}",
                "StartTimestamp": now,
                "StopTimestamp": None,
                "StartFragmentNumber": "1",
            }
        else:
            audio = {**_audio(turn), "StopTimestamp": now}
        turn.find("MediaStreams", {"Customer": {"Audio": audio}})
        return DONE


def _audio(turn: Turn) -> dict[str, str | None]:
    streams = turn.memory.found.get("MediaStreams")
    customer = streams.get("Customer") if isinstance(streams, dict) else None
    audio = customer.get("Audio") if isinstance(customer, dict) else None
    return audio if isinstance(audio, dict) else {}


@dataclass(frozen=True, slots=True)
class Processing:
    action: Action
    processor: str | None

    def enter(self, turn: Turn) -> Outcome:
        if turn.party.channel != "CHAT":
            turn.log(self.action, {}, Results=CHANNEL_MISMATCH)
            return Failed(CHANNEL_MISMATCH, f"messages are processed on chat, this is {turn.party.channel}")
        turn.warn("the message processor is kept and not called")
        turn.keep_setting("ChatProcessor", self.processor)
        turn.log(self.action, {})
        return DONE


def _prepare_streaming(action: Action) -> Handlers:
    parameters = action.parameters
    enabled = choice(parameters, "MediaStreamingState", ("Enabled", "Disabled")) == "Enabled"
    choice(parameters, "MediaStreamType", ("Audio",), "Audio")
    participants = parameters.get("Participants", [])
    for item in participants if isinstance(participants, list) else [None]:
        directions = item.get("MediaDirections") if isinstance(item, dict) else None
        customer = isinstance(item, dict) and item.get("ParticipantType") == "Customer"
        if not customer or not isinstance(directions, list) or not set(map(str, directions)) <= {"To", "From"}:
            raise ParameterProblem("Participants", "holds {ParticipantType: Customer, MediaDirections: [To, From]}")
    return Handlers(Streaming(action, enabled).enter)


def _prepare_processing(action: Action) -> Handlers:
    processor = members(action.parameters, "ChatProcessor")
    path = "ChatProcessor."
    if not processor:
        raise ParameterProblem("ChatProcessor", "is missing", missing=True)
    settings = members(processor, "ChatProcessorSettings", path)
    if not settings:
        raise ParameterProblem(path + "ChatProcessorSettings", "is missing", missing=True)
    flag(settings, "DeliverUnprocessedMessages", path + "ChatProcessorSettings.")
    enabled = flag(processor, "ProcessingEnabled", path)
    return Handlers(Processing(action, required(processor, "LambdaProcessorARN", path) if enabled else None).enter)


UPDATE_CONTACT_MEDIA_STREAMING_BEHAVIOR = ActionType(
    "UpdateContactMediaStreamingBehavior",
    _prepare_streaming,
    frozenset(("MediaStreamingState", "Participants", "MediaStreamType")),
    results=NO_RESULT,
    static=frozenset(("MediaStreamingState", "MediaStreamType")),
)
UPDATE_CONTACT_MEDIA_PROCESSING = ActionType(
    "UpdateContactMediaProcessing",
    _prepare_processing,
    frozenset(("ChatProcessor",)),
    errors=frozenset((NO_MATCHING_ERROR, CHANNEL_MISMATCH)),
    required_errors=frozenset((NO_MATCHING_ERROR, CHANNEL_MISMATCH)),
    results=NO_RESULT,
    static=frozenset(("ChatProcessor",)),
)
