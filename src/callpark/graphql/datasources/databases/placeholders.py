"""`:name` variables of the RDS Data API in SQL text: found where SQL has them, not in strings, comments or casts. Pure.

Used by `postgres.py`; SQLite reads `:name` itself.
"""

import re
from collections.abc import Callable

_TOKENS = re.compile(
    r"""
    (?P<skipped>
        [eE]'(?:[^'\\]|\\.|'')*'           # E'…' with backslashes
      | '(?:[^']|'')*'                     # '…'
      | "(?:[^"]|"")*"                     # "identifier"
      | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$    # $$…$$
      | --[^\n]*
      | /\*.*?\*/
      | ::                                 # a cast
      | :=
    )
  | :(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def rewritten(statement: str, known: Callable[[str], str | None]) -> str:
    """The statement with each variable replaced by `known(name)`; None leaves it. Percent signs are doubled, as
    drivers with `%(name)s` want them."""
    out: list[str] = []
    end = 0
    for match in _TOKENS.finditer(statement):
        out.append(statement[end : match.start()].replace("%", "%%"))
        replacement = known(match["name"]) if match["name"] else None
        out.append(match.group().replace("%", "%%") if replacement is None else replacement)
        end = match.end()
    out.append(statement[end:].replace("%", "%%"))
    return "".join(out)
