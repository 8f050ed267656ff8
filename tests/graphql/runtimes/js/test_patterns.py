"""Java's regular expressions, as `util.matches`, `replace` and `replaceAll` take them."""
# ruff: noqa: E501 - tables read better unbroken

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_hostile import run, unchecked
from tests.graphql.runtimes.js.test_util_table import call

pytestmark = pytest.mark.unit

MATCHES = [
    ("a*b", "aaaaab", True),
    ("a|ab", "ab", True),
    ("b", "abc", False),
    ("", "", True),
    ("[a-z&&[^bc]]+", "ad", True),
    ("[a-z&&[^bc]]+", "ab", False),
    ("[a-c[x-z]]+", "ay", True),
    ("[^a-c]+", "xyz", True),
    ("[]a]+", "]a", True),
    ("[a-]+", "a-", True),
    ("[\\w.-]+@[\\w.-]+", "a.b-c@d.e", True),
    ("\\Qa.b*\\E+", "a.b**", True),
    ("\\p{Alpha}+\\p{Digit}", "ab1", True),
    ("\\p{Punct}+", "!-~", True),
    ("\\P{Upper}+", "ab", True),
    ("\\p{L}+", "éß", True),
    ("\\p{Lu}\\pL", "Éé", True),
    ("\\p{IsAlphabetic}+\\p{IsLatin}", "éa", True),
    ("[\\p{L}\\d]+", "é1", True),
    ("\\Aab\\z", "ab", True),
    ("\\h+\\v", " \t\n", True),
    ("\\R", "\r\n", True),
    ("\\s", "\u00a0", False),
    ("(?i)abc", "ABC", True),
    ("a(?i)b(?-i)c", "aBc", True),
    ("a(?i)b(?-i)c", "aBC", False),
    ("(a(?i)b)c", "aBC", False),
    ("(?i:a)b", "Ab", True),
    ("(?s).", "\n", True),
    (".", "\n", False),
    ("(?<year>\\d{4})-\\k<year>", "2020-2020", True),
    ("(a)(b)\\2\\1", "abba", True),
    ("(?=a)a(?!c)b", "ab", True),
    ("(?<!b)a{1,2}?", "aa", True),
    ("\\x41\\u0042\\x{43}\\0104", "ABCD", True),
    ("\\-\\/\\@\\\"\\:", '-/@":', True),
    ("a}]", "a}]", True),
    ("^\\d{3}-\\d{4}$", "555-1234", True),
    ("&&", "&&", True),
    ("\\t\\n\\e", "\t\n\x1b", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "data", "expected"), MATCHES, ids=[pattern for pattern, _, _ in MATCHES])
async def test_matches(host: JavaScriptHost, pattern: str, data: str, expected: bool) -> None:
    evaluation = await run(unchecked(host, call("matches", (pattern, data))))
    assert evaluation.halt is None
    assert evaluation.value is expected


BROKEN = [
    ("(", "Unclosed group"), (")", "Unmatched closing"), ("[a", "Unclosed character class"), ("a{", "Illegal repetition"),
    ("\\", "backslash"), ("\\y", "Illegal/unsupported escape sequence"), ("(?>a)", "atomic groups are not supported"),
    ("a*+", "possessive quantifiers are not supported"), ("(?x)a", "the flag x is not supported"), ("\\p{InGreek}", "is not supported"),
    ("\\p{", "Unclosed character family"), ("(?~a)", "Unknown inline modifier"), ("*a", "nothing to repeat"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "why"), BROKEN)
async def test_what_is_no_pattern_or_not_supported_is_refused(host: JavaScriptHost, pattern: str, why: str) -> None:
    halt = (await run(unchecked(host, call("matches", (pattern, "a"))))).halt
    assert halt is not None
    assert why in str(halt["message"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a.b.c'.replace('.', '-')", "-.b.c"),
        ("'a.b.c'.replaceAll('\\\\.', '-')", "a-b-c"),
        ("'John Smith'.replace('(\\\\w+) (\\\\w+)', '$2 $1')", "Smith John"),
        ("'x1y22'.replaceAll('\\\\d+', '')", "xy"),
        ("'aXbX'.replaceAll('(?i)x', '')", "ab"),
        ("'a1'.match('[a-z](\\\\d)')[1]", "1"),
    ],
)
async def test_replacing(host: JavaScriptHost, expression: str, expected: str) -> None:
    assert (await run(unchecked(host, f"return {expression};"))).value == expected
