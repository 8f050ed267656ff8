"""Which resource refers to which → the order to make them in. Pure; called by `load.py`.

Every reference of the template is checked here, those of resources that are not served included, so that a slip of the
pen is an error that names its place and not a wrong value later.
"""

from collections.abc import Iterator, Mapping, Set

from callpark.kernel.errors import ProjectError
from callpark.projects.document import Place, Value
from callpark.projects.intrinsics import Where, function_of, split_attribute, unknown_reference, variables

_LOOKED_AT = ("Properties", "Metadata", "DependsOn")


def references(value: Value, place: Place) -> Iterator[tuple[str, Place]]:
    """Names that `Ref`, `Fn::GetAtt` and `Fn::Sub` mention inside a value, with their places."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, (*place, index))
    elif isinstance(value, dict):
        function = function_of(value)
        if function is None:
            for key, item in value.items():
                yield from references(item, (*place, key))
        else:
            yield from _mentioned(function, value[function], (*place, function))


def _mentioned(function: str, argument: Value, place: Place) -> Iterator[tuple[str, Place]]:
    if function == "Ref" and isinstance(argument, str):
        yield argument, place
        return
    if function == "Fn::GetAtt":
        split = split_attribute(argument)
        if split is not None:
            yield split[0], place
            yield from references(split[1], place)
            return
    if function == "Fn::Sub":
        text, own = argument, {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            text, own = argument[0], argument[1]
            yield from references(own, (*place, 1))
        if isinstance(text, str):
            for name in variables(text):
                if name not in own:
                    yield name.partition(".")[0], place
        return
    yield from references(argument, place)


def check(value: Value, place: Place, known: Set[str], where: Where) -> None:
    """Raises ProjectError for a reference to nothing."""
    for name, spot in references(value, place):
        if name not in known:
            raise unknown_reference(where, name, spot)


def order(resources: Mapping[str, Value], known: Set[str], where: Where) -> list[str]:
    """Logical ids, each after those it refers to. `known` are parameters and pseudo parameters.

    Raises ProjectError for a reference to nothing, and for a circle, which it names.
    """
    needs: dict[str, list[str]] = {}
    for logical_id, resource in resources.items():
        mentioned: dict[str, None] = {}
        for name, place in _of(logical_id, resource):
            if name in resources:
                mentioned[name] = None
            elif name not in known:
                raise unknown_reference(where, name, place)
        needs[logical_id] = list(mentioned)
    return _sorted(needs, where)


def _of(logical_id: str, resource: Value) -> Iterator[tuple[str, Place]]:
    if not isinstance(resource, dict):
        return
    for part in _LOOKED_AT:
        value, place = resource.get(part), ("Resources", logical_id, part)
        if part == "DependsOn":
            names = value if isinstance(value, list) else [value]
            yield from ((name, place) for name in names if isinstance(name, str))
        elif part == "Metadata":
            if isinstance(value, dict):
                yield from references(value.get("Callpark"), (*place, "Callpark"))
        else:
            yield from references(value, place)


def _sorted(needs: Mapping[str, list[str]], where: Where) -> list[str]:
    """Depth first, without recursion: a chain of references may be as long as the template."""
    done: dict[str, None] = {}
    for start in needs:
        path: dict[str, Iterator[str]] = {}
        if start not in done:
            path[start] = iter(needs[start])
        while path:
            current = next(reversed(path))
            following = next((name for name in path[current] if name not in done), None)
            if following is None:
                done[current] = None
                del path[current]
            elif following in path:
                names = list(path)
                circle = " → ".join([*names[names.index(following) :], following])
                raise ProjectError(
                    f"{where(('Resources', current))}: the resources depend on each other: {circle}",
                    "break the circle, for instance with a name both can know",
                )
            else:
                path[following] = iter(needs[following])
    return list(done)
