"""A contact's saved form: everything comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.contact import (
    Awaited,
    Calling,
    Collecting,
    Contact,
    End,
    Invocation,
    Memory,
    Party,
    Speaking,
    Voice,
    WaitState,
    from_bytes,
    to_bytes,
)

pytestmark = pytest.mark.unit

instants = st.floats(0, 4e9)
names = st.text(max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
texts = st.dictionaries(names, names, max_size=3)
parties = st.builds(
    Party, names, names, names, st.none() | names, st.none() | names, instants, st.sampled_from(["VOICE", "CHAT"])
)
memories = st.builds(
    Memory,
    attributes=texts,
    flow_attributes=texts,
    external=json_values,
    invocation_id=st.none() | names,
    stored_input=st.none() | names,
    loop_rounds=st.dictionaries(names, st.integers(0, 100), max_size=2),
    voice=st.builds(Voice, names, st.none() | names, st.none() | names),
    logging=st.booleans(),
)
invocations = st.builds(
    Invocation,
    id=names,
    function_arn=names,
    started_at=instants,
    deadline=instants,
    asynchronous=st.booleans(),
    validation=st.sampled_from(["STRING_MAP", "JSON", "LENIENT"]),
    payload=st.binary(max_size=5),
    state=st.sampled_from(["pending", "succeeded", "failed", "timed_out", "abandoned"]),
    result=json_values,
    reason=names,
)
activities = st.one_of(
    st.none(),
    st.builds(Speaking),
    st.builds(Calling, names),
    st.builds(Collecting, st.integers(1, 9), names, names, st.booleans()),
)
waits = st.builds(
    WaitState, names, instants, st.lists(st.builds(Awaited, names, names), max_size=2).map(tuple), st.booleans()
)
contacts = st.builds(
    Contact,
    parties,
    names,
    names,
    memories,
    activities,
    st.none() | waits,
    st.dictionaries(names, instants, max_size=2).map(lambda timers: tuple(timers.items())),
    st.dictionaries(names, invocations, max_size=2),
    st.integers(0, 10_000),
    st.floats(0, 20),
    st.integers(0, 5),
    st.none() | st.builds(End, names, names),
)


@given(contacts)
def test_every_contact_comes_back_as_it_was(contact: Contact) -> None:
    assert from_bytes(to_bytes(contact)) == contact


@given(st.binary(max_size=40))
def test_what_is_no_contact_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_bytes(data)


def test_a_parked_contact_is_small() -> None:
    party = Party("0e6f9f8a-0f7f-4f57-9a5e-0a3f4a1b2c3d", "arn:aws:connect:…", "us-east-1", "+441632960001", None, 0.0)
    contact = Contact(
        party, "flow", "wait", wait=WaitState("wait", 1.0, (Awaited("R", "id"),)), timers=(("wait", 60.0),)
    )
    assert len(to_bytes(contact)) < 400
