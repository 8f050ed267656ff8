"""Function names, partial ARNs, ARNs and qualifiers, parsed and refused as AWS does. Pure.

Called by `service.py` for every name that a caller gives. Order of refusals: patterns, then a qualifier that
contradicts the ARN's, then another region; whether the function exists is the service's to say.
"""

import re
from dataclasses import dataclass

from callpark.functions import refusals
from callpark.kernel.arn import Place

LATEST = "$LATEST"

NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
NEW_NAME_PATTERN = NAME_PATTERN.replace(r"-_\.", "-_")
NAME_CHARACTERS = 256
NEW_NAME_CHARACTERS = 64
QUALIFIER_CHARACTERS = 128

_REGION, _ACCOUNT, _NAME, _QUALIFIER = 3, 9, 11, 13
_name = re.compile(NAME_PATTERN, re.ASCII)
_new_name = re.compile(NEW_NAME_PATTERN, re.ASCII)
_qualifier = re.compile(QUALIFIER_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """What a caller named. `qualifier` is None where none was given; `account` is the place's unless an ARN says
    another."""

    name: str
    qualifier: str | None
    account: str


def parse(function: str, qualifier: str | None, place: Place) -> FunctionReference:
    """The name and qualifier in `function` and `qualifier`. Raises CallerError in AWS's words."""
    found = _name.fullmatch(function)
    problems = _qualifier_problems(qualifier) + _name_problems(function, found is not None)
    if problems or found is None:
        raise refusals.validation(problems)
    embedded = found[_QUALIFIER]
    if embedded is not None and qualifier is not None and embedded != qualifier:
        raise refusals.invalid_parameter(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    region = (found[_REGION] or "").removesuffix(":")
    if region and region != place.region:
        raise refusals.not_found(f"Functions from '{region}' are not reachable in this region ('{place.region}')")
    account = (found[_ACCOUNT] or "").removesuffix(":")
    return FunctionReference(found[_NAME], embedded if qualifier is None else qualifier, account or place.account)


def parse_new(function: str, place: Place) -> str:
    """The name of a function that is to be created."""
    problems = []
    if _new_name.fullmatch(function) is None:
        problems.append(_pattern_problem(function, NEW_NAME_PATTERN))
    reference = _name.fullmatch(function)
    name = function if reference is None else reference[_NAME]
    if len(name) > NEW_NAME_CHARACTERS:
        problems.append(
            refusals.constraint(function, "functionName", f"have length less than or equal to {NEW_NAME_CHARACTERS}")
        )
    if problems:
        raise refusals.validation(problems)
    return parse(function, None, place).name


def _name_problems(function: str, matches: bool) -> list[str]:
    problems = []
    if not matches:
        problems.append(_pattern_problem(function, NAME_PATTERN))
    if len(function) > NAME_CHARACTERS:
        rule = f"have length less than or equal to {NAME_CHARACTERS}"
        problems.append(refusals.constraint(function, "functionName", rule))
    return problems


def _qualifier_problems(qualifier: str | None) -> list[str]:
    if qualifier is None:
        return []
    problems = []
    if _qualifier.fullmatch(qualifier) is None:
        rule = f"satisfy regular expression pattern: {QUALIFIER_PATTERN}"
        problems.append(refusals.constraint(qualifier, "qualifier", rule))
    if len(qualifier) > QUALIFIER_CHARACTERS:
        rule = f"have length less than or equal to {QUALIFIER_CHARACTERS}"
        problems.append(refusals.constraint(qualifier, "qualifier", rule))
    return problems


def _pattern_problem(function: str, pattern: str) -> str:
    return refusals.constraint(function, "functionName", f"satisfy regular expression pattern: {pattern}")
