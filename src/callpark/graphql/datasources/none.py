"""NONE: the payload is the result. https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-none-js.html"""

from collections.abc import Mapping

from callpark.graphql.datasources.port import Outcome


class NoneSource:
    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        return Outcome(request.get("payload"))
