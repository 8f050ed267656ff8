"""A limit that nothing reads would be accepted on the command line and ignored."""

import dataclasses
import re
from pathlib import Path

import pytest

import callpark
from callpark.kernel.limits import Limits

pytestmark = pytest.mark.unit


def test_every_limit_is_read_somewhere() -> None:
    package = Path(callpark.__file__).parent
    stated = package / "kernel" / "limits"
    sources = "\n".join(path.read_text() for path in package.rglob("*.py") if stated not in path.parents)
    read = set(re.findall(r"\.(\w+)\b", sources))
    families = [getattr(Limits(), family.name) for family in dataclasses.fields(Limits)]
    unread = [member.name for family in families for member in dataclasses.fields(family) if member.name not in read]
    assert unread == []
