"""AWSDate, AWSTime, AWSDateTime, AWSTimestamp. https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html"""

import datetime
import re

from callpark.graphql.scalars.rule import ScalarRule, shown, text_rule
from graphql import GraphQLError, IntValueNode, ValueNode

_DATE = r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
_TIME = r"(?P<hour>\d{2}):(?P<minute>\d{2})(:(?P<second>\d{2})(\.\d{1,9})?)?"
_OFFSET = r"(Z|(?P<sign>[+-])(?P<oh>\d{2}):(?P<om>\d{2})(:(?P<os>\d{2}))?)"
_AWS_DATE = re.compile(f"{_DATE}{_OFFSET}?", re.ASCII)
_AWS_TIME = re.compile(f"{_TIME}{_OFFSET}?", re.ASCII)
_AWS_DATE_TIME = re.compile(f"{_DATE}T{_TIME}{_OFFSET}", re.ASCII)
_LARGEST_OFFSET_SECONDS = 18 * 3600
"""java.time.ZoneOffset goes to ±18:00."""


def _real(match: "re.Match[str] | None") -> bool:
    if match is None:
        return False
    parts = {name: int(text) for name, text in match.groupdict(default="0").items() if name != "sign"}
    if parts.get("hour", 0) > 23 or parts.get("minute", 0) > 59 or parts.get("second", 0) > 59:
        return False
    if parts["om"] > 59 or parts["os"] > 59:
        return False
    if parts["oh"] * 3600 + parts["om"] * 60 + parts["os"] > _LARGEST_OFFSET_SECONDS:
        return False
    if "year" in parts:
        try:
            datetime.date(parts["year"], parts["month"], parts["day"])
        except ValueError:
            return False
    return True


def _seconds(value: object) -> object:
    if isinstance(value, bool):
        raise GraphQLError(f"Unable to parse `{value}` as a valid AWSTimestamp.")
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise GraphQLError(f"Unable to parse `{shown(value)}` as a valid AWSTimestamp.")


def _seconds_literal(node: ValueNode) -> object:
    if isinstance(node, IntValueNode):
        return int(node.value)
    raise GraphQLError(f"Unable to parse `{shown(node)}` as a valid AWSTimestamp.")


AWS_DATE = text_rule("AWSDate", lambda text: _real(_AWS_DATE.fullmatch(text)))
AWS_TIME = text_rule("AWSTime", lambda text: _real(_AWS_TIME.fullmatch(text)))
AWS_DATE_TIME = text_rule("AWSDateTime", lambda text: _real(_AWS_DATE_TIME.fullmatch(text)))
AWS_TIMESTAMP = ScalarRule(_seconds, _seconds_literal, _seconds)
