"""Prompts that carry their roles as `[INST] … [/INST]`, as Llama 2 and Mistral have them. Pure.

Used by `llama.py` and `mistral.py`.
"""

import re

from callpark.models.model import GenerationRequest, Inference, Message, Text

_TURN = re.compile(r"\[INST\](.*?)(?:\[/INST\]|\Z)(.*?)(?=\[INST\]|\Z)", re.DOTALL)
_SYSTEM = re.compile(r"<<SYS>>((?:(?!<<SYS>>).)*?)<</SYS>>", re.DOTALL)
_SENTENCE = re.compile(r"</?s>")


def instructed(prompt: str, inference: Inference) -> GenerationRequest:
    """The conversation in a prompt; one without instructions is text to go on with."""
    plain = _SENTENCE.sub("", prompt)
    messages: list[Message] = []
    for asked, answered in _TURN.findall(plain):
        texts = (("user", _SYSTEM.sub("", asked).strip()), ("assistant", answered.strip()))
        messages += [Message("user" if role == "user" else "assistant", (Text(said),)) for role, said in texts if said]
    if not messages:
        return GenerationRequest(prompt=prompt, inference=inference)
    system = tuple(said for found in _SYSTEM.findall(plain) if (said := found.strip()))
    return GenerationRequest(tuple(messages), system, inference)
