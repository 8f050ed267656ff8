"""Mistral AI's native bodies: one prompt with `[INST]` marks, or messages; the answer is of the form that was asked in.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-chat-completion.html
"""

from collections.abc import Mapping, Sequence

from callpark.models.asked import MOST_TOKENS, Asked
from callpark.models.bodies import chat_completions
from callpark.models.bodies.family import Chunks, Naming
from callpark.models.bodies.instructions import instructed
from callpark.models.bodies.schema import checked, integer, items, members, number, parsed, text
from callpark.models.completion import Completion, Ended, Step, TextAdded
from callpark.models.documents import Document, integer_of, number_of, string_of, texts_of
from callpark.models.model import Inference, StopReason

SCHEMA = members(
    {
        "prompt": text(at_least=1),
        "max_tokens": integer(1, MOST_TOKENS),
        "stop": items(text(at_least=1), most=10),
        "temperature": number(0, 1),
        "top_p": number(0, 1),
        "top_k": integer(0, 200),
    },
    required=("prompt",),
)

_USUAL_TOKENS = 512
_REASONS: Mapping[StopReason, str] = {"max_tokens": "length", "model_context_window_exceeded": "length"}


class MistralText:
    """Of models that are asked by a prompt."""

    def read(self, body: bytes) -> Asked:
        given = checked(parsed(body), SCHEMA)
        inference = Inference(
            max_tokens=integer_of(given, "max_tokens") or _USUAL_TOKENS,
            temperature=number_of(given, "temperature"),
            top_p=number_of(given, "top_p"),
            top_k=integer_of(given, "top_k"),
            stop_sequences=texts_of(given, "stop"),
        )
        return Asked(instructed(string_of(given, "prompt") or "", inference))

    def answer(self, completion: Completion, naming: Naming) -> Document:
        return _outputs(completion.text, _REASONS.get(completion.reason, "stop"))

    def chunks(self, naming: Naming) -> Chunks:
        def write(step: Step) -> Sequence[Document]:
            match step:
                case TextAdded(_, text):
                    return [_outputs(text, None)]
                case Ended(reason):
                    return [_outputs("", _REASONS.get(reason, "stop"))]
            return ()

        return write


class MistralChat:
    """Of models that are asked by messages; Mistral calls a reason to stop a stop_reason here too."""

    def read(self, body: bytes) -> Asked:
        return chat_completions.read(body)

    def answer(self, completion: Completion, naming: Naming) -> Document:
        return chat_completions.answer(completion, naming, "stop_reason")

    def chunks(self, naming: Naming) -> Chunks:
        return chat_completions.chunks(naming, "stop_reason", "message")


def _outputs(text: str, reason: str | None) -> Document:
    return {"outputs": [{"text": text, "stop_reason": reason}]}
