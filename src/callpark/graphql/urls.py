"""Where an API is reached. `projects/` puts these into templates, `api/` serves them, `cli/` prints them."""

from urllib.parse import urlsplit


def graphql_url(base_url: str, api_id: str) -> str:
    """`http://host:port/apis/<id>/graphql`"""
    return f"{base_url}/apis/{api_id}/graphql"


def realtime_url(base_url: str, api_id: str) -> str:
    """`ws://host:port/apis/<id>/graphql/realtime`: the GraphQL URL with `/realtime`, as Amplify derives it."""
    parts = urlsplit(graphql_url(base_url, api_id))
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path}/realtime"
