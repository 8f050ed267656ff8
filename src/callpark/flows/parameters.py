"""Reading action parameters: scalars come as text in exports, as numbers and booleans in authored files.

Called by the `prepare` functions of `actions/`. Everything wrong is a ParameterProblem with the parameter's path.
"""

from collections.abc import Mapping

from callpark.flows.references import Template, as_text, template


class ParameterProblem(ValueError):
    """A parameter that cannot be used. `path` below `Parameters`, `cause` in words, `missing` when it is not there."""

    def __init__(self, path: str, cause: str, *, missing: bool = False) -> None:
        super().__init__(f"Parameters.{path}: {cause}")
        self.path = path
        self.missing = missing


def scalar(parameters: Mapping[str, object], key: str, path: str = "") -> str | None:
    """The parameter as text, None when it is absent."""
    value = parameters.get(key)
    if value is None:
        return None
    if not isinstance(value, str | int | float):
        raise ParameterProblem(path + key, "must be text")
    return as_text(value)


def required(parameters: Mapping[str, object], key: str, path: str = "") -> str:
    value = scalar(parameters, key, path)
    if value is None or value == "":
        raise ParameterProblem(path + key, "is missing" if value is None else "is empty", missing=value is None)
    return value


def dynamic(parameters: Mapping[str, object], key: str, path: str = "") -> Template | None:
    """Text with references, None when absent."""
    value = scalar(parameters, key, path)
    return None if value is None else template(value)


def flag(parameters: Mapping[str, object], key: str, path: str = "") -> bool:
    """A boolean in any case, False when absent."""
    value = (scalar(parameters, key, path) or "false").lower()
    if value not in ("true", "false"):
        raise ParameterProblem(path + key, f"must be True or False, not {value!r}")
    return value == "true"


def choice(parameters: Mapping[str, object], key: str, options: tuple[str, ...], default: str | None = None) -> str:
    value = scalar(parameters, key)
    if value is None and default is not None:
        return default
    if value not in options:
        raise ParameterProblem(key, f"must be one of {', '.join(options)}, not {value!r}", missing=value is None)
    return value


def members(parameters: Mapping[str, object], key: str, path: str = "") -> Mapping[str, object]:
    """An object parameter, {} when absent."""
    value = parameters.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ParameterProblem(path + key, "must be an object")
    return value


def number(text: str) -> float | None:
    """The number a text stands for, None when it stands for none. No exponents of infinity, no underscores."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if "_" not in text and value - value == 0 else None
