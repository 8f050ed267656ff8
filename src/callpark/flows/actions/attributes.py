"""UpdateContactAttributes and UpdateFlowAttributes: all keys are set or none, 32 KB in all.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontactattributes.html
https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-updateflowattributes.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.effects import SetAttributes
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, choice, members, scalar
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, as_text, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class UpdateContactAttributes:
    action: Action
    attributes: tuple[tuple[Template, Template], ...]
    related: bool

    def enter(self, turn: Turn) -> Outcome:
        if self.related:
            return self._update_related(turn)
        merged = _merge(turn, turn.memory.attributes, self.attributes)
        if merged is None:
            return Failed(NO_MATCHING_ERROR, f"more than {turn.world.limits.attributes_bytes} bytes of attributes")
        turn.remember(attributes=merged)
        _log(turn, self.action, self.attributes)
        return DONE

    def _update_related(self, turn: Turn) -> Outcome:
        """The contact in RelatedContactId (our rule O14). It is told, and may have ended meanwhile."""
        related = turn.party.related_contact_id
        if related is None:
            return Failed(NO_MATCHING_ERROR, "there is no related contact")
        merged = _merge(turn, {}, self.attributes)
        if merged is None:
            return Failed(NO_MATCHING_ERROR, f"more than {turn.world.limits.attributes_bytes} bytes of attributes")
        turn.effects.append(SetAttributes(related, merged))
        _log(turn, self.action, self.attributes)
        return DONE


def set_attributes(turn: Turn, attributes: Mapping[str, str]) -> None:
    """Attributes that come from elsewhere: all of them, or none when that is too much."""
    merged = {**turn.memory.attributes, **attributes}
    if _size(merged) <= turn.world.limits.attributes_bytes:
        turn.remember(attributes=merged)
    else:
        turn.warn(
            f"more than {turn.world.limits.attributes_bytes} bytes of attributes; those set from elsewhere are lost"
        )


@dataclass(frozen=True, slots=True)
class UpdateFlowAttributes:
    action: Action
    attributes: tuple[tuple[Template, Template], ...]

    def enter(self, turn: Turn) -> Outcome:
        merged = _merge(turn, turn.memory.flow_attributes, self.attributes)
        if merged is None:
            return Failed(NO_MATCHING_ERROR, f"more than {turn.world.limits.attributes_bytes} bytes of attributes")
        turn.remember(flow_attributes=merged)
        _log(turn, self.action, self.attributes)
        return DONE


def _merge(
    turn: Turn, present: Mapping[str, str], wanted: tuple[tuple[Template, Template], ...]
) -> Mapping[str, str] | None:
    """What is there with what is set, None when that is too much. An attribute whose value is undefined is left out."""
    found = {key.text(turn.namespace): value.value(turn.namespace) for key, value in wanted}
    merged = {**present, **{key: as_text(value) for key, value in found.items() if value is not None}}
    return merged if _size(merged) <= turn.world.limits.attributes_bytes else None


def _size(attributes: Mapping[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())


def _log(turn: Turn, action: Action, attributes: tuple[tuple[Template, Template], ...]) -> None:
    if turn.memory.logging:
        for key, value in attributes:
            turn.log(action, {"Key": key.text(turn.namespace), "Value": value.text(turn.namespace)})


def _prepare_contact(action: Action) -> Handlers:
    attributes = members(action.parameters, "Attributes")
    if "Attributes" not in action.parameters:
        raise ParameterProblem("Attributes", "is missing", missing=True)
    pairs = tuple((template(key), _text(attributes, key, "Attributes.")) for key in attributes)
    related = choice(action.parameters, "TargetContact", ("Current", "Related"), "Current") == "Related"
    return Handlers(UpdateContactAttributes(action, pairs, related).enter)


def _prepare_flow(action: Action) -> Handlers:
    attributes = members(action.parameters, "FlowAttributes")
    if "FlowAttributes" not in action.parameters:
        raise ParameterProblem("FlowAttributes", "is missing", missing=True)
    path = "FlowAttributes."
    pairs = tuple(
        (template(key), _text(members(attributes, key, path), "Value", f"{path}{key}.")) for key in attributes
    )
    return Handlers(UpdateFlowAttributes(action, pairs).enter)


def _text(parameters: Mapping[str, object], key: str, path: str) -> Template:
    value = scalar(parameters, key, path)
    if value is None:
        raise ParameterProblem(path + key, "is missing", missing=True)
    return template(value)


UPDATE_CONTACT_ATTRIBUTES = ActionType(
    "UpdateContactAttributes",
    _prepare_contact,
    frozenset(("Attributes", "TargetContact")),
    results=NO_RESULT,
    static=frozenset(("TargetContact",)),
)
UPDATE_FLOW_ATTRIBUTES = ActionType(
    "UpdateFlowAttributes", _prepare_flow, frozenset(("FlowAttributes",)), results=NO_RESULT
)
