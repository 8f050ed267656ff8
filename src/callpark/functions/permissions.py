"""Whether a resource policy lets an AWS service invoke a function. Pure; asked by `policies.py` for Amazon Connect.

AWS refuses whatever no statement allows. The console and AssociateLambdaFunction write the statement that Connect
needs, so here a service that no statement names may invoke: our rule. A policy that names it is taken at its word.
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html; conditions:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from callpark.kernel.arn import Arn

_ACTIONS = frozenset({"lambda:invokefunction", "lambda:*", "*"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A service (`connect.amazonaws.com`) that acts for a resource of an account."""

    service: str
    source_arn: str

    def context(self) -> Mapping[str, str]:
        """The condition keys that a request of a service has, in lower case."""
        arn = Arn.parse(self.source_arn)
        return {"aws:sourcearn": self.source_arn, "aws:sourceaccount": "" if arn is None else arn.account}


def permits(statements: Iterable[Mapping[str, object]], caller: Caller) -> bool:
    """Whether one of the statements about invoking allows it, or none of them names the service."""
    named = False
    for statement in statements:
        if str(statement.get("Action", "")).lower() not in _ACTIONS:
            continue
        principal = statement.get("Principal")
        names = principal == {"Service": caller.service}
        named = named or names
        if (names or principal in ("*", {"AWS": "*"})) and _holds(statement.get("Condition"), caller.context()):
            return True
    return not named


def _holds(conditions: object, context: Mapping[str, str]) -> bool:
    """All conditions must hold; a key that the request does not have holds for nothing."""
    if not isinstance(conditions, Mapping):
        return True
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            value = context.get(key.lower())
            if value is None or not _compares(operator, wanted, value):
                return False
    return True


def _compares(operator: str, wanted: str, value: str) -> bool:
    match operator:
        case "StringEquals":
            return wanted == value
        case "ArnLike" | "ArnEquals":
            return _pattern(wanted).fullmatch(value) is not None
    return False


@lru_cache(maxsize=256)
def _pattern(wanted: str) -> re.Pattern[str]:
    """`*` and `?` within each of an ARN's six parts; the sixth may hold colons."""
    parts = wanted.split(":", 5)
    return re.compile(":".join(_part(part, last=number == 5) for number, part in enumerate(parts)), re.DOTALL)


def _part(part: str, last: bool) -> str:
    any_one = "." if last else "[^:]"
    return "".join({"*": f"{any_one}*", "?": any_one}.get(letter, re.escape(letter)) for letter in part)
