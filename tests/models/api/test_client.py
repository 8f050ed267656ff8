"""Who asks, as far as fairness is concerned."""

import pytest

from callpark.models.api.client import caller

pytestmark = pytest.mark.unit

SIGNED = "AWS4-HMAC-SHA256 Credential=AKIDALICE/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ""),
        ({"authorization": SIGNED}, "AKIDALICE"),
        ({"authorization": "Bearer bedrock-api-key-abc"}, "Bearer bedrock-api-key-abc"),
        ({"authorization": SIGNED, "x-amzn-trace-id": "Root=1-a-b;Lineage=aa11:1"}, "function aa11"),
        ({"authorization": SIGNED, "x-amzn-trace-id": "Root=1-a-b;Lineage=aa11:1|bb22:3"}, "function bb22"),
        ({"authorization": SIGNED, "x-amzn-trace-id": "Root=1-a-b;Lineage=aa11:1%7Cbb22:3;Sampled=0"}, "function bb22"),
        ({"authorization": SIGNED, "x-amzn-trace-id": "Root=1-a-b"}, "AKIDALICE"),
    ],
)
def test_callers(headers: dict[str, str], expected: str) -> None:
    assert caller(headers) == expected
