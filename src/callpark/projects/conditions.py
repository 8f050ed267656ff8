"""The Conditions section → which conditions hold. Pure; called by `load.py` before any resource is looked at.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
"""

from collections.abc import Mapping

from callpark.projects.document import Place, Value
from callpark.projects.intrinsics import Evaluator


def evaluate(section: Mapping[str, Value], evaluator: Evaluator) -> dict[str, bool]:
    """Every condition by name. Raises ProjectError; a circle of conditions is named."""
    held: dict[str, bool] = {}
    for name in section:
        _named(name, section, evaluator, held, ("Conditions", name), ())
    return held


def _named(
    name: str,
    section: Mapping[str, Value],
    evaluator: Evaluator,
    held: dict[str, bool],
    place: Place,
    asking: tuple[str, ...],
) -> bool:
    if name in held:
        return held[name]
    if name in asking:
        circle = " → ".join([*asking[asking.index(name) :], name])
        raise evaluator.error(place, f"the conditions depend on each other: {circle}", "break the circle")
    if name not in section:
        raise evaluator.error(place, f"there is no condition {name!r}", "declare it under Conditions")

    def holds(value: Value, place: Place) -> bool:
        if isinstance(value, dict) and len(value) == 1:
            function, argument = next(iter(value.items()))
            inner = (*place, function)
            if function == "Condition" and isinstance(argument, str):
                return _named(argument, section, evaluator, held, inner, (*asking, name))
            if function == "Fn::Equals":
                left, right = evaluator.arguments(argument, inner, 2)
                return _equal(evaluator.value(left, inner), evaluator.value(right, inner))
            if function in ("Fn::And", "Fn::Or"):
                parts = evaluator.arguments(argument, inner, 1, 10)
                results = [holds(part, (*inner, index)) for index, part in enumerate(parts)]
                return all(results) if function == "Fn::And" else any(results)
            if function == "Fn::Not":
                return not holds(evaluator.arguments(argument, inner, 1)[0], inner)
        raise evaluator.error(
            place, "is not a condition", "use Fn::Equals, Fn::And, Fn::Or, Fn::Not or {Condition: name}"
        )

    held[name] = holds(section[name], ("Conditions", name))
    return held[name]


def _equal(left: Value, right: Value) -> bool:
    """CloudFormation compares texts: a parameter's "3" equals a 3 in the template."""
    return _plain(left) == _plain(right)


def _plain(value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
