"""Action types that a published flow may contain and that callpark does not carry out: NoMatchingError, a log entry and
one warning say so (our rule for §3.6). Their parameters are not checked: AWS documents few of them.

https://docs.aws.amazon.com/connect/latest/adminguide/contact-block-definitions.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.program import NO_MATCHING_ERROR, ActionType, Failed, Handlers, Outcome
from callpark.flows.turn import Turn

NOT_SUPPORTED = "not supported by callpark"


@dataclass(frozen=True, slots=True)
class Unsupported:
    action: Action

    def enter(self, turn: Turn) -> Outcome:
        turn.warn(f"{self.action.type} is {NOT_SUPPORTED}; the error branch is taken")
        turn.log(self.action, {}, Results=NOT_SUPPORTED)
        return Failed(NO_MATCHING_ERROR, f"{self.action.type} is {NOT_SUPPORTED}")


_ERRORS: Mapping[str, tuple[str, ...]] = {
    "AuthenticateParticipant": ("TimeLimitExceeded",),
    "CheckSegmentMembership": (),
    "ConnectParticipantWithAgenticCX": (),
    "CreateContact": (),
    "LoadContactContent": (),
    "RenderMessageTemplate": ("TemplateRenderingError",),
    "RouteContactToAgent": (),
    "StartOutboundChatContact": (),
    "StartOutboundEmailContact": (),
}

UNSUPPORTED = tuple(
    ActionType(
        name,
        lambda action: Handlers(Unsupported(action).enter),
        parameters=None,
        errors=frozenset((NO_MATCHING_ERROR, *errors)),
        required_errors=frozenset((NO_MATCHING_ERROR,)),
    )
    for name, errors in _ERRORS.items()
)
