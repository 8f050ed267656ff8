"""`callpark demo`: both journeys on the examples, before and after, in under a minute."""


def demo() -> int:
    """Tell a story token by token, then pay by phone: before and after asynchronous functions."""
    from callpark.cli.demonstration import demonstrate

    return demonstrate()
