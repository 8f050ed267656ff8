"""Resource policies: who may invoke what. Reached as `Functions.policies`; called by `api/policies.py`.

Statements are kept and shown as AWS shows them. callpark has no identities to check them against; services it knows:
`permits` says whether Amazon Connect may invoke a function (`permissions.py`). https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from callpark.functions import names, refusals
from callpark.functions.model import Function, LayerVersion, Policy
from callpark.functions.permissions import Caller, permits
from callpark.functions.registrar import Registrar, check_revision
from callpark.kernel.limits import LambdaLimits

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?|edgelambda\.amazonaws\.com", re.ASCII)
_PRINCIPAL = re.compile(r"arn:aws[a-zA-Z-]*:(iam|sts)::([0-9]{12}):.+", re.ASCII)
_GONE = "The resource you requested does not exist."
_NO_POLICY = "No policy is associated with the given resource."


@dataclass(frozen=True, slots=True)
class Grant:
    """What AddPermission and AddLayerVersionPermission are told. `conditions`: operator → key → value."""

    statement_id: str
    action: str
    principal: str
    conditions: Mapping[str, Mapping[str, str]]
    revision_id: str | None = None


class Policies:
    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar
        self._catalogue = registrar.catalogue

    async def add(self, function: str, qualifier: str | None, grant: Grant) -> Mapping[str, object]:
        """The statement. Raises CallerError."""
        name, key, arn = self._target(function, qualifier)
        if key == names.LATEST and names.parse(function, qualifier, self._registrar.place).qualifier is not None:
            raise refusals.invalid_parameter("We currently do not support adding policies for $LATEST.")
        made = statement(grant, arn)
        revision_id = self._registrar.ids.uuid()

        def change(current: Function) -> Function:
            policy = added(current.policies.get(key), grant, made, revision_id, self._registrar.limits)
            return replace(current, policies={**current.policies, key: policy})

        await self._registrar.change(name, change)
        return made

    def get(self, function: str, qualifier: str | None) -> Policy:
        """Raises CallerError."""
        name, key, _ = self._target(function, qualifier)
        found, _ = self._catalogue.find(name)
        policy = found.policies.get(key)
        if policy is None:
            raise refusals.not_found(_GONE)
        return policy

    async def remove(
        self, function: str, qualifier: str | None, statement_id: str, revision_id: str | None = None
    ) -> None:
        """Raises CallerError."""
        name, key, _ = self._target(function, qualifier)
        new_revision = self._registrar.ids.uuid()

        def change(current: Function) -> Function:
            policy = removed(current.policies.get(key), statement_id, revision_id, new_revision)
            kept = {other: value for other, value in current.policies.items() if other != key}
            return replace(current, policies=kept if policy is None else {**kept, key: policy})

        await self._registrar.change(name, change)

    def permits(self, function: str, caller: Caller) -> bool:
        """Whether the policy of the function, version or alias of that ARN lets a service invoke it. Raises CallerError
        when there is none."""
        name, qualifier = self._catalogue.find_invoked(function)
        found, _ = self._catalogue.find(name)
        policy = found.policies.get(qualifier or names.LATEST)
        return policy is None or permits(policy.statements.values(), caller)

    def _target(self, function: str, qualifier: str | None) -> tuple[str, str, str]:
        """Function name, key of the policy, ARN of the resource."""
        found, reference = self._catalogue.find(function, qualifier)
        name = found.configuration.name
        arn = self._catalogue.arn(name)
        asked = reference.qualifier
        return name, asked or names.LATEST, arn if asked is None else f"{arn}:{asked}"


def statement(grant: Grant, resource: str) -> dict[str, object]:
    """In the order in which AWS writes it. Raises CallerError."""
    made: dict[str, object] = {
        "Sid": grant.statement_id,
        "Effect": "Allow",
        "Principal": principal(grant.principal),
        "Action": grant.action,
        "Resource": resource,
    }
    if grant.conditions:
        made["Condition"] = {operator: dict(keys) for operator, keys in grant.conditions.items()}
    return made


def principal(text: str) -> object:
    """A principal as a policy spells it. Raises CallerError."""
    if text == "*":
        return "*"
    if _ACCOUNT.fullmatch(text) is not None:
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if _PRINCIPAL.fullmatch(text) is not None:
        return {"AWS": text}
    if _SERVICE.fullmatch(text) is not None:
        return {"Service": text}
    raise refusals.invalid_parameter("The provided principal was invalid. Please check the principal and try again.")


def added(
    policy: Policy | None, grant: Grant, made: Mapping[str, object], revision_id: str, limits: LambdaLimits
) -> Policy:
    """Raises CallerError."""
    if policy is not None:
        check_revision(grant.revision_id, policy.revision_id, "GetPolicy")
    kept = {} if policy is None else policy.statements
    if grant.statement_id in kept:
        raise refusals.conflict(
            f"The statement id ({grant.statement_id}) provided already exists. Please provide a new statement id, "
            "or remove the existing statement."
        )
    after = Policy({**kept, grant.statement_id: made}, revision_id)
    if len(document(after)) > limits.policy_bytes:
        raise refusals.policy_too_long(f"The final policy size is bigger than the limit ({limits.policy_bytes}).")
    return after


def removed(policy: Policy | None, statement_id: str, given_revision: str | None, revision_id: str) -> Policy | None:
    """None when no statement is left. Raises CallerError."""
    if policy is None:
        raise refusals.not_found(_NO_POLICY)
    if statement_id not in policy.statements:
        raise refusals.not_found(f"Statement {statement_id} is not found in resource policy.")
    check_revision(given_revision, policy.revision_id, "GetPolicy")
    kept = {key: value for key, value in policy.statements.items() if key != statement_id}
    return Policy(kept, revision_id) if kept else None


def document(policy: Policy) -> str:
    """The policy as JSON text."""
    statements = [dict(made) for made in policy.statements.values()]
    return orjson.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements}).decode()


def of_layer(layer: LayerVersion) -> Policy:
    """Raises CallerError."""
    if layer.policy is None:
        raise refusals.not_found(_NO_POLICY)
    return layer.policy
