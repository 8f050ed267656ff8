"""arn, ids, limits."""

import dataclasses
import itertools
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.arn import Arn, Place, function_name
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids, SeededIds, SystemIds
from callpark.kernel.limits import Limits

pytestmark = pytest.mark.unit


class TestArn:
    @pytest.mark.parametrize(
        ("text", "resource"),
        [
            ("arn:aws:lambda:us-east-1:123456789012:function:echo", "function:echo"),
            ("arn:aws:lambda:us-east-1:123456789012:function:echo:$LATEST", "function:echo:$LATEST"),
            ("arn:aws:s3:::bucket/key:with:colons", "bucket/key:with:colons"),
            ("arn:aws-cn:sqs:cn-north-1:1:queue", "queue"),
        ],
    )
    def test_the_resource_keeps_its_colons(self, text: str, resource: str) -> None:
        arn = Arn.parse(text)
        assert arn is not None
        assert arn.resource == resource
        assert str(arn) == text

    @pytest.mark.parametrize(
        "text",
        ["", "echo", "arn:aws:lambda", "arn:aws:lambda:r:a:", "arn::lambda:r:a:x", "arn:aws::r:a:x", "xarn:a:b:c:d:e"],
    )
    def test_what_is_not_an_arn(self, text: str) -> None:
        assert Arn.parse(text) is None

    @given(st.text())
    def test_any_text_is_an_arn_that_prints_the_same_or_none(self, text: str) -> None:
        arn = Arn.parse(text)
        assert arn is None or str(arn) == text

    def test_a_place_makes_arns(self) -> None:
        place = Place("111122223333", "eu-west-2")
        assert place.arn("lambda", "function:f") == "arn:aws:lambda:eu-west-2:111122223333:function:f"


class TestIds:
    @pytest.mark.parametrize("ids", [SystemIds(), SeededIds(5)])
    def test_shapes(self, ids: Ids) -> None:
        for _ in range(50):
            made = ids.uuid()
            assert str(uuid.UUID(made)) == made
            assert uuid.UUID(made).version == 4
            assert re.fullmatch(r"[0-9a-f]{7}", ids.hex(7))
            assert 0 <= ids.fraction() < 1
        assert len({ids.uuid() for _ in range(100)}) == 100

    def test_system_uuids_count_up_in_front_and_are_random_behind(self) -> None:
        made = [uuid.UUID(ids.uuid()) for ids in (SystemIds(), SystemIds()) for _ in range(1_000)]
        for one, after in itertools.pairwise(made[:1_000]):
            assert after.int >> 96 == ((one.int >> 96) + 1) % 2**32
        assert all(one.version == 4 for one in made)
        assert {one.clock_seq_hi_variant >> 4 for one in made} == {8, 9, 10, 11}
        assert len({one.int % 2**96 for one in made}) == len(made)

    def test_the_same_seed_gives_the_same_ids(self) -> None:
        def drawn(seed: int) -> list[object]:
            ids = SeededIds(seed)
            return [ids.uuid(), ids.hex(32), ids.fraction(), ids.uuid()]

        assert drawn(1) == drawn(1)
        assert drawn(1) != drawn(2)


class TestLimits:
    def test_overrides_leave_the_rest_and_the_original_alone(self) -> None:
        limits = Limits()
        changed = limits.override(["lambda.retry_base_seconds=5", " connect.functions_in_flight = 3"])
        assert changed.lambda_.retry_base_seconds == 5.0
        assert changed.connect.functions_in_flight == 3
        assert limits == Limits()
        assert dataclasses.replace(changed, lambda_=limits.lambda_, connect=limits.connect) == limits

    @pytest.mark.parametrize(
        "assignment",
        [
            "",
            "x",
            "lambda=1",
            "lambda.nothing=1",
            "nothing.x=1",
            "lambda.retry_base_seconds",
            "rows.x=1",
            "override.x=1",
        ],
    )
    def test_what_does_not_exist_is_refused(self, assignment: str) -> None:
        with pytest.raises(ProjectError) as refusal:
            Limits().override([assignment])
        assert refusal.value.cause == f"unknown limit: {assignment!r}"
        assert "callpark limits" in refusal.value.remedy

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("lambda.retry_base_seconds", "soon"),
            ("lambda.retry_base_seconds", "nan"),
            ("lambda.retry_base_seconds", "inf"),
            ("lambda.maximum_retry_attempts", "1.5"),
            ("lambda.maximum_retry_attempts", ""),
        ],
    )
    def test_a_value_must_be_a_number(self, name: str, text: str) -> None:
        with pytest.raises(ProjectError, match=f"limit {re.escape(name)} needs a number") as refusal:
            Limits().override([f"{name}={text}"])
        assert refusal.value.remedy.startswith(f"write --limit {name}=")

    def test_a_value_must_not_be_negative(self) -> None:
        with pytest.raises(ProjectError, match="cannot be negative: -1"):
            Limits().override(["lambda.retry_base_seconds=-1"])

    def test_every_limit_has_a_unit_and_a_source_and_can_be_overridden_by_its_name(self) -> None:
        rows = Limits().rows()
        assert len({name for name, *_ in rows}) == len(rows)
        for name, value, unit, source in rows:
            assert unit, name
            assert source, name
            assert Limits().override([f"{name}={value}"]) == Limits()


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:lambda:eu-west-2:1:function:F", "F"),
        ("arn:aws:lambda:eu-west-2:1:function:F:LIVE", "F"),
        ("arn:aws:lambda:eu-west-2:1:layer:F", None),
        ("arn:aws:sqs:eu-west-2:1:F", None),
        ("F", None),
        ("arn:aws:lambda:eu-west-2:1:function:", None),
    ],
)
def test_function_names(arn: str, name: str | None) -> None:
    assert function_name(arn) == name
