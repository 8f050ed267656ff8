"""Values of the legacy format in the flow language: a name and its namespace become a reference. Pure.

https://docs.aws.amazon.com/connect/latest/adminguide/connect-attrib-list.html
"""

import re
from collections.abc import Mapping

from callpark.flows.legacy.document import Module, Parameter, Unconvertible, plain

_SYSTEM: Mapping[str, str] = {
    "agent arn": "$.Agent.ARN",
    "agent first name": "$.Agent.FirstName",
    "agent last name": "$.Agent.LastName",
    "agent user name": "$.Agent.UserName",
    "aws region": "$.AwsRegion",
    "channel": "$.Channel",
    "contact id": "$.ContactId",
    "customer number": "$.CustomerEndpoint.Address",
    "dialed number": "$.SystemEndpoint.Address",
    "initial contact id": "$.InitialContactId",
    "initiation method": "$.InitiationMethod",
    "instance arn": "$.InstanceARN",
    "language": "$.LanguageCode",
    "previous contact id": "$.PreviousContactId",
    "queue arn": "$.Queue.ARN",
    "queue name": "$.Queue.Name",
    "queue outbound number": "$.Queue.OutboundCallerId.Address",
    "stored customer input": "$.StoredCustomerInput",
    "text to speech voice": "$.TextToSpeechVoiceId",
}
"""System attributes by the name that the console shows for them."""

_OPERATORS: Mapping[str, str] = {
    "Equals": "Equals",
    "Contains": "TextContains",
    "StartsWith": "TextStartsWith",
    "GreaterThan": "NumberGreaterThan",
    "GreaterOrEqualTo": "NumberGreaterOrEqualTo",
    "GreaterThanOrEqualTo": "NumberGreaterOrEqualTo",
    "LessThan": "NumberLessThan",
    "LessOrEqualTo": "NumberLessOrEqualTo",
    "LessThanOrEqualTo": "NumberLessOrEqualTo",
}

_DOTTED = re.compile(r"[\w-]+")


def reference(namespace: str, name: str) -> str:
    """A reference by the console's words. Raises Unconvertible for words it does not know."""
    if namespace == "System":
        found = _SYSTEM.get(name.lower())
        if found is None:
            raise Unconvertible(f"the system attribute {name!r} is not known")
        return found
    start = {"User Defined": "$.Attributes", "External": "$.External"}.get(namespace)
    if start is None:
        raise Unconvertible(f"attributes of type {namespace!r} are not known")
    parts = name.split(".") if namespace == "External" else [name]
    return start + "".join(f".{part}" if _DOTTED.fullmatch(part) else f"['{part}']" for part in parts)


def value_of(parameter: Parameter) -> str:
    """A parameter's value: itself, or the reference that it names."""
    text = plain(parameter.value)
    return text if parameter.namespace is None else reference(parameter.namespace, text)


def needed(module: Module, *names: str) -> str:
    """The first of these parameters that is there. Raises Unconvertible without any."""
    for name in names:
        parameter = module.one(name)
        if parameter is not None and parameter.value not in (None, ""):
            return value_of(parameter)
    told = module.one(names[0])
    named = f" ({told.resource!r} is only a name, write its id there)" if told is not None and told.resource else ""
    raise Unconvertible(f"the parameter {names[0]} is empty or missing{named}")


def operator(name: str) -> str:
    found = _OPERATORS.get(name)
    if found is None:
        raise Unconvertible(f"the comparison {name!r} is not known")
    return found
