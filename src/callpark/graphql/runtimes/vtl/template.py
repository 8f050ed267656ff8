"""A mapping template, compiled once, evaluated many times. Made by `host.py`."""

from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import orjson

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.compiler import Compiling, Evaluate, Render, evaluated
from callpark.graphql.runtimes.vtl.directives import macros, nodes
from callpark.graphql.runtimes.vtl.failures import (
    Break,
    BrokenTemplate,
    Halt,
    JavaException,
    Stop,
    TemplateFailure,
)
from callpark.graphql.runtimes.vtl.parser import parse
from callpark.graphql.runtimes.vtl.run import Bounds, Run
from callpark.graphql.runtimes.vtl.syntax import Call, Expression, Node, Output, Property, Reference, Text
from callpark.graphql.runtimes.vtl.util.table import FAMILIES
from callpark.graphql.runtimes.vtl.values import HidingMap
from callpark.graphql.runtimes.vtl.writing import read_output, settled

_HIDDEN = ("selectionSetList", "selectionSetGraphQL")
_NESTING = 50


class Compiled:
    """`render` prints the template; `value` is the argument of a template that is nothing but `$util.toJson(…)`, which
    `passes_on` a result as it came."""

    __slots__ = ("changes", "lacking", "passes_on", "render", "shares", "value")

    def __init__(self, source: str) -> None:
        """Raises BrokenTemplate."""
        try:
            tree = parse(source, _NESTING)
            to = Compiling(FAMILIES, nodes)
            macros(to, tree)
            self.render: Render = nodes(to, tree)
            only = _only_value(tree)
            self.value: Evaluate | None = None if only is None else evaluated(to, only)
            self.passes_on = only is not None and _is_result(only)
        except RecursionError:
            raise BrokenTemplate("expressions and blocks are nested too deeply", 1, 1) from None
        self.changes = to.changes
        self.shares = to.changes or to.builds
        self.lacking = tuple(dict.fromkeys(to.lacking))

    def evaluate(
        self, context: Mapping[str, object], bounds: Bounds, now: float, seed: str, auth_type: str
    ) -> Evaluation:
        """The value is what the printed JSON says. Raises Overrun when the time is up."""
        return self._evaluate(context, Run(bounds, {}, now, seed, auth_type), self._value)

    def evaluate_text(
        self, context: Mapping[str, object], bounds: Bounds, now: float, seed: str, auth_type: str
    ) -> Evaluation:
        """The value is the printed text. Raises Overrun when the time is up."""
        return self._evaluate(context, Run(bounds, {}, now, seed, auth_type), self._text)

    def _evaluate(self, context: Mapping[str, object], run: Run, read: Evaluate) -> Evaluation:
        run.shares = self.shares
        halt: Mapping[str, object] | None = None
        value: object = None
        try:
            ctx = self._context(context)
            run.variables.update(context=ctx, ctx=ctx)
            try:
                value = read(run)
            except Halt as ended:
                halt = self._halted(run, ended)
            arguments, stash = self._left(run, ctx, "arguments"), self._left(run, ctx, "stash")
        except (TemplateFailure, JavaException) as failure:
            return self._failed(run, context, failure)
        except orjson.JSONEncodeError as error:
            return self._failed(run, context, TemplateFailure(f"The context cannot be written as JSON: {error}"))
        except (RecursionError, MemoryError):
            return self._failed(run, context, TemplateFailure("Values or calls are nested too deeply."))
        return Evaluation(value, halt, arguments, stash, tuple(run.errors), tuple(run.logs), tuple(run.effects))

    def _value(self, run: Run) -> object:
        if self.value is not None:
            value = self.value(run)
            return value if self.passes_on else settled(run, value)
        return read_output(self._text(run))

    def _text(self, run: Run) -> str:
        with suppress(Stop, Break):
            self.render(run)
        return "".join(run.out)

    def _halted(self, run: Run, ended: Halt) -> Mapping[str, object]:
        if ended.members["kind"] == "return":
            return {**ended.members, "value": settled(run, ended.members["value"])}
        return ended.members

    def _context(self, context: Mapping[str, object]) -> dict[object, object]:
        """`$ctx`: a copy of its own for a template that changes values, else what it was given."""
        copied = orjson.loads(orjson.dumps(context)) if self.changes else context
        ctx = cast(dict[object, object], dict(copied))
        if ctx.get("error") is None:
            ctx.pop("error", None)
        for name in ("arguments", "stash"):
            if not isinstance(ctx.get(name), dict):
                ctx[name] = ctx["args"] if name == "arguments" and isinstance(ctx.get("args"), dict) else {}
        ctx["args"] = ctx["arguments"]
        info = ctx.get("info")
        if isinstance(info, dict):
            shown: dict[object, object] = {key: value for key, value in info.items() if key not in _HIDDEN}
            ctx["info"] = HidingMap(shown, {name: info[name] for name in _HIDDEN if name in info})
        return ctx

    def _left(self, run: Run, ctx: dict[object, object], name: str) -> Mapping[str, object]:
        """What the next step sees of the arguments or the stash."""
        value = ctx.get(name)
        if name == "arguments" and ctx.get("args") is not value:
            value = ctx.get("args")
        if self.changes:
            value = settled(run, value)
        return value if isinstance(value, dict) else {}

    def _failed(self, run: Run, context: Mapping[str, object], failure: TemplateFailure | JavaException) -> Evaluation:
        place = failure.place if isinstance(failure, TemplateFailure) else None
        message = str(failure) if place is None else f"{failure} at line {place[0]}, column {place[1]}"
        arguments, stash = context.get("arguments"), context.get("stash")
        return Evaluation(
            halt=mapping_failure(message),
            args=arguments if isinstance(arguments, dict) else {},
            stash=stash if isinstance(stash, dict) else {},
            errors=tuple(run.errors),
            logs=tuple(run.logs),
            effects=tuple(run.effects),
        )


def mapping_failure(message: str) -> Mapping[str, object]:
    """The halt of a template that failed."""
    return {"kind": "error", "message": message, "type": "MappingTemplate", "data": None, "errorInfo": None}


def _only_value(tree: tuple[Node, ...]) -> Expression | None:
    """The argument, when the whole template is one `$util.toJson(…)`: its text need not be written and read."""
    rest = [node for node in tree if not (isinstance(node, Text) and not node.text.strip(" \t\r\n"))]
    if len(rest) != 1 or not isinstance(rest[0], Output) or rest[0].backslashes:
        return None
    match rest[0].reference:
        case Reference(name="util" | "utils", accessors=(Call(name="toJson", arguments=(argument,)),)):
            return argument
    return None


def _is_result(value: Expression) -> bool:
    """`$ctx.result`, `$ctx.prev.result` or a part of it: JSON that nobody changes."""
    match value:
        case Reference(name="ctx" | "context", accessors=(Property("result" | "prev"), *rest)):
            return all(isinstance(each, Property) for each in rest)
    return False
