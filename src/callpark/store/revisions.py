"""Whether a commit meets the revisions it expects, and which ones it leaves behind. Pure; called by every store."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from callpark.store.ports import Change, DeleteRow, RevisionConflict, SetRow

RowKey: TypeAlias = tuple[str, str]
"""(table, key)"""


def revise(changes: Sequence[Change], revision_of: Callable[[RowKey], int]) -> dict[RowKey, int]:
    """The revision of each row that the commit writes, once it is applied; 0 for a row it deletes.

    `revision_of` says what a row has now, 0 for none. Raises RevisionConflict.
    """
    revised: dict[RowKey, int] = {}
    for change in changes:
        if isinstance(change, SetRow):
            row = (change.table, change.key)
            current = revised[row] if row in revised else revision_of(row)
            if change.revision is not None and change.revision != current:
                raise RevisionConflict(change.table, change.key)
            revised[row] = current + 1
        elif isinstance(change, DeleteRow):
            revised[change.table, change.key] = 0
    return revised
