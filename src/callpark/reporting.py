"""What a server says about itself, of what its services tell. Called by `app.py`; the shapes are `health.py`'s."""

from collections.abc import Sequence

from callpark.functions.service import Functions
from callpark.gateway.certificate import Certificate
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.channels.urls import event_realtime_url, event_url
from callpark.graphql.model import ApiDefinition
from callpark.graphql.urls import graphql_url, realtime_url
from callpark.health import ApiHealth, EventApiHealth, FlowHealth, Health, UpstreamHealth
from callpark.kernel.arn import Place
from callpark.queues.model import Queue


def reported(
    place: Place,
    base_url: str,
    *,
    functions: Functions,
    apis: Sequence[ApiDefinition],
    event_apis: Sequence[EventApiDefinition],
    flows: Sequence[tuple[str, str, list[str]]],
    queues: Sequence[Queue],
    certificate: Certificate,
    upstreams: Sequence[tuple[str, str]],
) -> Health:
    """`flows` are names, ARNs and numbers; `upstreams` services and who serves them."""
    return Health(
        status="ready",
        region=place.region,
        account=place.account,
        functions=[function.configuration.name for function in functions.functions()],
        function_urls=functions.urls.addresses(),
        apis=[
            ApiHealth(
                name=api.name,
                id=api.api_id,
                graphql_url=graphql_url(base_url, api.api_id),
                realtime_url=realtime_url(base_url, api.api_id),
                api_key=api.api_keys[0].key if api.api_keys else None,
            )
            for api in apis
        ],
        event_apis=[
            EventApiHealth(
                name=api.name,
                id=api.api_id,
                event_url=event_url(base_url, api.api_id),
                realtime_url=event_realtime_url(base_url, api.api_id),
                api_key=api.api_keys[0].key if api.api_keys else None,
                namespaces=[namespace.name for namespace in api.namespaces],
            )
            for api in event_apis
        ],
        flows=[FlowHealth(*flow) for flow in flows],
        queues=[queue.name for queue in queues],
        certificate=str(certificate.path) if certificate.path.exists() else None,
        upstreams=[UpstreamHealth(*upstream) for upstream in upstreams],
    )
