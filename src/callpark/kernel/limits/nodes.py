"""Several nodes: how they act as one, and how their store keeps its promises."""

from dataclasses import dataclass

from callpark.kernel.limits.limit import limit


@dataclass(frozen=True, slots=True)
class ClusterLimits:
    """Ours: how several nodes act as one."""

    beat_seconds: float = limit(0.5, "s", "our rule: a node says that it lives this often")
    fence_seconds: float = limit(2.0, "s", "our rule: a node that most others have not heard for so long acts no more")
    silence_seconds: float = limit(3.0, "s", "our rule: a node that was not heard for so long is left out")
    owner_seconds: float = limit(10.0, "s", "our rule: a request waits so long for an owner, then it is a 503")
    answer_seconds: float = limit(920.0, "s", "our rule: another node's answer; longer than any function runs")
    reach_seconds: float = limit(6.0, "s", "our rule: a node that answers nothing for so long is asked nothing more")
    gather_seconds: float = limit(2.0, "s", "our rule: what all nodes are asked at once; then the silent are left out")
    retry_after_seconds: int = limit(1, "s", "our rule: Retry-After of what the cluster cannot do now")
    refresh_seconds: float = limit(15.0, "s", "our rule: rows that others changed are read again this often, unasked")
    start_seconds: float = limit(60.0, "s", "our rule: until a node has joined, or says that it cannot")


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Ours: how the store of several nodes keeps its promises. Seconds are the machine's."""

    beat_seconds: float = limit(1.0, "s", "our rule: a node writes that it lives this often")
    lapse_seconds: float = limit(4.0, "s", "our rule: a node leases nothing when its last stored beat is older")
    silence_seconds: float = limit(5.0, "s", "our rule: a node that was silent for so long has lost its leases")
    answer_seconds: float = limit(2.0, "s", "our rule: one question to the servers; then it is asked again")
    socket_seconds: float = limit(3.0, "s", "our rule: a NATS server that says nothing for so long is left for another")
    server_seconds: float = limit(3.0, "s", "our rule: when nothing was stored for so long, others are looked at")
    commit_seconds: float = limit(15.0, "s", "our rule: a commit that is not stored by then fails")
    start_seconds: float = limit(30.0, "s", "our rule: until the servers are there at a start; then it fails")
    preference_seconds: float = limit(0.1, "s", "our rule: a free item is left so long to the node that hashing names")
    claim_ahead_seconds: float = limit(5.0, "s", "our rule: free items are taken so long before they are ready")
    claim_items: int = limit(256, "items", "our rule: ready items of a queue that one of several nodes holds unleased")
    journal_seconds: float = limit(10.0, "s", "our rule: what a node puts and takes is written down after so long")
    journal_bytes: int = limit(8_388_608, "B", "our rule: of items in a node's journal; more are written down")
    journal_records: int = limit(500, "records", "our rule: of a node's journal, from the first with items on")
