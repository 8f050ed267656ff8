"""Who may see which field: the directives of a schema against a caller's mode and groups. Pure.

Read from SDL by `schema.py`, asked by `plan.py` when an operation is compiled, so a plan is made for an `Access`.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from callpark.graphql.messages import GraphqlRequest

COGNITO = "AMAZON_COGNITO_USER_POOLS"


@dataclass(frozen=True, slots=True)
class Access:
    """What decides about fields: the mode that let the caller in, those of the caller's groups that the schema names,
    and the fields ("Type.field") that a Lambda authorizer denied."""

    mode: str
    groups: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """One directive: callers of `mode`; with `groups`, members of one of them only."""

    mode: str
    groups: frozenset[str] | None = None

    def admits(self, access: Access) -> bool:
        return self.mode == access.mode and (self.groups is None or bool(self.groups & access.groups))


@dataclass(frozen=True, slots=True)
class Default:
    """What counts without a directive: the API's default mode; `denies`: its user pool's default action is DENY."""

    mode: str
    denies: bool = False

    def admits(self, access: Access) -> bool:
        return access.mode == self.mode and not self.denies


@dataclass(frozen=True, slots=True)
class Rules:
    """(type, field) and type → the grants of their directives. A field's directives replace its type's."""

    fields: Mapping[tuple[str, str], tuple[Grant, ...]]
    types: Mapping[str, tuple[Grant, ...]]

    def permits(self, access: Access, default: Default, type_name: str, field_name: str) -> bool:
        """Whether the caller may see the field; any one grant suffices."""
        if type_name.startswith("__") or field_name.startswith("__"):
            return True
        if access.denied and f"{type_name}.{field_name}" in access.denied:
            return False
        grants = self.fields.get((type_name, field_name)) or self.types.get(type_name)
        return default.admits(access) if grants is None else any(grant.admits(access) for grant in grants)

    @property
    def groups(self) -> frozenset[str]:
        """Every group that some directive names."""
        found: Iterable[tuple[Grant, ...]] = (*self.fields.values(), *self.types.values())
        return frozenset(name for grants in found for grant in grants for name in grant.groups or ())


def access_of(request: GraphqlRequest, named_groups: frozenset[str]) -> Access:
    """A request's access; groups that no directive names are left out, so that callers share plans."""
    groups: frozenset[str] = frozenset()
    if named_groups and request.auth_mode == COGNITO and request.identity is not None:
        listed = request.identity.get("groups")
        groups = named_groups.intersection(cast("list[str]", listed) if isinstance(listed, list) else ())
    return Access(request.auth_mode, groups, request.denied_fields)
