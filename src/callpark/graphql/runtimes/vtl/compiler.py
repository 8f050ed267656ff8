"""Expressions of the syntax tree → closures. Used by `directives.py`.

An `Evaluate` takes the Run and returns a value, None for null and for what does not resolve.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from callpark.graphql.runtimes.vtl.failures import JavaException, TemplateFailure
from callpark.graphql.runtimes.vtl.members.collections import as_key
from callpark.graphql.runtimes.vtl.members.table import CHANGING, invoke, item, member
from callpark.graphql.runtimes.vtl.operators import arithmetic, compare, join, same, truth
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.syntax import (
    Accessor,
    Binary,
    Call,
    Expression,
    Index,
    Interpolated,
    ListLiteral,
    Literal,
    MapLiteral,
    Node,
    Output,
    Property,
    RangeLiteral,
    Reference,
    Text,
    Unary,
)
from callpark.graphql.runtimes.vtl.util.function import Family, Function

Evaluate: TypeAlias = Callable[[Run], object]
Render: TypeAlias = Callable[[Run], None]
CompiledMacro: TypeAlias = Callable[[Run, list[object], Render | None], None]
"""Takes the arguments and, for a block call, its content."""

_CELL = 64


class Block:
    """What `#define` leaves in its variable: rendered each time it is read."""

    __slots__ = ("render",)

    def __init__(self, render: Render) -> None:
        self.render = render


@dataclass(slots=True)
class Compiling:
    """One template while it is compiled. `families` are `$util` and its like by variable name; `rendered` compiles
    nodes. What is found out on the way: whether the template changes values, whether it builds any, what it lacks."""

    families: dict[str, Family]
    rendered: "Callable[[Compiling, tuple[Node, ...]], Render]"
    macros: dict[str, CompiledMacro | None] = field(default_factory=dict)
    changes: bool = False
    builds: bool = False
    lacking: list[str] = field(default_factory=list)


def evaluated(to: Compiling, expression: Expression) -> Evaluate:
    """The closure of an expression."""
    match expression:
        case Literal(value):
            return lambda run: value
        case Reference():
            return referenced(to, expression)
        case Interpolated(body):
            return _interpolated(to, body)
        case ListLiteral(items):
            return _list(to, items)
        case MapLiteral(entries):
            return _map(to, entries)
        case RangeLiteral():
            return _range(to, expression)
        case Unary(operator, operand):
            return _unary(to, operator, operand)
        case Binary():
            return _binary(to, expression)


def _interpolated(to: Compiling, body: tuple[Node, ...]) -> Evaluate:
    parts: list[tuple[str, Evaluate | None]] = []
    for node in body:
        match node:
            case Text(text):
                parts.append((text, None))
            case Output(reference, 0):
                parts.append(("" if reference.quiet else reference.source, referenced(to, reference)))
            case _:
                render = to.rendered(to, body)
                return lambda run: run.capture(render)

    def evaluate(run: Run) -> object:
        pieces: list[str] = []
        for text, part in parts:
            value = text if part is None else part(run)
            pieces.append(value if type(value) is str else text if value is None else text_of(run, value))
        joined = "".join(pieces)
        run.make(len(joined))
        return joined

    return evaluate


def _list(to: Compiling, items: tuple[Expression, ...]) -> Evaluate:
    to.builds = to.builds or bool(items)
    closures = [evaluated(to, each) for each in items]

    def evaluate(run: Run) -> object:
        run.make(_CELL * (1 + len(closures)))
        return [each(run) for each in closures]

    return evaluate


def _map(to: Compiling, entries: tuple[tuple[Expression, Expression], ...]) -> Evaluate:
    to.builds = to.builds or bool(entries)
    closures = [(evaluated(to, key), evaluated(to, value)) for key, value in entries]

    def evaluate(run: Run) -> object:
        run.make(_CELL * (1 + len(closures)))
        try:
            return {as_key(key(run)): value(run) for key, value in closures}
        except JavaException as thrown:
            raise TemplateFailure(str(thrown)) from None

    return evaluate


def _range(to: Compiling, expression: RangeLiteral) -> Evaluate:
    first, last = evaluated(to, expression.first), evaluated(to, expression.last)

    def evaluate(run: Run) -> object:
        begin, end = first(run), last(run)
        if type(begin) is not int or type(end) is not int:
            return None
        run.make(_CELL * (1 + abs(end - begin)))
        return list(range(begin, end + 1) if begin <= end else range(begin, end - 1, -1))

    return evaluate


def _unary(to: Compiling, operator: str, operand: Expression) -> Evaluate:
    closure = evaluated(to, operand)
    if operator == "!":
        return lambda run: not truth(closure(run))
    return lambda run: arithmetic(run, "-", 0, closure(run))


def _binary(to: Compiling, expression: Binary) -> Evaluate:
    left, right = evaluated(to, expression.left), evaluated(to, expression.right)
    operator = expression.operator
    match operator:
        case "&&":
            return lambda run: truth(left(run)) and truth(right(run))
        case "||":
            return lambda run: truth(left(run)) or truth(right(run))
        case "==":
            return lambda run: same(run, left(run), right(run))
        case "!=":
            return lambda run: not same(run, left(run), right(run))
        case "<" | "<=" | ">" | ">=":
            test = compare(operator)
            return lambda run: test(left(run), right(run))
        case "+":
            first, second = _source(expression.left), _source(expression.right)
            return lambda run: join(run, left(run), right(run), first, second)
    return lambda run: arithmetic(run, operator, left(run), right(run))


def _source(expression: Expression) -> str:
    return expression.source if isinstance(expression, Reference) else "null"


def referenced(to: Compiling, reference: Reference) -> Evaluate:
    """The closure of a reference; of `$util…` and its like, of the function itself."""
    accessors = reference.accessors
    if reference.name in to.families and accessors:
        evaluate, accessors = _function(to, reference)
    else:
        evaluate = _variable(reference.name)
    for accessor in accessors:
        evaluate = _accessed(to, evaluate, accessor)
    return evaluate


def _variable(name: str) -> Evaluate:
    def evaluate(run: Run) -> object:
        value = run.variables.get(name)
        if type(value) is not Block:
            return value
        with_depth(run, name)
        try:
            return run.capture(value.render)
        finally:
            run.depth -= 1

    return evaluate


def with_depth(run: Run, name: str) -> None:
    """One macro or definition deeper. Raises TemplateFailure."""
    if run.depth >= run.bounds.macro_depth:
        raise TemplateFailure(f"'{name}' calls itself more than {run.bounds.macro_depth} times.")
    run.step()
    run.depth += 1


def _function(to: Compiling, reference: Reference) -> tuple[Evaluate, tuple[Accessor, ...]]:
    """The closure of the function a reference names, and what is left of its members."""
    family: Family | Function | None = to.families[reference.name]
    for at, accessor in enumerate(reference.accessors):
        if isinstance(accessor, Index) or not isinstance(family, Family):
            break
        family = family.members.get(accessor.name)
        if isinstance(accessor, Call):
            if not isinstance(family, Function):
                break
            return _called(to, family, accessor), reference.accessors[at + 1 :]
    if isinstance(family, Family | Function):
        return lambda run: None, ()
    message = f"callpark does not have {reference.source.split('(')[0]}"
    to.lacking.append(message)

    def refuse(run: Run) -> object:
        raise TemplateFailure(message, reference.place)

    return refuse, ()


def _called(to: Compiling, function: Function, call: Call) -> Evaluate:
    arguments = [evaluated(to, each) for each in call.arguments]
    name, place, count = function.name, call.place, len(arguments)
    if not function.least <= count <= function.most:
        wanted = f"{function.least}" if function.least == function.most else f"{function.least} to {function.most}"
        message = f"{name} takes {wanted} arguments, {count} were given"

        def refuse(run: Run) -> object:
            raise TemplateFailure(message, place)

        return refuse
    target = function.call

    def evaluate(run: Run) -> object:
        run.step()
        try:
            return target(run, *[each(run) for each in arguments])
        except TemplateFailure as failure:
            if failure.place is None:
                failure.place = place
            raise
        except JavaException as thrown:
            raise TemplateFailure(f"{name}: {thrown}", place) from None

    return evaluate


def _accessed(to: Compiling, target: Evaluate, accessor: Accessor) -> Evaluate:
    match accessor:
        case Property(name):

            def read(run: Run) -> object:
                value = target(run)
                return value.get(name) if type(value) is dict else None if value is None else member(run, value, name)

            return read
        case Call(name, given, place):
            to.changes = to.changes or name in CHANGING
            arguments = [evaluated(to, each) for each in given]

            def call(run: Run) -> object:
                value = target(run)
                if value is None:
                    return None
                return invoke(run, value, name, [each(run) for each in arguments], place)

            return call
        case Index(key, place):
            index = evaluated(to, key)

            def pick(run: Run) -> object:
                value = target(run)
                return None if value is None else item(run, value, index(run), place)

            return pick
