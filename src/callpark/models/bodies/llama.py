"""Meta Llama's native body: one prompt, with the roles written into it in the way of Llama 3 or of Llama 2.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
"""

import re
from collections.abc import Mapping, Sequence

from callpark.models.asked import Asked
from callpark.models.bodies.family import Chunks, Naming
from callpark.models.bodies.instructions import instructed
from callpark.models.bodies.schema import integer, members, number, read, text
from callpark.models.completion import Begun, Completion, Ended, Step, TextAdded
from callpark.models.documents import Document, integer_of, number_of, string_of
from callpark.models.model import GenerationRequest, Inference, Message, StopReason, Text

_USUAL_TOKENS = 512

SCHEMA = members(
    {
        "prompt": text(at_least=1),
        "temperature": number(0, 1),
        "top_p": number(0, 1),
        "max_gen_len": integer(1, 8192),
    },
    required=("prompt",),
)

_TURN = re.compile(
    r"<\|start_header_id\|>\s*(system|user|assistant)\s*<\|end_header_id\|>(.*?)(?=<\|start_header_id\|>|\Z)", re.DOTALL
)
_MARKS = re.compile(r"<\|(?:begin_of_text|eot_id|end_of_text|eom_id)\|>")

_REASONS: Mapping[StopReason, str] = {"max_tokens": "length", "model_context_window_exceeded": "length"}


class Llama:
    def read(self, body: bytes) -> Asked:
        given = read(body, SCHEMA)
        inference = Inference(
            max_tokens=integer_of(given, "max_gen_len") or _USUAL_TOKENS,
            temperature=number_of(given, "temperature"),
            top_p=number_of(given, "top_p"),
        )
        return Asked(conversation(string_of(given, "prompt") or "", inference))

    def answer(self, completion: Completion, naming: Naming) -> Document:
        usage = completion.usage
        return _chunk(completion.text, usage.input_tokens, usage.output_tokens, _reason(completion.reason))

    def chunks(self, naming: Naming) -> Chunks:
        """The prompt's tokens are said once; of what is written each chunk says how much it is so far."""
        input_tokens: int | None = None
        said = 0

        def write(step: Step) -> Sequence[Document]:
            nonlocal input_tokens, said
            match step:
                case Begun(tokens):
                    input_tokens = tokens or None
                case TextAdded(_, text):
                    said += 1
                    first, input_tokens = input_tokens, None
                    return [_chunk(text, first, said, None)]
                case Ended(reason, usage):
                    first = usage.input_tokens if said == 0 else None
                    return [_chunk("", first, usage.output_tokens, _reason(reason))]
            return ()

        return write


def conversation(prompt: str, inference: Inference) -> GenerationRequest:
    """The turns that a prompt's marks tell apart; a prompt without any is text to go on with."""
    turns = [(role, _MARKS.sub("", said).strip()) for role, said in _TURN.findall(prompt)]
    if not turns:
        return instructed(_MARKS.sub("", prompt), inference)
    system = tuple(said for role, said in turns if role == "system" and said)
    messages = tuple(
        Message("user" if role == "user" else "assistant", (Text(said),))
        for role, said in turns
        if role != "system" and said
    )
    if not messages:
        return GenerationRequest(prompt=prompt, inference=inference)
    return GenerationRequest(messages, system, inference)


def _reason(reason: StopReason) -> str:
    return _REASONS.get(reason, "stop")


def _chunk(generation: str, input_tokens: int | None, output_tokens: int, reason: str | None) -> Document:
    return {
        "generation": generation,
        "prompt_token_count": input_tokens,
        "generation_token_count": output_tokens,
        "stop_reason": reason,
    }
