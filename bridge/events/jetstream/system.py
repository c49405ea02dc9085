"""What the system account hears of all accounts and servers: leaders, quorums, storage, overload."""

from bridge.event import Field
from bridge.events.jetstream.advisory import CONSUMER, SERVER, STREAM, advisory, same
from bridge.events.lists import counted, is_behind, is_offline, largest, longest_silence, peer_name, peers

_REPLICAS = (
    Field("replicas", "text", "members of the group, as the teller sees them", derive=peers, sources=("replicas",)),
    Field(
        "replicas.not_current",
        "number",
        "members that are behind, as the teller sees them",
        derive=counted(is_behind),
        sources=("replicas",),
    ),
    Field(
        "replicas.offline",
        "number",
        "members that are offline, as the teller sees them",
        derive=counted(is_offline),
        sources=("replicas",),
    ),
    Field("replicas.lag_max", "number", "largest lag of a member", derive=largest("lag"), sources=("replicas",)),
    Field(
        "replicas.active_max",
        "seconds",
        "longest time since a member was heard; members never heard do not count",
        derive=longest_silence,
        sources=("replicas",),
    ),
)
_LEADER = Field("leader", "text", "name of the new leader")


_CLUSTER = Field("server.cluster", "text", "cluster of the server", derive=same, sources=("cluster",))
_PROCESS = (
    SERVER,
    Field("server.id", "text", "id of the server's process", derive=same, sources=("server_id",)),
    _CLUSTER,
    Field("cluster", "text", "the same as server.cluster"),
)
TYPES = (
    advisory(
        "stream_quorum_lost",
        "ADVISORY.STREAM.QUORUM_LOST.*",
        "a replicated stream has no majority: it takes no messages",
        STREAM,
        _REPLICAS,
        severity="critical",
        told_to="both",
    ),
    advisory(
        "consumer_quorum_lost",
        "ADVISORY.CONSUMER.QUORUM_LOST.*.*",
        "a replicated consumer has no majority: it delivers nothing",
        CONSUMER,
        _REPLICAS,
        severity="critical",
        told_to="both",
    ),
    advisory(
        "stream_leader_elected",
        "ADVISORY.STREAM.LEADER_ELECTED.*",
        "a replicated stream has a new leader: its quorum is there",
        STREAM,
        (_LEADER,),
        _REPLICAS,
        told_to="both",
    ),
    advisory(
        "consumer_leader_elected",
        "ADVISORY.CONSUMER.LEADER_ELECTED.*.*",
        "a replicated consumer has a new leader: its quorum is there",
        CONSUMER,
        (_LEADER,),
        _REPLICAS,
        told_to="both",
    ),
    advisory(
        "stream_batch_abandoned",
        "ADVISORY.STREAM.BATCH_ABANDONED.*",
        "a batch of messages was not stored",
        STREAM,
        (
            Field("batch", "text", "id of the batch"),
            Field(
                "reason",
                "text",
                "timeout, large, incomplete or unsupported",
                values=("timeout", "large", "incomplete", "unsupported"),
            ),
        ),
        severity="warning",
        since="2.12.0",
        told_to="both",
    ),
    advisory(
        "domain_leader_elected",
        "ADVISORY.DOMAIN.LEADER_ELECTED",
        "JetStream's meta group has a new leader",
        (
            Field(
                "leader",
                "text",
                "name of the new leader; its id if unknown",
                derive=peer_name,
                sources=("leader", "replicas"),
            ),
            _CLUSTER,
            Field("cluster", "text", "the cluster"),
        ),
        _REPLICAS,
        told_to="system",
        since="2.10.11",
    ),
    advisory(
        "server_out_of_space",
        "ADVISORY.SERVER.OUT_OF_STORAGE",
        "a server's disk is full: its JetStream shuts down",
        _PROCESS,
        (*STREAM, Field("server_id", "text", "the same as server.id")),
        told_to="system",
        severity="critical",
    ),
    advisory(
        "server_removed",
        "ADVISORY.SERVER.REMOVED",
        "a server was removed from JetStream's cluster",
        _PROCESS,
        (Field("server_id", "text", "the same as server.id"),),
        told_to="system",
        severity="warning",
    ),
    advisory(
        "meta_rescue",
        "ADVISORY.SERVER.META_RESCUE",
        "somebody forced a smaller quorum on JetStream's meta group",
        _PROCESS,
        (
            Field("server_id", "text", "the same as server.id"),
            Field("prev_quorum", "number", "the quorum before"),
            Field("new_quorum", "number", "the quorum now"),
        ),
        told_to="system",
        severity="critical",
        since="2.15.0",
    ),
    advisory(
        "api_limit_reached",
        "ADVISORY.API.LIMIT_REACHED",
        "a server dropped requests to JetStream's API; comes in bursts, so sum up `dropped`",
        (SERVER, Field("dropped", "number", "requests that were dropped")),
        told_to="system",
        severity="warning",
        since="2.10.21",
    ),
)
