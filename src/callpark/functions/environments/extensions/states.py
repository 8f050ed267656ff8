"""What an extension may ask next, one table, and how the platform refuses. Pure.

`registry.py` calls `extension_move`. States and refusals as in AWS's Runtime Interface Emulator (lambda.md §12); the
texts of the messages are ours where AWS's are not known.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from collections.abc import Mapping
from enum import Enum

from callpark.functions.environments.lifecycle import Refusal

#: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html: "You can register up to 10 extensions".
MOST_EXTENSIONS = 10


class ExtensionPhase(Enum):
    """Where an extension stands; the values are shown in refusals and in the log."""

    STARTED = "Started"
    REGISTERED = "Registered"
    READY = "Ready"
    RUNNING = "Running"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"


_P = ExtensionPhase

#: (phase, phase asked for) → phase entered. Asking for Ready is `GET event/next`.
EXTENSION_TRANSITIONS: Mapping[tuple[ExtensionPhase, ExtensionPhase], ExtensionPhase] = {
    (_P.STARTED, _P.REGISTERED): _P.REGISTERED,
    (_P.REGISTERED, _P.READY): _P.READY,
    (_P.READY, _P.READY): _P.READY,
    (_P.READY, _P.RUNNING): _P.RUNNING,
    (_P.RUNNING, _P.READY): _P.READY,
    (_P.REGISTERED, _P.INIT_ERROR): _P.INIT_ERROR,
    (_P.REGISTERED, _P.EXIT_ERROR): _P.EXIT_ERROR,
    (_P.READY, _P.EXIT_ERROR): _P.EXIT_ERROR,
    (_P.RUNNING, _P.EXIT_ERROR): _P.EXIT_ERROR,
}


def extension_move(name: str, phase: ExtensionPhase, wanted: ExtensionPhase) -> ExtensionPhase | Refusal:
    """The phase entered, or AWS's 403."""
    entered = EXTENSION_TRANSITIONS.get((phase, wanted))
    if entered is not None:
        return entered
    return Refusal(
        403,
        "Extension.InvalidExtensionState",
        f"State transition from {phase.value} to {wanted.value} failed for extension {name}. "
        "Error: State transition is not allowed",
    )


INVALID_NAME = Refusal(403, "Extension.InvalidExtensionName", "Empty extension name")
REGISTRATION_CLOSED = Refusal(403, "Extension.RegistrationClosed", "Extension registration closed already")
MISSING_IDENTIFIER = Refusal(403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
INVALID_IDENTIFIER = Refusal(403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
TOO_MANY = Refusal(403, "Extension.TooManyExtensions", f"Extension limit ({MOST_EXTENSIONS}) reached")
MISSING_ERROR_TYPE = Refusal(403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
INVALID_FORMAT = Refusal(403, "InvalidRequestFormat", "The request's body is not of the expected form")


def unknown_identifier(identifier: str) -> Refusal:
    return Refusal(403, "Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")


def invalid_event(event: str, name: str) -> Refusal:
    return Refusal(403, "Extension.InvalidEventType", f"{event}: the extension {name} cannot register for this event")
