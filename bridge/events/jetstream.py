"""JetStream's advisories and metrics, under the names of their own types."""

from collections.abc import Iterable
from typing import Any

import msgspec

from bridge.event import EventType, Field
from bridge.events.fields import ACCOUNT, OWN, catalogue
from bridge.events.lists import counted, is_behind, is_offline, largest, longest_silence, peer_name, peers

_COMMON = (
    *OWN,
    Field("id", "text", "id of the event"),
    Field("timestamp", "time", "the server's time of the event"),
    Field("domain", "text", "JetStream domain"),
)
_STREAM = (Field("stream", "text", "the stream"),)
_CONSUMER = (*_STREAM, Field("consumer", "text", "the consumer"))
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


def _same(value: Any) -> Any:
    return value


_CLUSTER = Field("server.cluster", "text", "cluster of the server", derive=_same, sources=("cluster",))
_SERVER = Field("server.name", "text", "name of the server", derive=_same, sources=("server",))
_PROCESS = (
    _SERVER,
    Field("server.id", "text", "id of the server's process", derive=_same, sources=("server_id",)),
    _CLUSTER,
    Field("cluster", "text", "the same as server.cluster"),
)
_CLIENT = tuple(
    Field(f"client.{name}", kind, about)  # type: ignore[arg-type]
    for name, kind, about in (
        ("id", "number", "number of the connection"),
        ("host", "text", "address of the client, without port"),
        ("acc", "text", "account of the client"),
        ("user", "text", "user name, nkey or user public key"),
        ("name", "text", "the connection's name, chosen by the client"),
        ("lang", "text", "client library's language"),
        ("ver", "text", "client library's version"),
        ("kind", "text", "Client or Leafnode"),
        ("client_type", "text", "nats, websocket or mqtt"),
        ("server", "text", "server of the connection"),
        ("cluster", "text", "cluster of that server"),
        ("start", "time", "begin of the connection"),
        ("rtt", "seconds", "last measured round trip"),
        ("issuer_key", "text", "public key that signed the user"),
        ("name_tag", "text", "account's name from 2.11 on, the user JWT's name before"),
        ("svc", "text", "account of the service import that the request came through"),
    )
)


class _Fault(msgspec.Struct):
    code: Any = None
    err_code: Any = None
    description: Any = None


class _Response(msgspec.Struct):
    error: _Fault = msgspec.field(default_factory=_Fault)


_decode_response = msgspec.json.Decoder(_Response).decode


def _fault(response: Any) -> _Fault:
    try:
        return _decode_response(response).error if isinstance(response, str) else _Fault()
    except (ValueError, RecursionError):
        return _Fault()


def _fault_number(name: str) -> Any:
    def read(response: Any) -> float:
        value = getattr(_fault(response), name)
        return float(value) if isinstance(value, int) and abs(value) < 2**53 else 0.0

    return read


_AUDIT = (
    _SERVER,
    *_CLIENT,
    Field("request", "text", "the request"),
    Field("response", "text", "the server's answer, JSON"),
    Field(
        "error.code",
        "number",
        "why it failed: 400, 404, 500 …",
        zero=True,
        derive=_fault_number("code"),
        sources=("response",),
    ),
    Field(
        "error.err_code",
        "number",
        "the same, more exactly",
        zero=True,
        derive=_fault_number("err_code"),
        sources=("response",),
    ),
    Field(
        "error.description",
        "text",
        "the same in words",
        derive=lambda response: _fault(response).description,
        sources=("response",),
    ),
)


def _type(
    name: str,
    subjects: str | Iterable[str],
    about: str,
    *fields: Iterable[Field],
    account: str = "account",
    severity: str = "info",
    since: str = "",
    series: tuple[str, ...] = (),
) -> EventType:
    """`subjects`: after `$JS.EVENT.`."""
    ends = (subjects,) if isinstance(subjects, str) else tuple(subjects)
    own = tuple(f"$JS.EVENT.{end}" for end in ends)
    forwarded = tuple(f"$SYS.ACCOUNT.*.JS.EVENT.{end}" for end in ends)
    return EventType(
        name=f"js.{name}",
        subjects=own + forwarded if account else own,
        about=about,
        fields=catalogue(_COMMON, ACCOUNT if account else (), *fields),
        account=account,
        severity=severity,
        since=since,
        series=series,
    )


