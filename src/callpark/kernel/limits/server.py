"""One server: what clients may ask of it, what it asks of upstreams, how large its project may be."""

from dataclasses import dataclass

from callpark.kernel.limits.limit import limit


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """Ours: what one client may ask of the server."""

    body_bytes: int = limit(75_497_472, "B", "our rule: 50 MB of zip in base64, and its JSON")
    header_bytes: int = limit(65_536, "B", "our rule: one request's headers")
    connections: int = limit(4_000, "connections", "our rule: open at once, web sockets included")
    keep_alive_seconds: int = limit(75, "s", "our rule: an idle connection; longer than SDKs keep theirs unused")
    shutdown_seconds: int = limit(5, "s", "our rule: what still runs when the server stops is cut after this")
    websocket_cut_seconds: float = limit(
        10.0, "s", "our rule: a client may take what was sent when its web socket ended"
    )
    tls_handshake_seconds: float = limit(10.0, "s", "our rule: real time for a client to finish its TLS handshake")
    tls_farewell_seconds: float = limit(0.2, "s", "our rule: real time for an idle TLS client when the server stops")
    certificate_days: int = limit(825, "days", "support.apple.com/103769: what Safari takes at most")
    websocket_message_bytes: int = limit(1_048_576, "B", "our rule: one message from a web socket's client")


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Ours: what is asked of whoever serves the services that we do not."""

    connections: int = limit(256, "connections", "our rule: to all upstreams, of one kind of call")
    connect_seconds: float = limit(5.0, "s", "our rule: until an upstream accepts a connection or one becomes free")
    silence_seconds: float = limit(120.0, "s", "our rule: an upstream that says nothing for so long has failed")
    start_seconds: float = limit(60.0, "s", "our rule: until the fallback's process is ready")
    answer_bytes: int = limit(268_435_456, "B", "our rule: an answer that callpark itself reads; 250 MB of code")


@dataclass(frozen=True, slots=True)
class ProjectLimits:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html unless marked."""

    template_bytes: int = limit(1_048_576, "B", "cloudformation-limits: template body in an S3 object, 1 MB")
    template_nodes: int = limit(250_000, "nodes", "our rule: values of a template, aliases expanded")
    template_depth: int = limit(100, "levels", "our rule: nesting of a template")
