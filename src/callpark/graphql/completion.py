"""Completing values: raw results shaped into what a selection set asks for. Pure; compiled by `plan.py`.

A completer is a closure `(execution, value, path) → completed`. *Strict* completers never meet None and raise
FieldFailure or NullBubble; `nullable` and `non_null` turn them into completers for a position in the response. Those
that have resolvers beneath them (`waits`) may return a coroutine instead; all others are plain functions, so that a
list of plain objects costs a loop and nothing else.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import CoroutineType
from typing import TypeAlias, cast

from callpark.graphql.execution import Execution, FieldSite
from callpark.graphql.failures import FieldFailure, NullBubble, Path, path_text
from graphql import GraphQLEnumType, GraphQLError, GraphQLScalarType

Complete: TypeAlias = Callable[[Execution, object, Path], object]
RunField: TypeAlias = Callable[[Execution, object, Path], object]
"""`(execution, source, the object's path) → completed field`, or a coroutine of it."""

Waiting: TypeAlias = "list[tuple[str | int, Coroutine[object, object, object]]]"


@dataclass(frozen=True, slots=True)
class Completer:
    run: Complete
    waits: bool


LeafPosition: TypeAlias = Callable[[Execution, object, Path, str], object]
"""`(execution, value, the object's path, response key) → completed leaf`: the path is only built when it is needed."""


@dataclass(frozen=True, slots=True)
class LeafField:
    """A scalar or enum read from the source by name. Values of class `exact` need no serialising."""

    key: str
    name: str
    exact: type | None
    position: LeafPosition


class TypedObject(dict[str, object]):
    """A completed object at an abstract position: it remembers its type for publications."""

    __slots__ = ("type_name",)
    type_name: str


def nullable(strict: Completer, site: FieldSite) -> Completer:
    """Null and whatever fails become None; failures are recorded."""
    inner = strict.run

    def run(execution: Execution, value: object, path: Path) -> object:
        if value is None:
            return None
        try:
            return inner(execution, value, path)
        except FieldFailure as failure:
            execution.record(failure, path, site)
        except NullBubble:
            pass
        return None

    async def absorb(execution: Execution, waiting: Coroutine[object, object, object], path: Path) -> object:
        try:
            return await waiting
        except FieldFailure as failure:
            execution.record(failure, path, site)
        except NullBubble:
            pass
        return None

    def run_waiting(execution: Execution, value: object, path: Path) -> object:
        done = run(execution, value, path)
        return absorb(execution, done, path) if isinstance(done, CoroutineType) else done

    return Completer(run_waiting if strict.waits else run, strict.waits)


def non_null(strict: Completer, site: FieldSite, type_name: str) -> Completer:
    """Null and whatever fails are recorded and bubble up."""
    inner = strict.run

    def run(execution: Execution, value: object, path: Path) -> object:
        if value is None:
            execution.record(missing(type_name, site, path), path, site)
            raise NullBubble
        try:
            return inner(execution, value, path)
        except FieldFailure as failure:
            execution.record(failure, path, site)
            raise NullBubble from None

    async def absorb(execution: Execution, waiting: Coroutine[object, object, object], path: Path) -> object:
        try:
            return await waiting
        except FieldFailure as failure:
            execution.record(failure, path, site)
            raise NullBubble from None

    def run_waiting(execution: Execution, value: object, path: Path) -> object:
        done = run(execution, value, path)
        return absorb(execution, done, path) if isinstance(done, CoroutineType) else done

    return Completer(run_waiting if strict.waits else run, strict.waits)


def missing(type_name: str, site: FieldSite, path: Path) -> FieldFailure:
    """The entry for a null where none may be."""
    return FieldFailure(
        f"Cannot return null for non-nullable type: '{type_name}' within parent "
        f"'{site.parent_type}' ({path_text(path)})",
        bare=True,
    )


def leaf(serialize: Callable[[object], object], type_name: str) -> Completer:
    def run(execution: Execution, value: object, path: Path) -> object:
        try:
            return serialize(value)
        except GraphQLError as error:
            raise unserializable(value, type_name, path) from error

    return Completer(run, waits=False)


def unserializable(value: object, type_name: str, path: Path) -> FieldFailure:
    return FieldFailure(
        f"Can't serialize value ({path_text(path)}) : "
        f"Unable to serialize `{str(value)[:200]}` as a valid {type_name} Object."
    )


def leaf_position(
    type_name: str, serialize: Callable[[object], object], required: bool, site: FieldSite
) -> LeafPosition:
    """A leaf in an object, in one call: what `nullable` or `non_null` of `leaf` would do."""
    whole_number = type_name == "Int"

    def position(execution: Execution, value: object, path: Path, key: str) -> object:
        if value is None:
            if required:
                here = (path, key)
                execution.record(missing(type_name, site, here), here, site)
                raise NullBubble
            return None
        if whole_number and value.__class__ is int and -LARGEST_INT <= value < LARGEST_INT:
            return value
        try:
            return serialize(value)
        except GraphQLError:
            here = (path, key)
            execution.record(unserializable(value, type_name, here), here, site)
        if required:
            raise NullBubble
        return None

    return position


LARGEST_INT = 2**31
"""GraphQL's Int is signed and has 32 bits."""

