"""Parameters that hold nested JSON with references anywhere inside: compiled once, resolved when reached."""

from collections.abc import Mapping

from callpark.flows.references import Namespace, Template, template


def compile_nested(value: object) -> object:
    """Texts become templates, the rest stays."""
    if isinstance(value, str):
        return template(value)
    if isinstance(value, Mapping):
        return {key: compile_nested(item) for key, item in value.items()}
    if isinstance(value, list):
        return [compile_nested(item) for item in value]
    return value


def resolve_nested(value: object, namespace: Namespace) -> object:
    """The value with its references looked up; a reference that is a whole text keeps its JSON type."""
    if isinstance(value, Template):
        return value.value(namespace)
    if isinstance(value, Mapping):
        return {key: resolve_nested(item, namespace) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve_nested(item, namespace) for item in value]
    return value
