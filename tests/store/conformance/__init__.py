"""What every store promises in `store/ports.py`, once per store.

A store joins by a module that imports everything from here and has a fixture `house`, a House of that store.
"""

from tests.store.conformance.rows import *  # noqa: F403
from tests.store.conformance.topics import *  # noqa: F403
from tests.store.conformance.watches import *  # noqa: F403
from tests.store.conformance.work_items import *  # noqa: F403
