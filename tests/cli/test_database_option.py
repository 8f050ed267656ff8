"""`--database` and `CALLPARK_DATABASES`: clusters and the databases that stand for them."""

import pytest

from callpark.cli import options
from callpark.kernel.errors import ProjectError

pytestmark = pytest.mark.unit


def test_what_the_command_line_says_comes_after_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLPARK_DATABASES", "a=sqlite:///a.db, b=sqlite:///b.db")
    said = ["b=postgresql://u:p@h/b?x=1", "arn:aws:rds:us-east-1:1:cluster:c=sqlite:///c.db"]
    assert options.databases(said) == {
        "a": "sqlite:///a.db",
        "b": "postgresql://u:p@h/b?x=1",
        "arn:aws:rds:us-east-1:1:cluster:c": "sqlite:///c.db",
    }


def test_nothing_said_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLPARK_DATABASES", raising=False)
    assert options.databases(None) == {}


@pytest.mark.parametrize("said", ["books", "=sqlite:///x", ""])
def test_what_is_no_assignment(said: str) -> None:
    with pytest.raises(ProjectError, match="not a database"):
        options.databases([said])
