"""SearchCriteria and SearchFilter of Connect's Search operations. Pure.

https://docs.aws.amazon.com/connect/latest/APIReference/API_ContactFlowSearchCriteria.html
"""

from collections.abc import Callable, Mapping

from callpark.flows.api.parameters import items, structure
from callpark.kernel.operations import Call

Tags = Mapping[str, str]
_CONDITIONS = ("TypeCondition", "StateCondition", "StatusCondition", "QueueTypeCondition")


def matches(call: Call, tags: Tags, name: str, description: str, *words: str) -> bool:
    """Whether a thing is looked for. `words`: its type, state and the like; no two conditions share one."""
    criteria = structure(call.parameters.get("SearchCriteria"))
    filters = structure(call.parameters.get("SearchFilter"))
    flow_filter = structure(filters.get("FlowAttributeFilter"))
    return (
        _fulfils(criteria, lambda one: _criterion(one, name, description, words))
        and _tag_filter(structure(filters.get("TagFilter")), tags)
        and _fulfils(flow_filter, lambda one: _attribute(one, tags, words))
    )


def _fulfils(tree: Mapping[str, object], one: Callable[[Mapping[str, object]], bool]) -> bool:
    """The tree's own conditions, all of AndConditions, any of OrConditions."""
    either = [structure(item) for item in items(tree.get("OrConditions"))]
    both = [structure(item) for item in items(tree.get("AndConditions"))]
    return (
        one(tree)
        and all(_fulfils(item, one) for item in both)
        and (not either or any(_fulfils(item, one) for item in either))
    )


def _criterion(condition: Mapping[str, object], name: str, description: str, words: tuple[str, ...]) -> bool:
    asked = structure(condition.get("StringCondition"))
    if asked:
        value = str(asked.get("Value") or "").lower()
        within = (description if str(asked.get("FieldName")).lower() == "description" else name).lower()
        comparison = asked.get("ComparisonType")
        found = {"STARTS_WITH": within.startswith(value), "CONTAINS": value in within}
        if not found.get(str(comparison), within == value):
            return False
    return all(condition.get(member) in (None, *words) for member in _CONDITIONS)


def _attribute(condition: Mapping[str, object], tags: Tags, words: tuple[str, ...]) -> bool:
    asked = structure(condition.get("ContactFlowTypeCondition")).get("ContactFlowType")
    listed = [structure(item) for item in items(condition.get("TagConditions"))]
    own = structure(condition.get("TagCondition"))
    inner = structure(condition.get("AndCondition"))
    return (
        asked in (None, *words)
        and all(_tagged(item, tags) for item in (*listed, own))
        and (not inner or _attribute(inner, tags, words))
    )


def _tag_filter(tree: Mapping[str, object], tags: Tags) -> bool:
    """OrConditions is a list of lists: any list, all of its tags."""
    either = [[structure(item) for item in items(one)] for one in items(tree.get("OrConditions"))]
    both = [structure(item) for item in items(tree.get("AndConditions"))]
    return (
        _tagged(structure(tree.get("TagCondition")), tags)
        and all(_tagged(item, tags) for item in both)
        and (not either or any(all(_tagged(item, tags) for item in one) for one in either))
    )


def _tagged(condition: Mapping[str, object], tags: Tags) -> bool:
    key, value = condition.get("TagKey"), condition.get("TagValue")
    if not isinstance(key, str):
        return True
    return key in tags and value in (None, "", tags[key])
