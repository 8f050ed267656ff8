"""What CloudWatch Logs' operations share: names from ARNs, page tokens, lines as AWS shows them. Pure.

Tokens are positions (instant, sequence) in readable form, so that they stay good while lines come and go.
"""

from collections.abc import Mapping, Sequence

from callpark.kernel.arn import Arn
from callpark.logs.model import Line
from callpark.logs.refusals import invalid_parameter

_SEQUENCE_DIGITS = 18


def group_name(parameters: Mapping[str, object]) -> str:
    """From logGroupName, logGroupIdentifier or an ARN. Raises CallerError."""
    name, identifier = parameters.get("logGroupName"), parameters.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise invalid_parameter("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    given = name if name is not None else identifier
    if not isinstance(given, str):
        raise invalid_parameter("Either logGroupName or logGroupIdentifier must be given")
    return group_of(given)


def group_of(name_or_arn: str) -> str:
    """Raises CallerError."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    arn = Arn.parse(name_or_arn)
    if arn is None or arn.service != "logs" or not arn.resource.startswith("log-group:"):
        raise invalid_parameter(f"Invalid ARN: {name_or_arn}")
    return arn.resource.removeprefix("log-group:").removesuffix(":*")


def text(parameters: Mapping[str, object], member: str) -> str | None:
    value = parameters.get(member)
    return value if isinstance(value, str) else None


def number(parameters: Mapping[str, object], member: str) -> int | None:
    value = parameters.get(member)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def texts(parameters: Mapping[str, object], member: str) -> list[str] | None:
    value = parameters.get(member)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    return [str(item) for item in value]


def tags(parameters: Mapping[str, object], member: str = "tags") -> dict[str, str]:
    value = parameters.get(member)
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def event_id(line: Line) -> str:
    """56 digits, as AWS's: the instant, then the sequence."""
    return f"{line.at:038d}{line.sequence:0{_SEQUENCE_DIGITS}d}"


def position_of(digits: str) -> tuple[int, int]:
    """The position that an event id says. Raises CallerError."""
    if len(digits) != 56 or not digits.isascii() or not digits.isdigit():
        raise invalid_parameter("The specified nextToken is invalid.")
    return int(digits[:-_SEQUENCE_DIGITS]), int(digits[-_SEQUENCE_DIGITS:])


def page(names: Sequence[str], token: str | None, limit: int) -> tuple[list[str], str | None]:
    """Of sorted `names`, those after `token`, and the next token: a name."""
    following = [name for name in names if token is None or name > token]
    shown = following[:limit]
    return shown, shown[-1] if len(following) > limit else None
