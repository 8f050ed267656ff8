"""Variables that do not fit, in AppSync's (graphql-java's) words. Pure; called by `documents.py`."""

import re

from callpark.graphql.messages import ErrorEntry
from callpark.graphql.validation import problem_at
from graphql import GraphQLError

_MISSING = re.compile(r"Variable '\$(\w+)' of required type '(.+)' was not provided")
_NULL = re.compile(r"Variable '\$(\w+)' of non-null type '(.+)' must not be null")
_UNDEFINED_MEMBER = re.compile(
    r"Variable '\$\w+' got invalid value .*; Field '(\w+)' is not defined by type '(\w+)'", re.S
)
_MISSING_MEMBER = re.compile(
    r"Variable '\$(\w+)' got invalid value .*; Field '(\w+)' of required type '(.+)' was not", re.S
)
_OTHER = re.compile(r"Variable '\$(\w+)' got invalid value .*?; (.*)", re.S)


def variable_problem(error: GraphQLError) -> ErrorEntry:
    """One entry of `errors` for what graphql-core found wrong with a variable."""
    return problem_at(error, _worded(error.message))


def _worded(message: str) -> str:
    if match := _MISSING.match(message) or _NULL.match(message):
        return f"Variable '{match[1]}' has coerced Null value for NonNull type '{match[2]}'"
    if match := _UNDEFINED_MEMBER.match(message):
        return (
            f"The variables input contains a field name '{match[1]}' that is not defined for input object type "
            f"'{match[2]}' "
        )
    if match := _MISSING_MEMBER.match(message):
        return f"Field '{match[2]}' of variable '{match[1]}' has coerced Null value for NonNull type '{match[3]}'"
    if match := _OTHER.match(message):
        return f"Variable '{match[1]}' has an invalid value. {match[2]}"
    return message
