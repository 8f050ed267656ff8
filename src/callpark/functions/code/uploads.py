"""Archives as requests bring them: in the request itself, or as an object in a bucket of whoever serves Amazon S3.

Called by `api/functions.py` and `api/layers.py`; what an archive may hold is checked by `archive.py`.
https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
"""

from collections.abc import Mapping

from callpark.functions import refusals
from callpark.functions.upstreams import Upstreams
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits


class Uploads:
    def __init__(self, upstreams: Upstreams, limits: LambdaLimits) -> None:
        self._upstreams = upstreams
        self._limits = limits

    async def archive(self, code: Mapping[str, object], operation: str) -> bytes:
        """`code` is a FunctionCode or a LayerVersionContentInput. Raises CallerError for what is not a zip, for an
        object that cannot be had, and for a request that AWS finds too large before it looks at the archive."""
        if code.get("SourceKMSKeyArn"):
            raise refusals.invalid_parameter("callpark does not support SourceKMSKeyArn (encrypted packages).")
        if code.get("ImageUri"):
            raise refusals.invalid_parameter("callpark does not support ImageUri (container images).")
        data, bucket, key = code.get("ZipFile"), code.get("S3Bucket"), code.get("S3Key")
        if isinstance(data, bytes):
            if bucket or key:
                text = "Please do not provide other FunctionCode parameters when providing a ZipFile."
                raise refusals.invalid_parameter(text)
            return self._direct(data, operation)
        if not isinstance(bucket, str) or not isinstance(key, str):
            raise refusals.invalid_parameter("Please provide a source for function code.")
        version = code.get("S3ObjectVersion")
        return await self.stored(bucket, key, version if isinstance(version, str) else None)

    async def stored(self, bucket: str, key: str, version: str | None) -> bytes:
        """An object's content. Raises CallerError in the words that AWS has for it (field reports)."""
        parameters: dict[str, object] = {"Bucket": bucket, "Key": key}
        if version is not None:
            parameters["VersionId"] = version
        try:
            members = await self._upstreams.call("s3", "GetObject", parameters)
        except CallerError as error:
            if error.status >= 500:  # it is nobody's object that is missing
                raise
            text = f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
            raise refusals.invalid_parameter(text) from None
        body = members.get("Body")
        return body if isinstance(body, bytes) else b""

    def _direct(self, data: bytes, operation: str) -> bytes:
        if 4 * -(-len(data) // 3) > self._limits.code_request_bytes:  # as base64
            raise refusals.too_large(
                f"Request must be smaller than {self._limits.code_request_bytes} bytes for the {operation} operation"
            )
        if len(data) > self._limits.zip_bytes:
            raise refusals.too_large(f"Zipped size must be smaller than {self._limits.zip_bytes} bytes")
        return data
