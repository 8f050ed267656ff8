"""Filter patterns: the documented forms, and what is refused by name."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.errors import CallerError
from callpark.logs.patterns.parse import filter_pattern

pytestmark = pytest.mark.unit

LOGGED = json.dumps(
    {
        "level": "ERROR",
        "attempt": 2,
        "ok": False,
        "done": True,
        "none": None,
        "user": {"name": "Ann Lee", "tags": ["a", "b"]},
        "a b": 1,
    }
)


@pytest.mark.parametrize(
    ("pattern", "message", "wanted"),
    [
        ("", "anything", True),
        ("   ", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400] bad request", False),
        ("ERROR memory", "memory: ERROR", True),
        ("ERROR memory", "ERROR", False),
        ("ERROR -retry", "ERROR in pass 2", True),
        ("ERROR -retry", "ERROR in retry", False),
        ("-ERROR", "fine", True),
        ("-ERROR", "ERROR", False),
        ("?ERROR ?WARN", "[WARN] x", True),
        ("?ERROR ?WARN", "[INFO] x", False),
        ('"out of memory"', "process out of memory", True),
        ('"out of memory"', "memory out of", False),
        ('-"out of memory"', "out of memory", False),
        ('?"a-b" ?c', "a-b", True),
        (r'"say \"hi\""', 'say "hi"', True),
        ('"RequestId: 8d7f"', "START RequestId: 8d7f Version: $LATEST\n", True),
        ('"größe"', "größe", True),
    ],
)
def test_terms(pattern: str, message: str, wanted: bool) -> None:
    assert filter_pattern(pattern)(message) is wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ('{ $.level = "ERROR" }', True),
        ('{ $.level != "ERROR" }', False),
        ('{$.level="ERROR"}', True),
        ("{ $.level = ERROR }", True),
        ('{ $.level = "ERR*" }', True),
        ('{ $.level = "*RO*" }', True),
        ('{ $.level = "RO" }', False),
        ("{ $.attempt = 2 }", True),
        ("{ $.attempt > 1 && $.attempt <= 2 }", True),
        ("{ $.attempt > 2 || $.attempt < 2 }", False),
        ("{ $.attempt >= 2.0 }", True),
        ("{ $.attempt != 3 }", True),
        ("{ $.attempt = 2e0 }", True),
        ('{ $.attempt = "2" }', False),
        ("{ $.ok IS FALSE }", True),
        ("{ $.done IS TRUE }", True),
        ("{ $.done is false }", False),
        ("{ $.none IS NULL }", True),
        ("{ $.missing IS NULL }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.level NOT EXISTS }", False),
        ('{ $.user.name = "Ann Lee" }', True),
        ('{ $.user.tags[1] = "b" }', True),
        ('{ $.user.tags[2] = "b" }', False),
        ('{ $["a b"] = 1 }', True),
        ('{ $.missing.deep = "x" }', False),
        ('{ $.missing != "x" }', False),
        ('{ ($.level = "WARN" || $.attempt = 2) && $.done IS TRUE }', True),
        ('{ $.level = "WARN" || $.attempt = 2 && $.done IS FALSE }', False),
    ],
)
def test_json(pattern: str, wanted: bool) -> None:
    assert filter_pattern(pattern)(LOGGED) is wanted
    assert filter_pattern(pattern)("START RequestId: 1") is False
    assert filter_pattern(pattern)("{ not json") is False


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("[ip, user, ...]", "space-delimited"),
        ("%[Ee]rror%", "regular expressions"),
        ("{ $.a = %x% }", "regular expressions"),
        ("?ERROR WARN", 'combination of "?"'),
        ("?ERROR -WARN", 'combination of "?"'),
        ("{ $.ip = 10.0.0.* }", "IP addresses"),
        ("{ $.a[*] = 1 }", "Invalid filter pattern"),
        ("{ $.* = 1 }", "wildcards"),
        ("status=500", "Invalid character(s) in term 'status=500'"),
        ('"open', "Invalid filter pattern"),
        ("{ $.a = }", "Invalid filter pattern"),
        ("{ $.a }", "comparison is missing"),
        ('{ $.a > "x" }', "compares numbers"),
        ("{ $.a = 1", "} is missing"),
        ("{ a = 1 }", "property selector"),
        ("{ $.a = 1 } x", "follows the closing brace"),
        ("{ $.a IS BIG }", "no condition"),
        ("{" + "(" * 100 + "$.a = 1" + ")" * 100 + "}", "nested too deeply"),
    ],
)
def test_what_is_not_served_or_malformed_says_so(pattern: str, told: str) -> None:
    with pytest.raises(CallerError) as refused:
        filter_pattern(pattern)
    assert told in refused.value.message
    assert refused.value.code == "InvalidParameterException"


@given(st.text(alphabet='{}$.[]()"\\&|=!<>?-% ab01ISNULLTRUE*', max_size=60), st.text(max_size=30))
def test_no_pattern_raises_anything_else(pattern: str, message: str) -> None:
    with contextlib.suppress(CallerError):
        filter_pattern(pattern)(message)
