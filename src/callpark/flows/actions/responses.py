"""What a function's answer must look like for a flow to take it. Pure.

https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html
"""

import orjson

from callpark.flows.contact import Validation
from callpark.flows.nesting import deeper_than
from callpark.flows.references import as_text
from callpark.kernel.limits import ConnectLimits


class InvalidResponse(ValueError):
    """The answer does not validate; the message is for the flow log."""


def read_response(payload: bytes, validation: Validation, limits: ConnectLimits) -> object:
    """The value that `$.External` gets. Raises InvalidResponse: too large, not JSON, or not what the flow asked for."""
    if len(payload) > limits.function_response_bytes:
        raise InvalidResponse(f"the response has {len(payload)} bytes, more than {limits.function_response_bytes}")
    try:
        value: object = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise InvalidResponse(f"the response is not JSON: {error}") from None
    if validation == "JSON":
        if deeper_than(value, limits.function_response_depth):
            raise InvalidResponse(f"the response is nested deeper than {limits.function_response_depth} levels")
        return value
    if not isinstance(value, dict):
        raise InvalidResponse("the response is not an object")
    nested = [key for key, item in value.items() if isinstance(item, dict | list)]
    if nested:
        raise InvalidResponse(f"the response is no map of strings: {nested[0]!r} is nested")
    if validation == "STRING_MAP":
        others = [key for key, item in value.items() if not isinstance(item, str)]
        if others:
            raise InvalidResponse(f"the response is no map of strings: {others[0]!r} is not text")
        return value
    return {key: None if item is None else as_text(item) for key, item in value.items()}
