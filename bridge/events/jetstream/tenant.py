"""What only the account itself hears: the work of its streams and consumers, and requests to JetStream's API."""

from bridge.event import Field
from bridge.events.jetstream.advisory import CLIENT, CONSUMER, STREAM, advisory
from bridge.events.jetstream.audit import AUDIT

_STREAM_SEQ = Field("stream_seq", "number", "number of the message in the stream")
_CONSUMER_SEQ = Field("consumer_seq", "number", "number of the delivery of the consumer")
_DELIVERIES = Field("deliveries", "number", "how often the message was delivered")

TYPES = (
    advisory(
        "api_audit",
        "ADVISORY.API",
        "somebody used JetStream's API",
        AUDIT,
        told_to="asker",
        account="client.acc",
    ),
    advisory(
        "stream_action",
        tuple(f"ADVISORY.STREAM.{action}.*" for action in ("CREATED", "DELETED", "UPDATED")),
        "a stream was created, changed or deleted",
        STREAM,
        (Field("action", "text", "create, modify or delete", values=("create", "modify", "delete")),),
    ),
    advisory(
        "consumer_action",
        tuple(f"ADVISORY.CONSUMER.{action}.*.*" for action in ("CREATED", "DELETED")),
        "a consumer was created or deleted",
        CONSUMER,
        (Field("action", "text", "create or delete", values=("create", "delete")),),
    ),
    advisory(
        "consumer_pause",
        "ADVISORY.CONSUMER.PAUSE.*.*",
        "a consumer was paused, or goes on",
        CONSUMER,
        (
            Field("paused", "text", "true, or false when it goes on", values=("true", "false")),
            Field("pause_until", "time", "end of the pause"),
        ),
        since="2.11.0",
    ),
    advisory(
        "consumer_group_pinned",
        "ADVISORY.CONSUMER.PINNED.*.*",
        "a consumer delivers to one client only",
        CONSUMER,
        (Field("group", "text", "the group"), Field("pinned_id", "text", "id of the client")),
        since="2.11.0",
    ),
    advisory(
        "consumer_group_unpinned",
        "ADVISORY.CONSUMER.UNPINNED.*.*",
        "a consumer delivers to one client only no longer",
        CONSUMER,
        (Field("group", "text", "the group"), Field("reason", "text", "admin or timeout", values=("admin", "timeout"))),
        since="2.11.0",
    ),
    advisory(
        "max_deliver",
        "ADVISORY.CONSUMER.MAX_DELIVERIES.*.*",
        "a message was delivered as often as it may be, and never acknowledged",
        CONSUMER,
        (_STREAM_SEQ, _DELIVERIES),
        severity="warning",
    ),
    advisory(
        "nak",
        "ADVISORY.CONSUMER.MSG_NAKED.*.*",
        "a client gave a message back",
        CONSUMER,
        (_CONSUMER_SEQ, _STREAM_SEQ, _DELIVERIES),
        since="2.8.2",
    ),
    advisory(
        "terminated",
        "ADVISORY.CONSUMER.MSG_TERMINATED.*.*",
        "a client refused a message for good",
        CONSUMER,
        (
            _CONSUMER_SEQ,
            _STREAM_SEQ,
            _DELIVERIES,
            Field("reason", "text", "the client's words (servers from 2.10.4 on)"),
        ),
        severity="warning",
    ),
    advisory(
        "snapshot_create",
        "ADVISORY.STREAM.SNAPSHOT_CREATE.*",
        "a stream's backup begins",
        STREAM,
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
        CLIENT,
    ),
    advisory(
        "snapshot_complete",
        "ADVISORY.STREAM.SNAPSHOT_COMPLETE.*",
        "a stream's backup is over",
        STREAM,
        (
            Field("start", "time", "begin of the backup"),
            Field("end", "time", "end of the backup"),
            Field("error", "text", "why it failed (newer servers only)"),
        ),
        CLIENT,
    ),
    advisory("restore_create", "ADVISORY.STREAM.RESTORE_CREATE.*", "a stream's restoration begins", STREAM, CLIENT),
    advisory(
        "restore_complete",
        "ADVISORY.STREAM.RESTORE_COMPLETE.*",
        "a stream's restoration is over",
        STREAM,
        (
            Field("start", "time", "begin of the restoration"),
            Field("end", "time", "end of the restoration"),
            Field("bytes", "bytes", "bytes that were restored"),
        ),
        CLIENT,
    ),
    advisory(
        "consumer_ack",
        "METRIC.CONSUMER.ACK.*.*",
        "a message was acknowledged; only of consumers that sample",
        CONSUMER,
        (
            _CONSUMER_SEQ,
            _STREAM_SEQ,
            _DELIVERIES,
            Field("ack_time", "seconds", "from the delivery to the acknowledgement"),
        ),
        series=("account.id", "stream", "consumer"),
    ),
)
