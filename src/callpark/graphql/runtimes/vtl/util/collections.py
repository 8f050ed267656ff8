"""`$util.list`, `$util.map`.

https://docs.aws.amazon.com/appsync/latest/devguide/list-helpers-in-util-list.html, …/map-helpers-in-util-map.html
"""

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, functions, items, mapping
from callpark.graphql.runtimes.vtl.values import contains

_MOST_SORTED = 1_000


def _retain(run: Run, first: object, second: object) -> list[object]:
    others = items(second, "$util.list.copyAndRetainAll")
    return [each for each in items(first, "$util.list.copyAndRetainAll") if contains(run, others, each)]


def _remove(run: Run, first: object, second: object) -> list[object]:
    others = items(second, "$util.list.copyAndRemoveAll")
    return [each for each in items(first, "$util.list.copyAndRemoveAll") if not contains(run, others, each)]


def _sort(run: Run, first: object, descending: object, field: object) -> list[object]:
    """Values of several classes, or whose field is, stay as they are."""
    given = list(items(first, "$util.list.sortList"))
    if len(given) > _MOST_SORTED:
        raise TemplateFailure(f"$util.list.sortList sorts at most {_MOST_SORTED} items")
    run.make(64 * len(given))
    name = text_of(run, field)
    keys = [each.get(name) if isinstance(each, dict) else each for each in given]
    kinds = {type(each) for each in keys}
    if len({type(each) for each in given}) > 1 or len(kinds) > 1 or not kinds <= {str, int, float, bool}:
        return given
    order = sorted(range(len(given)), key=lambda at: keys[at], reverse=descending is True)  # type: ignore[arg-type, return-value]
    return [given[at] for at in order]


def _retain_keys(run: Run, first: object, second: object) -> dict[object, object]:
    keys = _keys(run, second, "$util.map.copyAndRetainAllKeys")
    given = mapping(first, "$util.map.copyAndRetainAllKeys")
    return {key: value for key, value in given.items() if text_of(run, key) in keys}


def _remove_keys(run: Run, first: object, second: object) -> dict[object, object]:
    keys = _keys(run, second, "$util.map.copyAndRemoveAllKeys")
    given = mapping(first, "$util.map.copyAndRemoveAllKeys")
    return {key: value for key, value in given.items() if text_of(run, key) not in keys}


def _keys(run: Run, value: object, name: str) -> set[str]:
    return {text_of(run, each) for each in items(value, name)}


LIST = Family(
    functions(
        "$util.list",
        {"copyAndRetainAll": (_retain, 2, 2), "copyAndRemoveAll": (_remove, 2, 2), "sortList": (_sort, 3, 3)},
    )
)
MAP = Family(
    functions(
        "$util.map",
        {"copyAndRetainAllKeys": (_retain_keys, 2, 2), "copyAndRemoveAllKeys": (_remove_keys, 2, 2)},
    )
)
