"""AWS STS as boto3 asks it."""

import asyncio
from pathlib import Path

import boto3
import pytest

from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.compat


async def test_boto3_is_told_the_local_account_over_the_query_protocol(tmp_path: Path) -> None:
    async with served(Settings(data=tmp_path, port=0)) as app:

        def ask() -> dict[str, str]:
            sts = boto3.client(
                "sts",
                endpoint_url=app.base_url,
                region_name="us-east-1",
                aws_access_key_id="callpark",
                aws_secret_access_key="callpark",
            )
            return dict(sts.get_caller_identity())

        identity = await asyncio.to_thread(ask)
    assert identity["Account"] == app.settings.place.account
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/callpark/callpark"
