"""Customer profiles and cases: what contacts share and change. In memory; a restart begins again with what is declared.

Kept by `service.py`; the engine reads it through `World` and writes it with the effect `Keep`.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.declared import Case, Declared, Profile
from callpark.flows.effects import Keep


class Ledger:
    """`profiles`, `cases` by id, None without such a domain. Replaced as a whole when the project changes them."""

    def __init__(self) -> None:
        self.profiles: Mapping[str, Profile] | None = None
        self.cases: Mapping[str, Case] | None = None
        self._declared: tuple[object, object] = (None, None)

    def serve(self, declared: Declared) -> None:
        """What the project declares, once more only when that has changed."""
        if (declared.profiles, declared.cases) != self._declared:
            self._declared = (declared.profiles, declared.cases)
            self.profiles = None if declared.profiles is None else {p.id: p for p in declared.profiles}
            self.cases = None if declared.cases is None else {case.id: case for case in declared.cases}

    def keep(self, effect: Keep) -> None:
        if effect.kind == "profile":
            self.profiles = with_profile(self.profiles, effect)
        else:
            self.cases = with_case(self.cases, effect)


def with_profile(profiles: Mapping[str, Profile] | None, effect: Keep) -> Mapping[str, Profile] | None:
    """The profiles after a change."""
    if profiles is None:
        return None
    known = profiles.get(effect.id) or Profile(id=effect.id, fields={})
    return {**profiles, effect.id: msgspec.structs.replace(known, fields={**known.fields, **effect.fields})}


def with_case(cases: Mapping[str, Case] | None, effect: Keep) -> Mapping[str, Case] | None:
    """The cases after a change."""
    if cases is None:
        return None
    known = cases.get(effect.id) or Case(id=effect.id)
    return {**cases, effect.id: msgspec.structs.replace(known, fields={**known.fields, **effect.fields})}
