"""What a Lambda authorizer is asked and what its answer means. Pure.

Carried out by `lambda_authorizer.py`.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from callpark.graphql.auth.approach import Approach
from callpark.graphql.auth.verdict import NOT_AUTHORIZED, Authorized, Refusal

MODE = "AWS_LAMBDA"
_FIELD = re.compile(
    r"(?:arn:[^:]*:appsync:[^:]*:[^:]*:apis/(?P<api>[^/]+)/types/)?(?P<type>\w+)(?:\.|/fields/)(?P<field>\w+)"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """`ttl` in seconds: how long the same token gets the same verdict; `flaw`: what is wrong with the answer."""

    verdict: Authorized | Refusal
    ttl: float = 0.0
    flaw: str | None = None


def event(approach: Approach, api_id: str, account: str) -> bytes:
    """What the function receives."""
    return orjson.dumps(
        {
            "authorizationToken": approach.authorization,
            "requestContext": approach.request_context(api_id, account),
            "requestHeaders": dict(approach.credentials),
        }
    )


def decide(
    payload: bytes,
    api_id: str,
    default_ttl: int,
    context_bytes: int,
    cached_bytes: int,
    context_member: str = "resolverContext",
) -> Decision:
    """The function's answer as a verdict. Whatever is no clear yes is a no. `context_member` is what handlers see."""
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return Decision(NOT_AUTHORIZED, flaw="its answer is not JSON")
    if not isinstance(answer, dict) or answer.get("isAuthorized") not in (True, False):
        return Decision(NOT_AUTHORIZED, flaw="its answer has no isAuthorized")
    context = answer.get(context_member) or {}
    if not isinstance(context, dict) or any(isinstance(value, dict | list) for value in context.values()):
        return Decision(NOT_AUTHORIZED, flaw=f"its {context_member} is not a flat object")
    if len(orjson.dumps(context)) > context_bytes:
        return Decision(NOT_AUTHORIZED, flaw=f"its {context_member} is larger than {context_bytes} bytes")
    ttl = _ttl(answer, default_ttl) if len(payload) < cached_bytes else 0.0
    if answer["isAuthorized"] is not True:
        return Decision(NOT_AUTHORIZED, ttl)
    denied, flaw = _denied(answer.get("deniedFields"), api_id)
    return Decision(Authorized(MODE, {context_member: context}, denied), ttl, flaw)


def _ttl(answer: Mapping[str, object], default: int) -> float:
    override = answer.get("ttlOverride")
    given = isinstance(override, int | float) and not isinstance(override, bool)
    return max(0.0, float(override)) if given and isinstance(override, int | float) else float(default)


def _denied(listed: object, api_id: str) -> tuple[frozenset[str], str | None]:
    """As "Type.field". What cannot be read denies nothing, and is told."""
    if listed is None:
        return frozenset(), None
    found, unread = set(), []
    for each in listed if isinstance(listed, list) else [listed]:
        match = _FIELD.fullmatch(each) if isinstance(each, str) else None
        if match is None:
            unread.append(str(each)[:80])
        elif match["api"] in (None, api_id):
            found.add(f"{match['type']}.{match['field']}")
    return frozenset(found), f"deniedFields {', '.join(unread)} name no field" if unread else None
