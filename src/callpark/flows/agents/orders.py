"""What somebody who plays an agent asks for, as frames of `api/agent_socket.py`: JSON, `type` says which.

A panel carries them out.
"""

from typing import TypeAlias

import msgspec

from callpark.flows.agents.panel import Panel


class SetStatus(msgspec.Struct, frozen=True, tag="status", rename="camel"):
    status: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.set_status(self.status)


class Accept(msgspec.Struct, frozen=True, tag="accept", rename="camel"):
    contact_id: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.accept(self.contact_id)


class Reject(msgspec.Struct, frozen=True, tag="reject", rename="camel"):
    contact_id: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.reject(self.contact_id)


class Say(msgspec.Struct, frozen=True, tag="say", rename="camel"):
    contact_id: str
    text: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.say(self.contact_id, self.text)


class Hold(msgspec.Struct, frozen=True, tag="hold", rename="camel"):
    contact_id: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.hold(self.contact_id)


class Resume(msgspec.Struct, frozen=True, tag="resume", rename="camel"):
    contact_id: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.resume(self.contact_id)


class Transfer(msgspec.Struct, frozen=True, tag="transfer", rename="camel"):
    contact_id: str
    to: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.transfer(self.contact_id, self.to)


class HangUp(msgspec.Struct, frozen=True, tag="hang_up", rename="camel"):
    contact_id: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.hang_up(self.contact_id)


class Clear(msgspec.Struct, frozen=True, tag="clear", rename="camel"):
    contact_id: str

    async def carry_out(self, panel: Panel) -> None:
        await panel.clear(self.contact_id)


Order: TypeAlias = SetStatus | Accept | Reject | Say | Hold | Resume | Transfer | HangUp | Clear
