"""ConnectParticipantWithLexBot: a bot listens, the intent it understands decides.

The bot is declared in connect.yaml: a table of intents, or a Lex V2 code hook (or both). The participant answers with
words, or with keys ended by # or a pause. A bot that nobody declares takes the error branch (our rule O10).

https://docs.aws.amazon.com/connect/latest/devguide/participant-actions-connectparticipantwithlexbot.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import orjson

from callpark.flows.actions.prompt import PARAMETERS, PromptTemplate, read_prompt
from callpark.flows.bots import (
    BadHookAnswer,
    HookAnswer,
    Understood,
    hook_event,
    lex_namespace,
    read_hook_answer,
    understand,
)
from callpark.flows.contact import Conversing, Invocation
from callpark.flows.declared import Bot
from callpark.flows.effects import StartFunction
from callpark.flows.events import Event, KeyPressed, Spoke, TimerFired
from callpark.flows.happenings import FunctionStarted
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, members, number, required
from callpark.flows.program import (
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    PARKED,
    ActionType,
    Failed,
    Handlers,
    Outcome,
    Result,
    Results,
)
from callpark.flows.prompts import BadPrompt, Prompt
from callpark.flows.references import Template, as_text, template
from callpark.flows.resources import look_up
from callpark.flows.turn import FUNCTION, INPUT, PROMPT, Turn
from callpark.flows.world import Refusal

TIME_LIMIT = "InputTimeLimitExceeded"


@dataclass(frozen=True, slots=True)
class Lex:
    action: Action
    prompt: PromptTemplate | None
    bot: Template
    attributes: Mapping[str, Template]
    initial_message: Template | None
    chat_limit: Template | None = None

    def enter(self, turn: Turn) -> Outcome:
        bot = self._bot(turn)
        if bot is None:
            reference = self.bot.text(turn.namespace)
            turn.warn(f"there is no bot {reference!r}: declare its intents under `bots:` in connect.yaml")
            return self._fail(turn, NO_MATCHING_ERROR, f"there is no bot {reference!r}")
        session = {key: value.text(turn.namespace) for key, value in self.attributes.items()}
        if self.initial_message is not None:
            message = self.initial_message.value(turn.namespace)
            if message is None:
                return self._fail(turn, NO_MATCHING_ERROR, "there is no initial message")
            turn.activity = Conversing(session=session)
            return self._take(turn, bot, as_text(message), keys=False)
        try:
            seconds = 0.0 if self.prompt is None else turn.say(self.prompt.resolve(turn.namespace)).seconds
        except BadPrompt as problem:
            return self._fail(turn, NO_MATCHING_ERROR, str(problem))
        return self._listen(turn, Conversing(session=session), seconds)

    def resume(self, turn: Turn, event: Event) -> Outcome:
        activity = turn.activity
        assert isinstance(activity, Conversing)
        bot = self._bot(turn)
        if bot is None:
            return self._fail(turn, NO_MATCHING_ERROR, "the bot is gone")
        if activity.invocation_id is not None:
            return self._hook_returned(turn, activity, activity.invocation_id)
        if isinstance(event, Spoke):
            return self._take(turn, bot, event.text, keys=False)
        if isinstance(event, KeyPressed):
            return self._key(turn, bot, activity, event.key)
        assert isinstance(event, TimerFired)
        if event.name == PROMPT:
            turn.arm(INPUT, turn.now + turn.world.limits.bot_silence_seconds)
            return PARKED
        if activity.digits:
            return self._take(turn, bot, activity.digits, keys=True)
        turn.end_keys("", TIME_LIMIT)
        return self._fail(turn, TIME_LIMIT, "nobody said anything in time")

    def _listen(self, turn: Turn, activity: Conversing, seconds_of_prompt: float) -> Outcome:
        turn.activity = activity
        turn.want_words(seconds_of_prompt)
        if not turn.armed(PROMPT):
            turn.arm(INPUT, turn.now + self._patience(turn))
        return PARKED

    def _patience(self, turn: Turn) -> float:
        """How long the bot waits for words: seconds on the telephone, LexTimeoutSeconds in a chat."""
        if turn.party.channel == "VOICE":
            return turn.world.limits.bot_silence_seconds
        seconds = None if self.chat_limit is None else number(self.chat_limit.text(turn.namespace))
        return turn.world.limits.chat_bot_seconds if seconds is None else seconds

    def _key(self, turn: Turn, bot: Bot, activity: Conversing, key: str) -> Outcome:
        """`#` ends the keys, `*` deletes them, a pause ends them too."""
        turn.hush()
        if key == "#" and activity.digits:
            return self._take(turn, bot, activity.digits, keys=True)
        digits = "" if key == "*" else activity.digits + key
        turn.activity = msgspec.structs.replace(activity, digits=digits)
        turn.arm(INPUT, turn.now + turn.world.limits.bot_digits_seconds)
        return PARKED

    def _take(self, turn: Turn, bot: Bot, text: str, *, keys: bool) -> Outcome:
        activity = turn.activity
        assert isinstance(activity, Conversing)
        turn.hush()
        turn.end_keys(text, "said")
        understood = understand(bot, text)
        if bot.function is None:
            return self._understood(turn, understood, activity.session)
        event = hook_event(bot, understood, text, session_id=turn.party.contact_id, session=activity.session, keys=keys)
        return self._ask_hook(turn, bot.function, activity, understood, event)

    def _ask_hook(
        self, turn: Turn, name: str, activity: Conversing, understood: Understood, event: Mapping[str, object]
    ) -> Outcome:
        function = turn.world.bot_function(name)
        if isinstance(function, Refusal):
            return self._fail(turn, NO_MATCHING_ERROR, function.reason)
        seconds = turn.world.limits.bot_function_seconds
        invocation = Invocation(
            id=turn.new_invocation_id(),
            function_arn=function,
            started_at=turn.now,
            deadline=turn.now + seconds,
            asynchronous=False,
            validation="JSON",
            payload=orjson.dumps(event),
        )
        turn.keep(invocation)
        turn.arm(FUNCTION + invocation.id, invocation.deadline)
        turn.effects.append(StartFunction(invocation.id, function, function, invocation.payload, invocation.deadline))
        turn.effects.append(FunctionStarted(turn.subject, invocation.id, function, False, seconds))
        turn.activity = Conversing(
            invocation_id=invocation.id, session=activity.session, intent=understood.intent, slots=understood.slots
        )
        return PARKED

    def _hook_returned(self, turn: Turn, activity: Conversing, invocation_id: str) -> Outcome:
        invocation = turn.invocations[invocation_id]
        turn.activity = None
        turn.forget(invocation)
        if invocation.state != "succeeded":
            return self._fail(turn, NO_MATCHING_ERROR, f"{invocation.function_arn}: {invocation.reason}")
        try:
            answer = read_hook_answer(invocation.result)
        except BadHookAnswer as problem:
            return self._fail(turn, NO_MATCHING_ERROR, str(problem))
        if answer.kind == "close":
            understood = Understood(answer.intent, answer.slots, None)
            self._say(turn, answer)
            return self._understood(turn, understood, answer.session, answer.state)
        seconds = self._say(turn, answer)
        return self._listen(turn, Conversing(session=answer.session), seconds)

    def _say(self, turn: Turn, answer: HookAnswer) -> float:
        """What the hook wants said; a closing message is not waited for (our rule)."""
        text = " ".join(answer.messages)
        if not text:
            return 0.0
        try:
            seconds = turn.say(Prompt("text", text)).seconds
        except BadPrompt:
            return 0.0
        if answer.kind == "close":
            turn.disarm(PROMPT)
        return seconds

    def _understood(
        self, turn: Turn, understood: Understood, session: Mapping[str, str], state: str = "ReadyForFulfillment"
    ) -> Outcome:
        turn.activity = None
        turn.find("Lex", lex_namespace(understood, session, state))
        turn.log(self.action, {"BotAlias": self.bot.text(turn.namespace)}, Results=understood.intent)
        return Result(understood.intent)

    def _bot(self, turn: Turn) -> Bot | None:
        return look_up(turn.world.resources.bots, self.bot.text(turn.namespace))

    def _fail(self, turn: Turn, error: str, reason: str) -> Outcome:
        turn.activity = None
        turn.log(self.action, {}, Results=reason)
        return Failed(error, reason)


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    initial = members(parameters, "LexInitializationData")
    prompt = read_prompt(parameters)
    if prompt is None and not initial:
        raise ParameterProblem("Text", "one of Text, SSML, PromptId, Media is needed", missing=True)
    attributes = members(parameters, "LexSessionAttributes")
    waits = members(parameters, "LexTimeoutSeconds")
    lex = Lex(
        action,
        prompt,
        _read_bot(parameters),
        {key: template(required(attributes, key, "LexSessionAttributes.")) for key in attributes},
        template(required(initial, "InitialMessage", "LexInitializationData.")) if initial else None,
        template(required(waits, "Text", "LexTimeoutSeconds.")) if waits else None,
    )
    return Handlers(lex.enter, lex.resume)


def _read_bot(parameters: Mapping[str, object]) -> Template:
    """Lex V2 by the ARN of its alias, Lex V1 by its name."""
    if ("LexV2Bot" in parameters) == ("LexBot" in parameters):
        raise ParameterProblem("LexV2Bot", "one of LexV2Bot and LexBot is needed", missing="LexBot" not in parameters)
    if "LexV2Bot" in parameters:
        return template(required(members(parameters, "LexV2Bot"), "AliasArn", "LexV2Bot."))
    return template(required(members(parameters, "LexBot"), "Name", "LexBot."))


CONNECT_PARTICIPANT_WITH_LEX_BOT = ActionType(
    "ConnectParticipantWithLexBot",
    _prepare,
    PARAMETERS | {"LexV2Bot", "LexBot", "LexSessionAttributes", "LexInitializationData", "LexTimeoutSeconds"},
    errors=frozenset((NO_MATCHING_CONDITION, NO_MATCHING_ERROR, TIME_LIMIT)),
    required_errors=frozenset((NO_MATCHING_CONDITION, NO_MATCHING_ERROR)),
    results=Results(),
)
