"""Values of a type as they are written: every field filled, every variant of a union once in several samples. Pure.

`extra` adds what a newer version would: a field more to each object, an element more behind each array that stands for
a struct.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec
from msgspec import inspect

Plain: TypeAlias = "bool | int | float | str | bytes | list[Plain] | dict[str, Plain] | None"

SAMPLES = 12
_DEEP = 9


def samples(type_: object, *, extra: bool = False) -> list[Plain]:
    """Builtins, as a decoder of the wire format would see them."""
    info = inspect.type_info(type_)
    found: list[Plain] = []
    for number in range(SAMPLES):
        sample = _sample(info, number, extra, 0)
        if sample not in found:
            found.append(sample)
    return found


def _sample(info: inspect.Type, number: int, extra: bool, depth: int) -> Plain:
    def below(each: inspect.Type) -> Plain:
        return _sample(each, number, extra, depth + 1)

    match info:
        case inspect.StructType():
            return _struct(info, below, extra)
        case inspect.DataclassType() | inspect.TypedDictType():
            members = {each.encode_name: below(each.type) for each in info.fields}
            return {**members, **_more(extra)}
        case inspect.UnionType(types=types):
            return _variant(types, number, depth, below)
        case inspect.DictType(key_type=key, value_type=value):
            return {} if depth > _DEEP else {str(below(key)): below(value)}
        case inspect.TupleType(item_types=types):
            return [below(each) for each in types]
        case inspect.CollectionType(item_type=item):
            return [] if depth > _DEEP else [below(item)]
        case inspect.LiteralType(values=values):
            return values[number % len(values)]
        case inspect.EnumType(cls=enum):
            choices: list[Plain] = [each.value for each in enum]
            return choices[number % len(choices)]
    return _SIMPLE[type(info)]


_SIMPLE: dict[type[inspect.Type], Plain] = {
    inspect.AnyType: "anything",
    inspect.CustomType: "anything",
    inspect.NoneType: None,
    inspect.BoolType: True,
    inspect.IntType: 7,
    inspect.FloatType: 1.5,
    inspect.StrType: "text",
    inspect.BytesType: b"bytes",
    inspect.RawType: "raw",
}


def _struct(info: inspect.StructType, below: Callable[[inspect.Type], Plain], extra: bool) -> Plain:
    if info.array_like:
        tag: list[Plain] = [] if info.tag is None else [info.tag]
        return [*tag, *(below(each.type) for each in info.fields), *(["of a newer version"] if extra else [])]
    tagged: dict[str, Plain] = {} if info.tag_field is None else {info.tag_field: info.tag}
    return {**tagged, **{each.encode_name: below(each.type) for each in info.fields}, **_more(extra)}


def _more(extra: bool) -> dict[str, Plain]:
    return {"ofANewerVersion": "something"} if extra else {}


def _variant(types: Sequence[inspect.Type], number: int, depth: int, below: Callable[[inspect.Type], Plain]) -> Plain:
    if depth > _DEEP:
        types = [each for each in types if isinstance(each, inspect.NoneType)] or types
    return below(types[number % len(types)])


def encoded(sample: Plain, kind: str) -> bytes:
    """`kind` is `json` or `msgpack`."""
    return msgspec.json.encode(sample) if kind == "json" else msgspec.msgpack.encode(sample)


def lost(type_: object, written: Plain) -> list[str]:
    """What of a value that was written has no place in today's type: paths."""
    return list(_lost(inspect.type_info(type_), written, "$"))


def _lost(info: inspect.Type, written: Plain, path: str) -> Iterator[str]:
    match info, written:
        case inspect.UnionType(types=types), _:
            yield from _lost_of_variant(types, written, path)
        case inspect.StructType(array_like=True), list():
            values = written if info.tag is None else written[1:]
            yield from (f"{path}[{place}]" for place in range(len(info.fields), len(values)))
            for each, value in zip(info.fields, values, strict=False):
                yield from _lost(each.type, value, f"{path}.{each.name}")
        case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType(), dict():
            fields = {each.encode_name: each for each in info.fields}
            tag = info.tag_field if isinstance(info, inspect.StructType) else None
            for key, value in written.items():
                if key in fields:
                    yield from _lost(fields[key].type, value, f"{path}.{key}")
                elif key != tag:
                    yield f"{path}.{key}"
        case inspect.DictType(value_type=type_), dict():
            for key, value in written.items():
                yield from _lost(type_, value, f"{path}[{key!r}]")
        case inspect.TupleType(item_types=types), list():
            yield from (f"{path}[{place}]" for place in range(len(types), len(written)))
            for place, (item, value) in enumerate(zip(types, written, strict=False)):
                yield from _lost(item, value, f"{path}[{place}]")
        case inspect.CollectionType(item_type=type_), list():
            for place, value in enumerate(written):
                yield from _lost(type_, value, f"{path}[{place}]")


def _lost_of_variant(types: Sequence[inspect.Type], written: Plain, path: str) -> Iterator[str]:
    """The decoder has said already that one of them fits: the one that keeps most."""
    structs = [each for each in types if isinstance(each, inspect.StructType) and _is_tagged(each, written)]
    others = [each for each in types if not isinstance(each, inspect.StructType | inspect.NoneType)]
    if written is not None:
        yield from min((list(_lost(each, written, path)) for each in structs or others), key=len, default=[])


def _is_tagged(info: inspect.StructType, written: Plain) -> bool:
    if info.tag is None:
        return isinstance(written, list if info.array_like else dict)
    if isinstance(written, list):
        return info.array_like and written[:1] == [info.tag]
    return isinstance(written, dict) and info.tag_field is not None and written.get(info.tag_field) == info.tag
