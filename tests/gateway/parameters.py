"""Hypothesis strategies from a service model's shapes: parameters and members that botocore and we must agree on."""

from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import strategies as st

from callpark.gateway.models import Shape

#: Header values: HTTP trims blanks at the ends, so none are made.
_TOKENS = st.text("abcXYZ0189-_:/.$=", min_size=1, max_size=12)
_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x0b\x0c", exclude_categories=("Cs", "Cc")), max_size=12
)
_MOMENTS = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_DEPTH = 4


def values(shape: Shape, depth: int = 0, located: bool = False) -> st.SearchStrategy[object]:
    """Values of one shape as a botocore client takes them."""
    kind = shape.type_name
    if kind == "structure":
        return members(shape, depth + 1)
    if kind == "list":
        return (
            st.lists(values(shape.member, depth + 1, located), min_size=1, max_size=0 if depth >= _DEPTH else 2)
            if (depth < _DEPTH)
            else st.just([])
        )
    if kind == "map":
        if depth >= _DEPTH:
            return st.just({})
        return st.dictionaries(_TOKENS, values(shape.value, depth + 1), min_size=1, max_size=2)
    if kind == "string":
        enum = shape.metadata.get("enum")
        if isinstance(enum, list) and enum:
            return st.sampled_from(enum)
        return _TOKENS if located else _TEXTS
    if kind == "blob":
        return st.binary(max_size=16)
    return _SCALARS[kind]


_SCALARS: Mapping[str, st.SearchStrategy[object]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**53), 2**53),
    "float": st.integers(-1000, 1000).map(lambda n: n / 8),
    "double": st.integers(-1000, 1000).map(lambda n: n / 8),
    "timestamp": _MOMENTS,
    "character": st.sampled_from("abc"),
}


def members(shape: Shape, depth: int = 0) -> st.SearchStrategy[dict[str, object]]:
    """Mappings of a structure's members: all required ones, any of the others, one alone of a union."""
    if shape.metadata.get("document"):
        return st.just({"any": [1, "thing", None]})
    strategies = {
        name: values(part, depth, located=bool(part.serialization.get("location")))
        for name, part in shape.members.items()
        if not part.serialization.get("eventstream") and part.serialization.get("location") != "statusCode"
    }
    if shape.metadata.get("union"):
        return st.one_of([st.fixed_dictionaries({name: strategy}) for name, strategy in strategies.items()])
    required = {name: strategies[name] for name in shape.required_members if name in strategies}
    optional = {name: strategy for name, strategy in strategies.items() if name not in required}
    return st.fixed_dictionaries(required, optional={} if depth >= _DEPTH else optional)


def house(value: object) -> object:
    """A botocore value as callpark has it: instants are epoch seconds; an empty blob is none."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: house(item) for name, item in value.items()}
    if isinstance(value, list):
        return [house(item) for item in value]
    return value
