"""What templates share with JavaScript handlers - Java's patterns, times, XML, transformations,
effects - called in the very
sources that handlers run: `js/source/`. Each thread has one engine for it; a call can be interrupted, Python's own
regular expressions cannot.

Called by `patterns.py` and `util/`.
"""

import threading
from typing import Any, Protocol, cast

import orjson
import quickjs

from callpark.graphql.runtimes.js.sources import shared_sources
from callpark.graphql.runtimes.js.zones import zone_json
from callpark.graphql.runtimes.vtl.failures import Overrun, TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.writing import json_text

_MEMORY_BYTES = 67_108_864
_STACK_BYTES = 262_144
_LEAST_SECONDS = 0.001
_ZONES = 20
_ENTRY = 1_024
_DOOR = """
function log(level, words) {
  left.logs.push(`${level} - $${words}`);
}
const pattern = {
  matches: (sought, string) => apply(nativeTest, javaPattern(sought, '', true), [string]),
  // [[text before the match, the match, its groups...], ...] and the text after the last one.
  find: (sought, string, most) => {
    if (string.length > LONGEST_SEARCHED) throw new NativeRangeError('a string too long to search');
    const compiled = javaPattern(sought, 'g', false);
    const found = [];
    let last = 0;
    while (found.length < most) {
      const match = apply(nativeExec, compiled, [string]);
      if (match === null) break;
      found[found.length] = [string.slice(last, match.index), ...match];
      last = match.index + match[0].length;
      if (match[0] === '') compiled.lastIndex += 1;
    }
    return [found, string.slice(last)];
  },
};
const library = { ...util, pattern, extensions };
return (family, name, parameters, now) => {
  if (family === '$zone') {
    zones[name] = parse(parameters);
    return '';
  }
  looked = nativeNow();
  host.now = now;
  left = { errors: [], logs: [], effects: [] };
  pending = null;
  try {
    const value = optional((family ? library[family] : library)[name](...parse(parameters)));
    return safeStringify({ value, left });
  } catch (error) {
    if (error !== null && error === pending && error.kind === 'zone') return stringify({ zone: error.zone });
    return stringify({ why: `${error && error.message}` });
  }
};
"""


class _Door(Protocol):
    def __call__(self, family: str, name: str, parameters: str, now: float) -> object: ...


class _Local(threading.local):
    context: quickjs.Context | None = None
    door: _Door | None = None


_local = _Local()


class Refused(Exception):
    """The function cannot be done with these arguments. The text says why."""


def call(run: Run, family: str, name: str, *parameters: object) -> Any:
    """The answer of `util.FAMILY.NAME`, of `util.NAME` where the family is empty. Raises Refused, TemplateFailure,
    Overrun."""
    run.step()
    written = "[" + ",".join(json_text(run, each) for each in parameters) + "]"
    for _ in range(_ZONES):
        answer = _ask(run, family, name, written)
        run.make(len(answer))
        try:
            members = orjson.loads(answer)
        except orjson.JSONDecodeError:
            raise Refused("the result holds half a surrogate pair, or is nested too deeply") from None
        if "why" in members:
            raise _refusal(members["why"])
        if "zone" not in members:
            _keep(run, members["left"])
            return members["value"]
        _opened()[1]("$zone", members["zone"], zone_json(members["zone"]), 0)
    raise Refused(f"an evaluation can name at most {_ZONES} time zones at once")


def _keep(run: Run, left: dict[str, list[Any]]) -> None:
    run.logs += left["logs"]
    for _ in left["errors"] + left["effects"]:
        run.make(_ENTRY)
    run.errors += left["errors"]
    run.effects += left["effects"]


def _refusal(why: str) -> Exception:
    if why in ("null", "out of memory"):
        return TemplateFailure("The template used too much memory.")
    return Refused(why)


def _ask(run: Run, family: str, name: str, parameters: str) -> str:
    context, door = _opened()
    context.set_time_limit(max(_LEAST_SECONDS, run.remaining()))
    try:
        return str(door(family, name, parameters, float(int(run.now * 1000))))
    except quickjs.JSException as error:
        if "interrupted" in str(error):
            _local.context = _local.door = None
            raise Overrun from None
        raise _refusal((str(error).strip().splitlines() or ["null"])[0]) from None
    except UnicodeEncodeError:
        raise Refused("the text holds half a surrogate pair") from None


def _opened() -> tuple[quickjs.Context, _Door]:
    if _local.context is None or _local.door is None:
        _local.context = quickjs.Context()
        _local.context.set_memory_limit(_MEMORY_BYTES)
        _local.context.set_max_stack_size(_STACK_BYTES)
        _local.door = cast(
            _Door, _local.context.eval(f'(function () {{ "use strict";\n{shared_sources()}\n{_DOOR}}})()')
        )
    return _local.context, _local.door
