"""moto's functions and queues are callpark's. Runs in moto's process."""


def install() -> None:
    pass
