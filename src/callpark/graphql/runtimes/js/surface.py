"""What code finds in its scope: the globals, the members of `util` and of the modules. Tables, without behaviour.

Used at load to name what does not exist; a test holds them to what the engine offers.
https://docs.aws.amazon.com/appsync/latest/devguide/built-in-util-js.html, …/built-in-modules-js.html
"""

from dataclasses import dataclass

UTILS = "@aws-appsync/utils"
DYNAMODB = "@aws-appsync/utils/dynamodb"
RDS = "@aws-appsync/utils/rds"
AI = "@aws-appsync/utils/ai"

_GLOBALS = (
    "Object Array String Number Boolean Math JSON Date NaN Infinity undefined isNaN isFinite parseInt parseFloat "
    "encodeURIComponent decodeURIComponent encodeURI decodeURI util runtime extensions console"
)
GLOBALS = frozenset(_GLOBALS.split())

DOCUMENTED = {
    "Object": frozenset(("assign", "entries", "hasOwn", "keys", "values")),
    "Number": frozenset(("isFinite", "isNaN")),
    "Math": frozenset(("random", "min", "max", "round", "floor", "ceil")),
    "JSON": frozenset(("parse", "stringify")),
}
"""https://docs.aws.amazon.com/appsync/latest/devguide/supported-features.html"""


@dataclass(frozen=True, slots=True)
class Surface:
    """`type` is how TypeScript names it in messages."""

    type: str
    members: frozenset[str]


def _surface(name: str, members: str) -> Surface:
    return Surface(name, frozenset(members.split()))


_UTIL = _surface(
    "Util",
    "appendError authType autoId autoKsuid autoUlid base64Decode base64Encode error escapeJavaScript matches "
    "unauthorized urlDecode urlEncode dynamodb http math rds str time transform xml",
)
_RUNTIME = _surface("Runtime", "earlyReturn")
_EXTENSIONS = _surface(
    "Extensions", "evictFromApiCache invalidateSubscriptions setSubscriptionFilter setSubscriptionInvalidationFilter"
)
NAMESPACES = {"util": _UTIL, "runtime": _RUNTIME, "extensions": _EXTENSIONS}
MODULES = {
    UTILS: _surface(f'typeof import("{UTILS}")', "util runtime extensions"),
    DYNAMODB: _surface(
        f'typeof import("{DYNAMODB}")',
        "get put update remove query scan sync batchGet batchPut batchDelete transactGet transactWrite operations "
        "toStringSet toNumberSet toBinarySet",
    ),
    RDS: _surface(
        f'typeof import("{RDS}")',
        "select insert update remove sql createPgStatement createMySQLStatement toJsonObject typeHint agg",
    ),
    AI: _surface(f'typeof import("{AI}")', "invokeModel converse"),
}
