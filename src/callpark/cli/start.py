"""`callpark start`: serve a project until told to stop."""

from pathlib import Path
from typing import Annotated

import typer

from callpark.cli import options
from callpark.cli.loop import run


def start(
    project: options.Project = Path(),
    host: options.Host = "127.0.0.1",
    port: options.Port = 4566,
    data: options.Data = None,
    limit: options.LimitAssignments = None,
    parameter: options.Parameters = None,
    upstream: options.UpstreamAssignments = None,
    database: options.DatabaseAssignments = None,
    jwks: options.KeySources = None,
    strict: options.Strict = False,
    store: options.Store = "",
    store_replicas: options.StoreReplicas = None,
    node_name: options.NodeName = "",
    advertise: options.Advertise = "",
    empty: Annotated[
        bool, typer.Option("--empty", help="Serve no project, only what boto3 or the AWS CLI makes.")
    ] = False,
) -> int:
    """Serve a project; its accepted events and waiting contacts survive a restart."""
    asked = options.Serving(
        project=project,
        host=host,
        port=port,
        data=data,
        limit=limit,
        parameter=parameter,
        upstream=upstream,
        database=database,
        jwks=jwks,
        strict=strict,
        store=store,
        store_replicas=store_replicas,
        node_name=node_name,
        advertise=advertise,
    )
    from callpark.cli.serving import serve, settle

    return run(serve(settle(asked), None if empty else project))
