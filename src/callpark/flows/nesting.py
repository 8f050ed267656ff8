"""How deep JSON is nested. Bounded where JSON comes in, so that whatever walks it later may recurse."""


def deeper_than(value: object, levels: int) -> bool:
    """Whether objects and lists are nested in more than so many levels."""
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        if not layer:
            return False
        layer = [
            child
            for item in layer
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
    return bool(layer)
