"""Which line of models.yaml a model id means: pure.

An id may be a model's, an inference profile's (`eu.` and the like before the model's), or the ARN of either. A line may
name any of them, or hold `*`.
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator

_ARN = re.compile(r"arn:[^:]+:bedrock:[^:]*:[^:]*:[^/]+/(.+)")
_PROFILE = re.compile(r"(?:us|us-gov|eu|apac|au|ca|jp|global)\.(.+\..+)")

EVERY = "*"


def meant(model_id: str, lines: Iterable[str]) -> str | None:
    """The line that answers for an id: its own, then that of the model within it, then the pattern that says most
    letters. None when there is none."""
    known = list(lines)
    names = list(_names(model_id))
    for name in names:
        if name in known:
            return name
    fitting = [line for line in known if "*" in line and any(_fits(name, line) for name in names)]
    return max(fitting, key=lambda line: (len(line.replace("*", "")), line), default=None)


def plain(model_id: str) -> str:
    """The model's own id in an ARN or an inference profile's id, else the id itself."""
    return list(_names(model_id))[-1]


def _names(model_id: str) -> Iterator[str]:
    """The id, and the ids it contains."""
    yield model_id
    if (arn := _ARN.fullmatch(model_id)) is not None:
        model_id = arn[1]
        yield model_id
    if (profile := _PROFILE.fullmatch(model_id)) is not None:
        yield profile[1]


def _fits(name: str, line: str) -> bool:
    """`*` stands for anything; nothing else is special."""
    pattern = line.replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(name, pattern)
