"""The bridge about itself."""

from bridge.event import EventType, Field
from bridge.events.fields import COMMON, catalogue

_OWN = (Field("type", "text", "name of the event type"), Field("subject", "text", "the same name"))


def _type(name: str, about: str, *fields: Field) -> EventType:
    return EventType(name=f"bridge.{name}", subjects=(), about=about, fields=catalogue(_OWN, fields))


_REASON = Field("reason", "text", "what happened, in words")
_SINCE = Field("since", "number", "unix time of the beginning")
_SERVER = tuple(field for field in COMMON if field.path in ("server.name", "server.id", "server.ver", "server.cluster"))

TYPES = (
    _type("started", "the bridge started", Field("version", "text", "version of the bridge")),
    _type(
        "away",
        "the bridge did not hear NATS for a while",
        Field("from", "text", "begin, UTC"),
        Field("to", "text", "end, UTC"),
        Field("seconds", "seconds", "length"),
        Field("span", "text", "the same, as people say it"),
        Field("messages", "number", "at most so many messages were missed, of servers that still run"),
        Field("missed", "text", "the same in a sentence"),
        Field("servers", "text", "the same for each server"),
        Field("ended", "text", "who disconnected meanwhile, as far as servers remember, in a sentence"),
        Field("disconnects", "number", "how many those were; absent where nobody could tell"),
        Field("reasons", "text", "why, and how many for each reason"),
        Field("accounts", "text", "how many of each account"),
    ),
    _type(
        "nats_disconnected",
        "NATS cannot be reached",
        _REASON,
        _SINCE,
        Field("servers", "text", "the servers that were tried"),
    ),
    _type("nats_reconnected", "NATS can be heard again", _SINCE, Field("seconds", "seconds", "how long it was gone")),
    _type(
        "login_failed", "a server refuses the bridge's login", _REASON, Field("server", "text", "address of the server")
    ),
    _type("wrong_account", "the bridge is logged in outside the system account", _REASON),
    _type(
        "permission_denied",
        "the bridge's user may not do what the rules need, or the system account does not import it",
        _REASON,
        Field("denied", "text", "the subject"),
    ),
    _type(
        "permission_granted",
        "the bridge's user may do what it might not, or it is imported again",
        Field("denied", "text", "the subject"),
    ),
    _type(
        "credentials_expiring",
        "the bridge's credentials for NATS end soon",
        _REASON,
        Field("file", "text", "the file that holds them"),
        Field("expires", "number", "unix time of their end"),
        Field("seconds", "seconds", "time that is left"),
    ),
    _type("credentials_valid", "the bridge's credentials for NATS are good for long"),
    _type(
        "clock_skew",
        "the clock of a server differs from the bridge's",
        _REASON,
        Field("server.name", "text", "name of the server"),
        Field("seconds", "seconds", "how far it is ahead at least; negative if it is behind"),
    ),
    _type(
        "server_no_answer",
        "a server that answered before does not answer a poll",
        *_SERVER,
        _REASON,
        Field("requests", "text", "what it was asked"),
    ),
    _type("server_answered", "a server answers polls, or is not asked any more", *_SERVER),
    _type("events_dropped", "messages were lost on the way in", Field("count", "number", "how many"), _REASON),
    _type(
        "malformed_event",
        "a message that is no event",
        _REASON,
        Field("from", "text", "subject of the message"),
        Field("bytes", "bytes", "size of the message"),
    ),
    _type(
        "delivery_failed",
        "a notification was given up",
        _REASON,
        Field("destination", "text", "receiver, type and name or place of the entry"),
        Field("notification", "text", "id of the notification"),
    ),
    _type(
        "receiver_dead",
        "a destination takes nothing from the bridge",
        _REASON,
        Field("destination", "text", "receiver, type and name or place of the entry"),
    ),
    _type(
        "receiver_recovered",
        "a destination takes messages again",
        Field("destination", "text", "receiver, type and name or place of the entry"),
    ),
    _type(
        "silence_expiring",
        "a silence ends soon, and alerts fire that it mutes",
        Field("silence", "text", "id of the silence"),
        Field("alerts", "number", "so many alerts that fire"),
        Field("remaining", "seconds", "time until its end"),
        Field("matchers", "text", "which alerts it mutes"),
        Field("comment", "text", "what was written when it was made"),
        Field("created_by", "text", "who made it"),
    ),
    _type("config_invalid", "a file with rules cannot be used", _REASON, Field("file", "text", "the file")),
    _type("config_valid", "all files with rules can be used again"),
    _type(
        "rule_overflow",
        "a rule watches as many combinations as it may",
        Field("rule", "text", "the rule's alert"),
        _REASON,
    ),
    _type("store_degraded", "the database cannot be written", _REASON),
    _type("store_recovered", "the database can be written again"),
    _type("state_lost", "the database was lost or damaged, and a new one begun", _REASON),
)
