"""Amazon Resource Names: parsed into their parts, never decided by substring.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arn:
    """`arn:partition:service:region:account:resource`; the resource may hold colons and slashes."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> "Arn | None":
        """The ARN's parts, or None when `text` is not an ARN."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
            return None
        return cls(*parts[1:])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


@dataclass(frozen=True, slots=True)
class Place:
    """The account and region everything local lives in."""

    account: str = "123456789012"
    region: str = "us-east-1"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def function_name(arn: str) -> str | None:
    """The function's name in a Lambda ARN, without its qualifier; None for anything else."""
    parsed = Arn.parse(arn)
    if parsed is None or parsed.service != "lambda":
        return None
    kind, _, name = parsed.resource.partition(":")
    return name.partition(":")[0] or None if kind == "function" else None
