"""The digests SDKs check, against values recorded from the service."""

import pytest

from callpark.queues.digests import attributes_digest, body_digest
from callpark.queues.model import MessageAttribute

pytestmark = pytest.mark.unit


def text(value: str, data_type: str = "String") -> MessageAttribute:
    return MessageAttribute(data_type, text=value)


@pytest.mark.parametrize(
    ("attributes", "digest"),
    [
        ({"Foo": text("Bar")}, "ae7155c6026991b6d54b11589678bf9c"),
        ({"General": text("Kenobi"), "Hello": text("There")}, "fca026605781cb4126a1e9044df24232"),
        (
            {"Help.Me": text("Me"), "General": text("Kenobi"), "Hello": text("There")},
            "4c360f3fdafd970e05fae2f149d997f5",
        ),
        (
            {
                "attr1": MessageAttribute(
                    "Binary", binary=b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
                )
            },
            "8cbe4db156db8a94db8b801b7addb984",
        ),
    ],
)
def test_recorded_attribute_digests(attributes: dict[str, MessageAttribute], digest: str) -> None:
    assert attributes_digest(attributes) == digest


def test_recorded_body_digest() -> None:
    assert body_digest("msg") == "6e2baaf3b97dbeef01c0043275f9a0e7"
