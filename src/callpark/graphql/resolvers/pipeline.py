"""Pipeline resolvers: request handler, functions in order, response handler. Compiled by `compiler.py`.

https://docs.aws.amazon.com/appsync/latest/devguide/pipeline-resolvers.html
"""

from collections.abc import Sequence

from callpark.graphql.execution import FieldCall, Resolver
from callpark.graphql.request_log import PIPELINE, Stage
from callpark.graphql.resolvers.run import NO_PREVIOUS, EarlyReturn, Handlers, ResolverEnvironment, ResolverRun
from callpark.graphql.resolvers.step import Step
from callpark.graphql.resolvers.templates import MappingTemplates


def pipeline_resolver(
    code: Handlers | None, steps: Sequence[tuple[Stage, Step]], environment: ResolverEnvironment
) -> Resolver:
    """Without code, or without one of the handlers, values pass through."""
    batches = any(step.batch_size for _, step in steps)

    async def resolve(call: FieldCall) -> object:
        run = ResolverRun(call, environment)
        run.stage, run.hurried = PIPELINE, batches
        previous: object = {}
        skip = False
        if code is not None and "request" in code.exports:
            previous = await run.evaluate(code, "request", run.context(NO_PREVIOUS))
            if isinstance(previous, EarlyReturn):
                if isinstance(code, MappingTemplates):
                    return previous.value  # `#return` in a resolver's template ends the resolver
                skip = previous.skip_to != "NEXT"
                previous = previous.value
        for stage, step in () if skip else steps:
            run.stage = stage
            previous = await step.run(run, previous, call.execution.deadline)
            if isinstance(previous, EarlyReturn):
                ended = previous.skip_to == "END"
                previous = previous.value
                if ended:
                    break
        run.stage = PIPELINE
        if code is not None and "response" in code.exports:
            previous = await run.evaluate(code, "response", run.context(previous, result=previous))
        return previous.value if isinstance(previous, EarlyReturn) else previous

    return resolve