_STREAM_SEQ = Field("stream_seq", "number", "number of the message in the stream")
_CONSUMER_SEQ = Field("consumer_seq", "number", "number of the delivery of the consumer")
_DELIVERIES = Field("deliveries", "number", "how often the message was delivered")

TYPES = (
    # What the system account hears of all accounts.
    _type(
        "stream_quorum_lost",
        "ADVISORY.STREAM.QUORUM_LOST.*",
        "a replicated stream has no majority: it takes no messages",
        _STREAM,
        _REPLICAS,
        severity="critical",
    ),
    _type(
        "consumer_quorum_lost",
        "ADVISORY.CONSUMER.QUORUM_LOST.*.*",
        "a replicated consumer has no majority: it delivers nothing",
        _CONSUMER,
        _REPLICAS,
        severity="critical",
    ),
    _type(
        "stream_leader_elected",
        "ADVISORY.STREAM.LEADER_ELECTED.*",
        "a replicated stream has a new leader: its quorum is there",
        _STREAM,
        (_LEADER,),
        _REPLICAS,
    ),
    _type(
        "consumer_leader_elected",
        "ADVISORY.CONSUMER.LEADER_ELECTED.*.*",
        "a replicated consumer has a new leader: its quorum is there",
        _CONSUMER,
        (_LEADER,),
        _REPLICAS,
    ),
    _type(
        "stream_batch_abandoned",
        "ADVISORY.STREAM.BATCH_ABANDONED.*",
        "a batch of messages was not stored",
        _STREAM,
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
    ),
    _type(
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
        account="",
        since="2.10.11",
    ),
    _type(
        "server_out_of_space",
        "ADVISORY.SERVER.OUT_OF_STORAGE",
        "a server's disk is full: its JetStream shuts down",
        _PROCESS,
        (*_STREAM, Field("server_id", "text", "the same as server.id")),
        account="",
        severity="critical",
    ),
    _type(
        "server_removed",
        "ADVISORY.SERVER.REMOVED",
        "a server was removed from JetStream's cluster",
        _PROCESS,
        (Field("server_id", "text", "the same as server.id"),),
        account="",
        severity="warning",
    ),
    _type(
        "meta_rescue",
        "ADVISORY.SERVER.META_RESCUE",
        "somebody forced a smaller quorum on JetStream's meta group",
        _PROCESS,
        (
            Field("server_id", "text", "the same as server.id"),
            Field("prev_quorum", "number", "the quorum before"),
            Field("new_quorum", "number", "the quorum now"),
        ),
        account="",
        severity="critical",
        since="2.15.0",
    ),
    _type(
        "api_limit_reached",
        "ADVISORY.API.LIMIT_REACHED",
        "a server dropped requests to JetStream's API; comes in bursts, so sum up `dropped`",
        (_SERVER, Field("dropped", "number", "requests that were dropped")),
        account="",
        severity="warning",
        since="2.10.21",
    ),
    # What only the account itself hears, and those that import it.
    _type(
        "api_audit",
        "ADVISORY.API",
        "somebody used JetStream's API",
        _AUDIT,
        account="client.acc",
    ),
    _type(
        "stream_action",
        tuple(f"ADVISORY.STREAM.{action}.*" for action in ("CREATED", "DELETED", "UPDATED")),
        "a stream was created, changed or deleted",
        _STREAM,
        (Field("action", "text", "create, modify or delete", values=("create", "modify", "delete")),),
    ),
    _type(
        "consumer_action",
        tuple(f"ADVISORY.CONSUMER.{action}.*.*" for action in ("CREATED", "DELETED")),
        "a consumer was created or deleted",
        _CONSUMER,
        (Field("action", "text", "create or delete", values=("create", "delete")),),
    ),
    _type(
        "consumer_pause",
        "ADVISORY.CONSUMER.PAUSE.*.*",
        "a consumer was paused, or goes on",
        _CONSUMER,
        (
            Field("paused", "text", "true, or false when it goes on", values=("true", "false")),
            Field("pause_until", "time", "end of the pause"),
        ),
        since="2.11.0",
    ),
    _type(
        "consumer_group_pinned",
        "ADVISORY.CONSUMER.PINNED.*.*",
        "a consumer delivers to one client only",
        _CONSUMER,
        (Field("group", "text", "the group"), Field("pinned_id", "text", "id of the client")),
        since="2.11.0",
    ),
    _type(
        "consumer_group_unpinned",
        "ADVISORY.CONSUMER.UNPINNED.*.*",
        "a consumer delivers to one client only no longer",
        _CONSUMER,
        (Field("group", "text", "the group"), Field("reason", "text", "admin or timeout", values=("admin", "timeout"))),
        since="2.11.0",
    ),
    _type(
        "max_deliver",
        "ADVISORY.CONSUMER.MAX_DELIVERIES.*.*",
        "a message was delivered as often as it may be, and never acknowledged",
        _CONSUMER,
        (_STREAM_SEQ, _DELIVERIES),
        severity="warning",
    ),
    _type(
        "nak",
        "ADVISORY.CONSUMER.MSG_NAKED.*.*",
        "a client gave a message back",
        _CONSUMER,
        (_CONSUMER_SEQ, _STREAM_SEQ, _DELIVERIES),
        since="2.8.2",
    ),
    _type(
        "terminated",
        "ADVISORY.CONSUMER.MSG_TERMINATED.*.*",
        "a client refused a message for good",
        _CONSUMER,
        (
            _CONSUMER_SEQ,
            _STREAM_SEQ,
            _DELIVERIES,
            Field("reason", "text", "the client's words (servers from 2.10.4 on)"),
        ),
        severity="warning",
    ),
    _type(
        "snapshot_create",
        "ADVISORY.STREAM.SNAPSHOT_CREATE.*",
        "a stream's backup begins",
        _STREAM,
        (
            Field("state.messages", "number", "messages in the stream"),
            Field("state.bytes", "bytes", "bytes in the stream"),
            Field("state.first_seq", "number", "number of the first message"),
            Field("state.first_ts", "time", "time of the first message"),
            Field("state.last_seq", "number", "number of the last message"),
            Field("state.last_ts", "time", "time of the last message"),
            Field("state.consumer_count", "number", "consumers of the stream"),
            Field("state.num_subjects", "number", "subjects in the stream"),
            Field("state.num_deleted", "number", "messages deleted in between"),
        ),
        _CLIENT,
    ),
    _type(
        "snapshot_complete",
        "ADVISORY.STREAM.SNAPSHOT_COMPLETE.*",
        "a stream's backup is over",
        _STREAM,
        (
            Field("start", "time", "begin of the backup"),
            Field("end", "time", "end of the backup"),
            Field("error", "text", "why it failed (newer servers only)"),
        ),
        _CLIENT,
    ),
    _type("restore_create", "ADVISORY.STREAM.RESTORE_CREATE.*", "a stream's restoration begins", _STREAM, _CLIENT),
    _type(
        "restore_complete",
        "ADVISORY.STREAM.RESTORE_COMPLETE.*",
        "a stream's restoration is over",
        _STREAM,
        (
            Field("start", "time", "begin of the restoration"),
            Field("end", "time", "end of the restoration"),
            Field("bytes", "bytes", "bytes that were restored"),
        ),
        _CLIENT,
    ),
    _type(
        "consumer_ack",
        "METRIC.CONSUMER.ACK.*.*",
        "a message was acknowledged; only of consumers that sample",
        _CONSUMER,
        (
            _CONSUMER_SEQ,
            _STREAM_SEQ,
            _DELIVERIES,
            Field("ack_time", "seconds", "from the delivery to the acknowledgement"),
        ),
        series=("account.id", "stream", "consumer"),
    ),
)
