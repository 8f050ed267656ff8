"""Amazon Titan Text's native body.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from callpark.models.asked import MOST_TOKENS, Asked
from callpark.models.bodies.family import Chunks, Naming
from callpark.models.bodies.schema import integer, items, members, number, read, text
from callpark.models.completion import Begun, Completion, Ended, Step, TextAdded
from callpark.models.documents import Document, integer_of, number_of, object_of, string_of, texts_of
from callpark.models.model import GenerationRequest, Inference, Message, StopReason, Text

SCHEMA = members(
    {
        "inputText": text(at_least=1),
        "textGenerationConfig": members(
            {
                "temperature": number(0, 1),
                "topP": number(0, 1),
                "maxTokenCount": integer(0, MOST_TOKENS),
                "stopSequences": items(text(at_least=1)),
            }
        ),
    },
    required=("inputText",),
)

_REASONS: Mapping[StopReason, str] = {
    "end_turn": "FINISH",
    "tool_use": "FINISH",
    "max_tokens": "LENGTH",
    "stop_sequence": "STOP_CRITERIA_MET",
    "content_filtered": "CONTENT_FILTERED",
    "model_context_window_exceeded": "LENGTH",
    "malformed_tool_use": "FINISH",
}

_TURN = re.compile(r"^(User|Bot):[ \t]?", re.MULTILINE)


class TitanText:
    def read(self, body: bytes) -> Asked:
        given = read(body, SCHEMA)
        configuration = object_of(given, "textGenerationConfig")
        inference = Inference(
            max_tokens=integer_of(configuration, "maxTokenCount") or None,
            temperature=number_of(configuration, "temperature"),
            top_p=number_of(configuration, "topP"),
            stop_sequences=texts_of(configuration, "stopSequences"),
        )
        return Asked(GenerationRequest(conversation(string_of(given, "inputText") or ""), inference=inference))

    def answer(self, completion: Completion, naming: Naming) -> Document:
        result = {
            "tokenCount": completion.usage.output_tokens,
            "outputText": completion.text,
            "completionReason": _REASONS[completion.reason],
        }
        return {"inputTextTokenCount": completion.usage.input_tokens, "results": [result]}

    def chunks(self, naming: Naming) -> Chunks:
        input_tokens: int | None = None

        def write(step: Step) -> Sequence[Document]:
            nonlocal input_tokens
            match step:
                case Begun(tokens):
                    input_tokens = tokens or None
                case TextAdded(_, text):
                    return [_chunk(text, input_tokens)]
                case Ended(reason, usage):
                    return [_chunk("", usage.input_tokens, usage.output_tokens, _REASONS[reason])]
            return ()

        return write


def conversation(prompt: str) -> tuple[Message, ...]:
    """`User: …\\nBot:` as the turns that it stands for; other text is one question."""
    marks = [*_TURN.finditer(prompt)]
    if not marks or prompt[: marks[0].start()].strip() or marks[0][1] != "User":
        return (Message("user", (Text(prompt),)),)
    ends = [mark.start() for mark in marks[1:]] + [len(prompt)]
    turns = [(mark[1], prompt[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)]
    if turns[-1] == ("Bot", ""):
        turns.pop()
    if any(not said for _, said in turns) or any(one[0] == other[0] for one, other in pairwise(turns)):
        return (Message("user", (Text(prompt),)),)
    return tuple(Message("user" if who == "User" else "assistant", (Text(said),)) for who, said in turns)


def _chunk(output: str, input_tokens: int | None, total: int | None = None, reason: str | None = None) -> Document:
    return {
        "outputText": output,
        "index": 0,
        "totalOutputTextTokenCount": total,
        "completionReason": reason,
        "inputTextTokenCount": input_tokens,
    }
