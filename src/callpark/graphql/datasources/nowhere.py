"""The world of an API that was given none: nobody serves anything. What tests and evaluation use."""

from collections.abc import Mapping

from callpark.graphql.datasources.port import Database, HttpFailure, HttpReply, HttpRequest, Outside
from callpark.kernel.errors import CallerError


class _Nobody:
    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        raise CallerError("ServiceUnavailable", 503, f"Nobody serves {service}.")

    def address(self, service: str) -> str | None:
        return None

    async def send(self, request: HttpRequest, most_bytes: int) -> HttpReply:
        raise HttpFailure("ConnectException", f"{request.method} {request.url}: there is no network here.")

    def find(self, cluster: str, database: str | None) -> Database | None:
        return None


NOWHERE = Outside(_Nobody(), _Nobody(), _Nobody())
