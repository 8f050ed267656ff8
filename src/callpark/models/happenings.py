"""What this slice tells the trace. Read by metrics and the CLI."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelInvoked:
    """The model `subject` answered, or the request for it failed with `error`, an exception's name, after `seconds` of
    the clock. Tokens as far as they are known; `first_token_seconds` of streams. `operation` is Bedrock's."""

    subject: str
    request_id: str
    operation: str
    seconds: float
    input_tokens: int = 0
    output_tokens: int = 0
    first_token_seconds: float | None = None
    error: str | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class GenerationAbandoned:
    """The client of a request to the model `subject` left before the answer was complete."""

    subject: str
    request_id: str
    operation: str
    seconds: float
