"""The garbage collector of a process that serves for long: full collections stop the world, so they are made small and
rare. Called once by `serving.py`, and by benchmarks, when everything is loaded.
"""

import gc


def settle_collector() -> None:
    """Take what start-up made out of every later collection, and make full ones ten times rarer.

    Models, plans and modules are many objects that stay; each full collection walked them all, for 70-160 ms.
    Cycles made later are still found, the young ones as quickly as before.
    """
    gc.collect()
    gc.freeze()
    first, second, _ = gc.get_threshold()
    gc.set_threshold(first, second, 100)
