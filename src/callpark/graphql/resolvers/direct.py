"""A function that receives the resolver's context itself. Used by `step.py` and `templates.py`.

https://docs.aws.amazon.com/appsync/latest/devguide/direct-lambda-reference.html
"""

from collections.abc import Hashable, Sequence

from callpark.graphql.datasources.lambda_ import LambdaSource, function_input
from callpark.graphql.datasources.port import Outcome, SourceError
from callpark.graphql.resolvers.batching import gathered
from callpark.graphql.resolvers.run import ResolverRun


async def direct_outcome(
    run: ResolverRun, previous: object, source: LambdaSource, batch_size: int, step: Hashable, deadline: float
) -> Outcome:
    """What the function answers; with a batch size it expects a list of contexts."""
    payload = run.direct_payload(previous)

    async def send(payloads: Sequence[object]) -> Sequence[Outcome]:
        return await source.call_batch(payloads, "RequestResponse", deadline)

    if not batch_size:
        return await source.invoke(function_input(payload), deadline)
    return _answer_of_item(await gathered(run.call.execution, step, payload, batch_size, send))


def _answer_of_item(outcome: Outcome) -> Outcome:
    """A batching function answers with `{data, errorMessage, errorType}` for each context."""
    item = outcome.result
    if outcome.error is not None or not isinstance(item, dict):
        return outcome
    message, kind = item.get("errorMessage"), item.get("errorType")
    if message is not None or kind is not None:
        return Outcome(item.get("data"), SourceError(str(message), str(kind)))
    return Outcome(item.get("data"))
