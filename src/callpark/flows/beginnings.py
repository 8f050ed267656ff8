"""How contacts come to be that nobody calls with: chats, and those that another contact makes. Pure.

Called by `service.py` and `open_contacts.py`; a call needs no more than `engine.new_contact`.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.chat.model import ChatSession
from callpark.flows.contact import Contact, Memory, Party, Record
from callpark.flows.effects import OpenContact
from callpark.flows.engine import new_contact
from callpark.flows.program import Program
from callpark.flows.turn import BEGINNING, CHAT_OVER, CONNECTION
from callpark.kernel.limits import ConnectLimits


def chat(
    party: Party,
    program: Program,
    limits: ConnectLimits,
    attributes: Mapping[str, str],
    seconds: float | None,
    session: ChatSession | None,
    record: Record,
) -> Contact:
    """Waits for its customer; over after `seconds`, 25 hours unless given."""
    timers = (
        (CONNECTION, party.started_at + limits.chat_connection_seconds),
        (CHAT_OVER, party.started_at + (limits.chat_seconds if seconds is None else seconds)),
    )
    initial = None if session is None else session.initial
    own = initial is not None and initial.author.role == "CUSTOMER"
    found = {"Media": {"InitialMessage": initial.content}} if own and initial is not None else {}
    memory = Memory(attributes=attributes, record=record, found=found)
    return msgspec.structs.replace(new_contact(party, program, memory), timers=timers, chat=session)


def standing_before_its_flow(party: Party, program: Program, memory: Memory, until: float) -> Contact:
    return msgspec.structs.replace(new_contact(party, program, memory), timers=((BEGINNING, until),))


def made_by(creator: Contact, effect: OpenContact, program: Program) -> Contact:
    """Stands before its flow until it starts; a task is related to its maker, a callback follows it."""
    task = effect.channel == "TASK"
    party = Party(
        contact_id=effect.contact_id,
        instance_arn=creator.party.instance_arn,
        region=creator.party.region,
        caller=effect.address,
        number=None if task else creator.party.number,
        started_at=effect.starts_at,
        channel=effect.channel,
        initiation_method=effect.initiation_method,
        language_code=creator.party.language_code,
        initial_contact_id=None if task else creator.party.initial_contact_id or creator.id,
        related_contact_id=creator.id if task else None,
        flow_arn=program.flow.arn,
    )
    memory = Memory(attributes=effect.attributes, record=effect.record, logging=creator.memory.logging)
    return standing_before_its_flow(party, program, memory, effect.starts_at)
