"""The prompt parameters that several actions share: exactly one of Text, SSML, PromptId and Media."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from callpark.flows.parameters import ParameterProblem, members, required
from callpark.flows.prompts import BadPrompt, Prompt
from callpark.flows.references import Namespace, Template, template

PARAMETERS = frozenset(("Text", "SSML", "PromptId", "Media"))


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt before its references are resolved."""

    kind: Literal["text", "ssml", "recording"]
    template: Template

    def resolve(self, namespace: Namespace) -> Prompt:
        """Raises BadPrompt when the recording is named by a reference that holds nothing."""
        if self.kind == "recording":
            recording = self.template.text(namespace)
            if not recording:
                raise BadPrompt(f"no recording: {self.template.source} holds nothing")
            return Prompt("recording", recording)
        if self.kind == "ssml":
            return Prompt("ssml", self.template.xml(namespace))
        return Prompt("text", self.template.text(namespace))


def read_prompt(parameters: Mapping[str, object]) -> PromptTemplate | None:
    """The prompt of an action, None when it has none. `<speak>` in Text is SSML, as older flows have it."""
    given = sorted(PARAMETERS & parameters.keys())
    if not given:
        return None
    if len(given) > 1:
        raise ParameterProblem(given[1], f"only one of {', '.join(given)} may be given")
    if given == ["Media"]:
        return PromptTemplate("recording", template(required(members(parameters, "Media"), "Uri", "Media.")))
    source = required(parameters, given[0])
    if given == ["PromptId"]:
        return PromptTemplate("recording", template(source))
    spoken_markup = given == ["SSML"] or source.lstrip().startswith("<speak")
    return PromptTemplate("ssml" if spoken_markup else "text", template(source))
