"""`callpark dev`: serve a project and reload it when its files change."""

from pathlib import Path

from callpark.cli import options
from callpark.cli.loop import run


def dev(
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
) -> int:
    """Serve a project with hot reload and live logs."""
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
    )
    from callpark.cli.reloading import serve_and_reload
    from callpark.cli.serving import settle

    return run(serve_and_reload(settle(asked), project))
