"""Where an Event API is reached. `projects/` puts these into templates, `api/` serves them, `cli/` prints them."""

from urllib.parse import urlsplit


def event_url(base_url: str, api_id: str) -> str:
    """`http://host:port/apis/<id>/event`: where events are published, and what Amplify is configured with."""
    return f"{base_url}/apis/{api_id}/event"


def event_realtime_url(base_url: str, api_id: str) -> str:
    """`ws://host:port/apis/<id>/event/realtime`"""
    parts = urlsplit(event_url(base_url, api_id))
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path}/realtime"
