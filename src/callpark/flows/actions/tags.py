"""TagContact and UntagContact: up to six tags of the user.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-tagcontact.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, members, required
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, as_text, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Tag:
    action: Action
    tags: Mapping[str, Template]

    def enter(self, turn: Turn) -> Outcome:
        values = {key: value.value(turn.namespace) for key, value in self.tags.items()}
        found = {key: as_text(value) for key, value in values.items() if value is not None}
        tags = {**turn.memory.record.tags, **found}
        if len(tags) > turn.world.limits.contact_tags:
            reason = f"more than {turn.world.limits.contact_tags} tags"
            turn.log(self.action, {}, Results=reason)
            return Failed(NO_MATCHING_ERROR, reason)
        turn.record(tags=tags)
        turn.log(self.action, {"Tags": found})
        return DONE


@dataclass(frozen=True, slots=True)
class Untag:
    action: Action
    keys: frozenset[str]

    def enter(self, turn: Turn) -> Outcome:
        turn.record(tags={key: value for key, value in turn.memory.record.tags.items() if key not in self.keys})
        turn.log(self.action, {"TagKeys": sorted(self.keys)})
        return DONE


def _prepare_tag(action: Action) -> Handlers:
    tags = members(action.parameters, "Tags")
    if not tags:
        raise ParameterProblem("Tags", "is missing", missing="Tags" not in action.parameters)
    return Handlers(Tag(action, {key: template(required(tags, key, "Tags.")) for key in tags}).enter)


def _prepare_untag(action: Action) -> Handlers:
    keys = action.parameters.get("TagKeys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise ParameterProblem("TagKeys", "is a list of keys", missing=keys is None)
    return Handlers(Untag(action, frozenset(keys)).enter)


TAG_CONTACT = ActionType(
    "TagContact",
    _prepare_tag,
    frozenset(("Tags",)),
    required_errors=frozenset(),
    optional_error_edge=True,
    results=NO_RESULT,
)
UNTAG_CONTACT = ActionType(
    "UntagContact",
    _prepare_untag,
    frozenset(("TagKeys",)),
    results=NO_RESULT,
    static=frozenset(("TagKeys",)),
)
