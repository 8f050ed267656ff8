"""Bodies read and answers written, as the tests of all families do it."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from callpark.kernel.errors import CallerError
from callpark.models.asked import Asked
from callpark.models.bodies.family import Naming, TextFamily
from callpark.models.completion import Steps, completed
from callpark.models.model import Part

NAMING = Naming("some.model-v1:0", "0123456789abcdef01234567", 1_700_000_000)


def read(family: TextFamily, **body: object) -> Asked:
    return family.read(orjson.dumps(body))


def refusal(family: Any, **body: object) -> str:
    with pytest.raises(CallerError) as refused:
        family.read(orjson.dumps(body))
    assert (refused.value.code, refused.value.status) == ("ValidationException", 400)
    return refused.value.message


def malformed(problem: str) -> str:
    return f"Malformed input request: {problem}, please reformat your input and try again."


def answered(family: TextFamily, parts: Sequence[Part]) -> Any:
    """The whole answer as a client reads it."""
    return orjson.loads(orjson.dumps(family.answer(completed(parts), NAMING)))


def streamed(family: TextFamily, parts: Sequence[Part]) -> list[Any]:
    """The chunks as a client reads them."""
    steps, chunks = Steps(), family.chunks(NAMING)
    found = [chunk for part in parts for step in steps.after(part) for chunk in chunks(step)]
    return [orjson.loads(orjson.dumps(chunk)) for chunk in found]
