"""`callpark auth token`: a token of the local user pool, for a client in development."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from callpark.cli import exits, options
from callpark.cli.screen import answers, remarks
from callpark.kernel.errors import ProjectError

_LONGEST_SECONDS = 86_400
"""Cognito's tokens live for a day at most."""


def token(
    user: Annotated[str, typer.Option(help="The user's name, `cognito:username`.")],
    groups: Annotated[str | None, typer.Option(help="The user's groups, separated by commas.")] = None,
    project: Annotated[Path, typer.Option(help="The project that is served; its user pool is the issuer.")] = Path(),
    data: options.Data = None,
    pool: Annotated[str | None, typer.Option(help="The user pool's id, when the project has none or several.")] = None,
    client_id: Annotated[str, typer.Option(help="The app client, `aud` and `client_id`.")] = "callpark",
    claim: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A further claim of the id token; repeatable.")
    ] = None,
    expires_in: Annotated[int, typer.Option(help="Seconds.", min=1, max=_LONGEST_SECONDS)] = 3_600,
    access: Annotated[bool, typer.Option("--access", help="Print the access token instead of the id token.")] = False,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Mint Cognito-style tokens that the project's APIs accept."""
    from callpark.graphql.auth.local_pool import LocalPool, Subject
    from callpark.kernel.clock import SystemClock
    from callpark.kernel.ids import SystemIds

    root = project if project.is_dir() else project.parent
    region, pool_id = _pool(project, pool)
    subject = Subject(user, _listed(groups), client_id, options.parameters(claim))
    local = LocalPool((data or root / ".callpark").absolute())
    minted = local.mint(region, pool_id, subject, SystemClock().now(), expires_in, SystemIds().uuid())
    if output is options.Output.JSON:
        tokens = {"idToken": minted.id_token, "accessToken": minted.access_token}
        document = {**tokens, "issuer": minted.issuer, "expires": int(minted.expires)}
        answers.print(orjson.dumps(document).decode(), markup=False)
    else:
        answers.print(minted.access_token if access else minted.id_token, markup=False)
        remarks.print(f"issuer {minted.issuer}, good for {expires_in} s", style="dim")
    return exits.OK


def _listed(groups: str | None) -> list[str]:
    return [name.strip() for name in (groups or "").split(",") if name.strip()]


def _pool(project: Path, named: str | None) -> tuple[str, str]:
    """Region and id. Raises ProjectError when it is not clear which."""
    from callpark.graphql.model import UserPoolConfig
    from callpark.kernel.arn import Place
    from callpark.projects.load import load_project

    if named is not None:
        region, underscore, _ = named.partition("_")
        return (region if underscore else Place().region), named
    apis = load_project(project, place=Place(), base_url=options.DEFAULT_ENDPOINT).apis
    configurations = [each.configuration for api in apis for each in api.authentication]
    pools = {(each.region, each.user_pool_id) for each in configurations if isinstance(each, UserPoolConfig)}
    if len(pools) == 1:
        return pools.pop()
    found = ", ".join(sorted(pool_id for _, pool_id in pools)) or "none"
    raise ProjectError(f"which user pool? The APIs of {project} name {found}", "name one with --pool REGION_ID")
