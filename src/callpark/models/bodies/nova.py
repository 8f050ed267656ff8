"""Amazon Nova's native body: Converse's, but for the names of a few parameters.

https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
"""

from collections.abc import Mapping, Sequence

from callpark.models.asked import MOST_TOKENS, Asked
from callpark.models.bodies.family import Chunks, Naming
from callpark.models.bodies.schema import anything, integer, items, members, number, one_of, read, record, text
from callpark.models.completion import Completion, Ended, Step
from callpark.models.converse import reading, writing
from callpark.models.documents import Document, object_of
from callpark.models.model import Usage

#: Another spelling → ours, which is Converse's.
_SPELLINGS: Mapping[str, str] = {
    "max_new_tokens": "maxTokens",
    "maxTokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "topP": "topP",
    "stopSequences": "stopSequences",
}
_TOP_K = ("top_k", "topK")

_CONTENT = members(
    {
        "text": text(),
        "image": record,
        "video": record,
        "document": record,
        "audio": record,
        "cachePoint": record,
        "reasoningContent": record,
        "toolUse": members(
            {"toolUseId": text(at_least=1), "name": text(at_least=1), "input": anything},
            required=("toolUseId", "name", "input"),
        ),
        "toolResult": members(
            {
                "toolUseId": text(at_least=1),
                "content": items(members({"text": text(), "json": anything, "image": record, "document": record})),
                "status": one_of("success", "error"),
            },
            required=("toolUseId", "content"),
        ),
    }
)
_MESSAGE = members({"role": one_of("user", "assistant"), "content": items(_CONTENT)}, required=("role", "content"))
_SPECIFICATION = members(
    {
        "name": text(at_least=1),
        "description": text(at_least=1),
        "inputSchema": members({"json": record}, required=("json",)),
    },
    required=("name", "inputSchema"),
)
_TOOLS = members(
    {
        "tools": items(members({"toolSpec": _SPECIFICATION, "cachePoint": record, "systemTool": record}), least=1),
        "toolChoice": members(
            {"auto": record, "any": record, "tool": members({"name": text(at_least=1)}, required=("name",))}
        ),
    },
    required=("tools",),
)
SCHEMA = members(
    {
        "schemaVersion": one_of("messages-v1"),
        "system": items(members({"text": text(at_least=1), "cachePoint": record})),
        "messages": items(_MESSAGE),
        "inferenceConfig": members(
            {
                "maxTokens": integer(1, MOST_TOKENS),
                "max_new_tokens": integer(1, MOST_TOKENS),
                "temperature": number(0, 1),
                "topP": number(0, 1),
                "top_p": number(0, 1),
                "topK": integer(0, MOST_TOKENS),
                "top_k": integer(0, MOST_TOKENS),
                "stopSequences": items(text(at_least=1)),
                "reasoningConfig": record,
            }
        ),
        "toolConfig": _TOOLS,
    },
    required=("messages",),
)


class Nova:
    def read(self, body: bytes) -> Asked:
        given = dict(read(body, SCHEMA))
        inference = object_of(given, "inferenceConfig")
        given["inferenceConfig"] = {ours: inference[name] for name, ours in _SPELLINGS.items() if name in inference}
        further = {name: inference[name] for name in (*_TOP_K, "reasoningConfig") if name in inference}
        given["additionalModelRequestFields"] = {"inferenceConfig": further}
        return reading.read(given)

    def answer(self, completion: Completion, naming: Naming) -> Document:
        return {
            "output": {
                "message": {"role": "assistant", "content": [writing.block(each) for each in completion.content]}
            },
            "stopReason": completion.reason,
            "usage": _usage(completion.usage),
        }

    def chunks(self, naming: Naming) -> Chunks:
        def write(step: Step) -> Sequence[Document]:
            found: list[Document] = [{name: _present(event)} for name, event in writing.events(step, None)]
            if isinstance(step, Ended):
                found.append({"metadata": {"usage": _usage(step.usage), "metrics": {}, "trace": {}}})
            return found

        return write


def _usage(usage: Usage) -> Document:
    return writing.usage(usage) | {"cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0}


def _present(event: Document) -> Document:
    return {name: value for name, value in event.items() if value is not None}
