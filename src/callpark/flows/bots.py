"""A Lex bot as far as callpark has one: which intent some words mean, and what a Lex V2 code hook is asked and answers.
Pure; called by `actions/lex.py`.

https://docs.aws.amazon.com/lexv2/latest/dg/lambda-input-format.html
https://docs.aws.amazon.com/lexv2/latest/dg/lambda-response-format.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from callpark.flows.declared import Bot
from callpark.flows.references import as_text


@dataclass(frozen=True, slots=True)
class Understood:
    """An intent with its slots as plain text. `score`: 1 for a declared phrase, None for the fallback."""

    intent: str
    slots: Mapping[str, object]
    score: float | None


def understand(bot: Bot, text: str) -> Understood:
    """The first intent one of whose phrases is among the words; keys are matched whole."""
    words = " ".join(text.casefold().split())
    for intent in bot.intents:
        for phrase in intent.phrases:
            wanted = " ".join(phrase.casefold().split())
            if wanted == words or (wanted and not wanted.isdecimal() and f" {wanted} " in f" {words} "):
                return Understood(intent.name, dict(intent.slots), 1.0)
    return Understood(bot.fallback, {}, None)


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What a code hook wants: `close` with the intent, or `listen` again. `messages` are said first."""

    kind: Literal["close", "listen"]
    intent: str
    slots: Mapping[str, object]
    session: Mapping[str, str]
    messages: Sequence[str]
    state: str


class BadHookAnswer(ValueError):
    """The code hook's answer is not Lex's; the message is for the flow log."""


def hook_event(
    bot: Bot, understood: Understood, text: str, *, session_id: str, session: Mapping[str, str], keys: bool
) -> Mapping[str, object]:
    """The Lex V2 event for one utterance."""
    slots = {name: _slot(value) for name, value in understood.slots.items()}
    intent = {"name": understood.intent, "slots": slots, "state": "InProgress", "confirmationState": "None"}
    interpretation: dict[str, object] = {"intent": intent, "interpretationSource": "Lex"}
    if understood.score is not None:
        interpretation["nluConfidence"] = understood.score
    return {
        "messageVersion": "1.0",
        "invocationSource": "DialogCodeHook",
        "inputMode": "DTMF" if keys else "Speech",
        "responseContentType": "text/plain; charset=utf-8",
        "sessionId": session_id,
        "inputTranscript": text,
        "bot": {
            "id": bot.id or bot.name,
            "name": bot.name,
            "aliasId": "TSTALIASID",
            "localeId": "en_US",
            "version": "1",
        },
        "interpretations": [interpretation],
        "proposedNextState": {"dialogAction": {"type": "Close"}, "intent": intent},
        "sessionState": {"sessionAttributes": dict(session), "activeContexts": [], "intent": intent},
        "requestAttributes": {},
        "transcriptions": [{"transcription": text, "transcriptionConfidence": 1.0}],
    }


def read_hook_answer(value: object) -> HookAnswer:
    """Raises BadHookAnswer."""
    state = value.get("sessionState") if isinstance(value, dict) else None
    action = state.get("dialogAction") if isinstance(state, dict) else None
    kind = action.get("type") if isinstance(action, dict) else None
    if not isinstance(value, dict) or not isinstance(state, dict) or not isinstance(kind, str):
        raise BadHookAnswer("the code hook's answer has no sessionState.dialogAction.type")
    if kind not in ("Close", "Delegate", "ElicitIntent", "ElicitSlot", "ConfirmIntent"):
        raise BadHookAnswer(f"the code hook's answer has an unknown dialogAction: {kind!r}")
    intent = state.get("intent")
    name = intent.get("name") if isinstance(intent, dict) else None
    if kind in ("Close", "Delegate") and not isinstance(name, str):
        raise BadHookAnswer("the code hook's answer closes without an intent")
    slots = intent.get("slots") if isinstance(intent, dict) else None
    attributes = state.get("sessionAttributes")
    messages = value.get("messages")
    return HookAnswer(
        kind="close" if kind in ("Close", "Delegate") else "listen",
        intent=name if isinstance(name, str) else "",
        slots={key: _plain(slot) for key, slot in slots.items()} if isinstance(slots, dict) else {},
        session={key: as_text(item) for key, item in attributes.items()} if isinstance(attributes, dict) else {},
        messages=[
            as_text(item.get("content"))
            for item in (messages if isinstance(messages, list) else [])
            if isinstance(item, dict) and item.get("content")
        ],
        state=as_text(intent.get("state")) if isinstance(intent, dict) else "",
    )


def lex_namespace(
    understood: Understood, session: Mapping[str, str], state: str = "ReadyForFulfillment"
) -> Mapping[str, object]:
    """`$.Lex` afterwards."""
    return {
        "IntentName": understood.intent,
        "IntentConfidence": {"Score": None if understood.score is None else str(understood.score)},
        "Slots": understood.slots,
        "SessionAttributes": session,
        "DialogState": state,
    }


def _slot(value: object) -> Mapping[str, object]:
    text = as_text(value)
    return {"shape": "Scalar", "value": {"originalValue": text, "interpretedValue": text, "resolvedValues": [text]}}


def _plain(slot: object) -> object:
    value = slot.get("value") if isinstance(slot, dict) else None
    return value.get("interpretedValue") if isinstance(value, dict) else slot if isinstance(slot, str) else None
