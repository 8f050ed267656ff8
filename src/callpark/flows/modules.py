"""Into a flow module and out of it: what belonged to the run of the calling flow waits in a frame. Pure.

Called by `walking.py`, and by `engine.py` for a Wait whose Continue branch is in a module.
"""

from callpark.flows.contact import Frame
from callpark.flows.program import Program
from callpark.flows.turn import Turn


def enter_module(turn: Turn, program: Program, input_: object) -> None:
    memory = turn.memory
    frame = Frame(
        turn.flow_arn,
        turn.step.action.identifier,
        memory.flow_attributes,
        memory.loop_rounds,
        memory.loops,
        memory.module_input,
    )
    turn.frames = (*turn.frames, frame)
    turn.switch(program)
    turn.remember(module_input=input_)


def leave_modules(turn: Turn, depth: int) -> Frame | None:
    """Come out of modules until so deep; the frame of the last one left, None when its flow is gone."""
    frame = turn.frames[depth]
    flow = turn.world.flow(frame.flow_arn) or turn.world.module(frame.flow_arn)
    if flow is None or frame.action not in flow.steps:
        return None
    turn.frames = turn.frames[:depth]
    turn.switch(flow)
    turn.remember(
        flow_attributes=frame.flow_attributes,
        loop_rounds=frame.loop_rounds,
        loops=frame.loops,
        module_input=frame.module_input,
    )
    return frame
