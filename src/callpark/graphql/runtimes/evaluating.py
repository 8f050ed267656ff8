"""EvaluateCode: one handler of one piece of code, evaluated beside every API, for teams' unit tests.

Called by the control plane and `callpark graphql eval`. https://docs.aws.amazon.com/appsync/latest/APIReference/API_EvaluateCode.html
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.js.module import BrokenCode
from callpark.graphql.runtimes.js.syntax import CodeError
from callpark.graphql.runtimes.vtl.failures import BrokenTemplate
from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.kernel.errors import CallerError

CODE_ERRORS = "The code contains one or more errors."


@dataclass(frozen=True, slots=True)
class EvaluationError:
    """`code_errors` are AppSync's `{errorType, value, location: {line, column, span}}`."""

    message: str
    code_errors: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the evaluate operations answer. `result`, `stash` and `out_errors` are JSON texts; None where AWS leaves the
    member out."""

    result: str | None = None
    error: EvaluationError | None = None
    logs: tuple[str, ...] = ()
    stash: str | None = None
    out_errors: str | None = None


async def evaluate_code(host: JavaScriptHost, code: str, context: str, function: str | None = "request") -> Evaluated:
    """`context` is the JSON text of a context object, `function` the exported handler. Raises CallerError."""
    seen = read_context(context)
    try:
        unit = host.load(code)
    except BrokenCode as broken:
        return Evaluated(error=EvaluationError(CODE_ERRORS, wire_code_errors(broken.errors)))
    handler = function or "request"
    if handler not in unit.exports:
        return Evaluated(error=EvaluationError(f"The code does not export a function named {handler}."))
    done = unit.evaluate(handler, seen, "API Key Authorization")
    return evaluated(await done if inspect.isawaitable(done) else done)


async def evaluate_template(host: VtlHost, template: str, context: str) -> Evaluated:
    """EvaluateMappingTemplate: `result` is the text that the template prints. Raises CallerError."""
    seen = read_context(context)
    try:
        loaded = host.load(template)
    except BrokenTemplate as broken:
        return Evaluated(error=EvaluationError(str(broken)))
    evaluation = await loaded.evaluate_text(seen, "API Key Authorization")
    answer = evaluated(evaluation)
    return answer if evaluation.halt is not None else replace(answer, result=str(evaluation.value))


def read_context(context: str) -> dict[str, object]:
    """The context of an evaluate call. Raises CallerError."""
    try:
        read = orjson.loads(context)
    except orjson.JSONDecodeError:
        read = None
    if not isinstance(read, dict):
        raise CallerError("BadRequestException", 400, "The context must be a JSON object.")
    return read


def evaluated(evaluation: Evaluation) -> Evaluated:
    """An evaluation as the evaluate operations answer it; an early return is a result like any other."""
    halt = evaluation.halt
    failed = halt is not None and halt["kind"] == "error"
    value = evaluation.value if halt is None else halt.get("value")
    return Evaluated(
        result=None if failed else orjson.dumps(value).decode(),
        error=EvaluationError(str(halt.get("message"))) if failed and halt is not None else None,
        logs=evaluation.logs,
        stash=orjson.dumps(evaluation.stash).decode(),
        out_errors=orjson.dumps(evaluation.errors).decode(),
    )


def wire_code_errors(errors: Sequence[CodeError]) -> tuple[Mapping[str, object], ...]:
    """As the control plane lists them; syntax errors in the words of the TypeScript compiler (recorded)."""
    return tuple(
        {
            "errorType": each.error_type,
            "value": each.value
            if each.error_type == "LINT_ERROR"
            else f"code.js({each.line},{each.column}): error {each.value}\n",
            "location": {"line": each.line, "column": each.column, "span": each.span},
        }
        for each in errors
    )