EXACT: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool, "Float": float}
"""Classes whose values serialise to themselves. Sources are JSON values, so a float is finite."""


def exact_class(named: GraphQLScalarType | GraphQLEnumType) -> type | None:
    return EXACT.get(named.name) if isinstance(named, GraphQLScalarType) else None


def mismatch(expected: str, path: Path) -> FieldFailure:
    return FieldFailure(f"Can't resolve value ({path_text(path)}) : type mismatch error, expected type {expected}")


def list_of(item: Completer) -> Completer:
    run_item = item.run

    def run(execution: Execution, value: object, path: Path) -> object:
        if not isinstance(value, list | tuple):
            raise mismatch("LIST", path)
        return [run_item(execution, each, (path, index)) for index, each in enumerate(value)]

    def run_waiting(execution: Execution, value: object, path: Path) -> object:
        if not isinstance(value, list | tuple):
            raise mismatch("LIST", path)
        items: list[object] = []
        waiting: Waiting = []
        bubbled = False
        for index, each in enumerate(value):
            try:
                done = run_item(execution, each, (path, index))
            except NullBubble:
                bubbled = True
                continue
            if isinstance(done, CoroutineType):
                waiting.append((index, done))
                done = None
            items.append(done)
        return _finish(items, waiting, bubbled)

    return Completer(run_waiting if item.waits else run, item.waits)


def object_of(
    template: Mapping[str, object], leaves: list[LeafField], others: list[tuple[str, RunField]], waits: bool
) -> Completer:
    """An object's fields. `template` has every response key in order, with what is known beforehand (`__typename`)."""
    steps = [(leaf.key, leaf.name, leaf.exact, leaf.position) for leaf in leaves]
    blank = dict(template)

    def plain(execution: Execution, source: object, path: Path) -> object:
        if not isinstance(source, dict):
            raise mismatch("OBJECT", path)
        get = source.get
        out = blank.copy()
        for key, name, exact, position in steps:
            value = get(name)
            if value.__class__ is exact:
                out[key] = value
            else:
                out[key] = position(execution, value, path, key)
        return out

    def nested(execution: Execution, source: object, path: Path) -> object:
        out = cast(dict[str, object], plain(execution, source, path))
        for key, run_field in others:
            out[key] = run_field(execution, source, path)
        return out

    def waiting_object(execution: Execution, source: object, path: Path) -> object:
        if not isinstance(source, dict):
            raise mismatch("OBJECT", path)
        waiting: Waiting = []
        bubbled = False
        fields: dict[str, object] = {}
        for key, run_field in others:
            try:
                done = run_field(execution, source, path)
            except NullBubble:
                bubbled = True
                continue
            if isinstance(done, CoroutineType):
                waiting.append((key, done))
            else:
                fields[key] = done
        try:
            out = cast(dict[str, object], plain(execution, source, path))
        except NullBubble:
            out, bubbled = {}, True
        out.update(fields)
        return _finish(out, waiting, bubbled)

    if waits:
        return Completer(waiting_object, waits=True)
    return Completer(nested if others else plain, waits=False)


def abstract_of(choose: Callable[[str], Complete | None], waits: bool, type_name: str) -> Completer:
    """An interface or union: the value's `__typename` chooses the object's completer."""

    def run(execution: Execution, value: object, path: Path) -> object:
        if not isinstance(value, dict):
            raise mismatch("OBJECT", path)
        concrete = value.get("__typename")
        complete = choose(concrete) if isinstance(concrete, str) else None
        if complete is None:
            raise FieldFailure(
                f"Abstract type '{type_name}' must resolve to an Object type at runtime for the value at "
                f"({path_text(path)}): its __typename is {concrete!r}"
            )
        done = complete(execution, value, path)
        if isinstance(done, CoroutineType):
            return remember(done, concrete)
        return typed(done, concrete)

    async def remember(waiting: Coroutine[object, object, object], concrete: object) -> object:
        return typed(await waiting, concrete)

    def typed(done: object, concrete: object) -> TypedObject:
        out = TypedObject(cast(dict[str, object], done))
        out.type_name = str(concrete)
        return out

    return Completer(run, waits)


def _finish(container: dict[str, object] | list[object], waiting: Waiting, bubbled: bool) -> object:
    if waiting:
        return _gather(container, waiting, bubbled)
    if bubbled:
        raise NullBubble
    return container


async def _gather(container: dict[str, object] | list[object], waiting: Waiting, bubbled: bool) -> object:
    """Run siblings at the same time and put each where it belongs; a bubble waits until all are done."""
    slots = cast(dict[str | int, object], container)
    if len(waiting) == 1:
        results: list[object] = [await _outcome(waiting[0][1])]
    else:
        results = await asyncio.gather(*(_outcome(each) for _, each in waiting))
    for (key, _), result in zip(waiting, results, strict=True):
        if isinstance(result, NullBubble):
            bubbled = True
        elif not bubbled:
            slots[key] = result
    if bubbled:
        raise NullBubble
    return container


async def _outcome(waiting: Coroutine[object, object, object]) -> object:
    try:
        return await waiting
    except NullBubble as bubble:
        return bubble
