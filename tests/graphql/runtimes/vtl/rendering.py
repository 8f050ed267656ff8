"""A template printed as Velocity would, without the reading of the output as JSON; and evaluated as AppSync would."""

from collections.abc import Mapping
from contextlib import suppress

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.failures import Break, Stop
from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.graphql.runtimes.vtl.run import Bounds, Run
from callpark.graphql.runtimes.vtl.template import Compiled

BOUNDS = Bounds(2.0, 67_108_864, 5_242_880, 1_000, 20)


def context(**members: object) -> dict[str, object]:
    """A whole context; `arguments` and other members as given."""
    return {
        "arguments": {},
        "source": None,
        "identity": None,
        "request": {"headers": {"x-api-key": "da2-k"}, "domainName": None},
        "stash": {},
        "prev": None,
        "env": {"STAGE": "test"},
        "outErrors": [],
        "info": {
            "fieldName": "f",
            "parentTypeName": "Query",
            "variables": {},
            "selectionSetList": ["a", "a/b"],
            "selectionSetGraphQL": "{\n  a { b }\n}",
        },
        **members,
    }


def printed(source: str, **variables: object) -> str:
    """What the template prints, with these variables set."""
    run = Run(BOUNDS, dict(variables), 1_767_225_600.0, "seed", "API Key Authorization")
    with suppress(Stop, Break):
        Compiled(source).render(run)
    return "".join(run.out)


async def evaluate(host: VtlHost, source: str, given: Mapping[str, object] | None = None) -> Evaluation:
    done = host.load(source).evaluate(given if given is not None else context(), "API Key Authorization")
    return done if isinstance(done, Evaluation) else await done


async def value_of(host: VtlHost, source: str, given: Mapping[str, object] | None = None) -> object:
    evaluation = await evaluate(host, source, given)
    assert evaluation.halt is None, evaluation.halt
    return evaluation.value


async def failure_of(host: VtlHost, source: str, given: Mapping[str, object] | None = None) -> str:
    """The message of the MappingTemplate error that ends the evaluation."""
    halt = (await evaluate(host, source, given)).halt
    assert halt is not None
    assert halt["kind"] == "error"
    assert halt["type"] == "MappingTemplate"
    return str(halt["message"])
