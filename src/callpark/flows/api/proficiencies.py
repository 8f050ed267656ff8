"""What users can, for routing criteria. Any attribute will do: predefined attributes are not asked for (our rule).

https://docs.aws.amazon.com/connect/latest/APIReference/API_AssociateUserProficiencies.html and its kin.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.agents.criteria import Skill
from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, structure, text
from callpark.flows.control.people import UserRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_parameter
from callpark.flows.declared import Proficiency
from callpark.kernel.operations import Call, OperationTable


class ProficiencyOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "AssociateUserProficiencies"): self.associate,
            ("connect", "UpdateUserProficiencies"): self.update,
            ("connect", "DisassociateUserProficiencies"): self.disassociate,
            ("connect", "ListUserProficiencies"): self.list_proficiencies,
        }

    async def associate(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            user = self._user(call)
            await self._put(user, {**_of(user), **_given(call)})
        return {}

    async def update(self, call: Call) -> Mapping[str, object]:
        """Levels of those that the user has."""
        async with self._plane.changing:
            user = self._user(call)
            known, given = _of(user), _given(call)
            if strange := next((skill for skill in given if skill not in known), None):
                raise invalid_parameter(f"The user does not have the proficiency {strange[0]} {strange[1]}.")
            await self._put(user, {**known, **given})
        return {}

    async def disassociate(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            user = self._user(call)
            gone = _given(call)
            await self._put(user, {skill: each for skill, each in _of(user).items() if skill not in gone})
        return {}

    async def list_proficiencies(self, call: Call) -> Mapping[str, object]:
        user = self._user(call)
        shown, token = page(call, list(_of(user).values()), lambda each: f"{each.name}\n{each.value}")
        members = [{"AttributeName": each.name, "AttributeValue": each.value, "Level": each.level} for each in shown]
        about = {"LastModifiedTime": user.modified_at, "LastModifiedRegion": self._plane.region}
        return {"UserProficiencyList": members, **about, **token}

    def _user(self, call: Call) -> UserRecord:
        return self._plane.find(UserRecord, "The user", text(call, "UserId"))

    async def _put(self, user: UserRecord, skills: Mapping[Skill, Proficiency]) -> None:
        value = msgspec.structs.replace(user.value, proficiencies=tuple(skills.values()))
        await self._plane.put(msgspec.structs.replace(user, value=value, modified_at=self._plane.clock.now()))


def _of(user: UserRecord) -> dict[Skill, Proficiency]:
    return {(each.name, each.value): each for each in user.value.proficiencies}


def _given(call: Call) -> dict[Skill, Proficiency]:
    found: dict[Skill, Proficiency] = {}
    for given in map(structure, items(call.parameters.get("UserProficiencies"))):
        skill, level = (str(given.get("AttributeName")), str(given.get("AttributeValue"))), given.get("Level")
        found[skill] = Proficiency(
            name=skill[0], value=skill[1], level=float(level) if isinstance(level, int | float) else 1.0
        )
    return found
