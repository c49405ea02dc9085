"""Events of connections: which of them are news, and of which type."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bridge.event import Event, hash_token, parse_time
from bridge.events.accounts import NameOf, hides_tokens
from bridge.events.numbering import SEQ_END, numbered, seq_of
from bridge.once import Once
from bridge.values import MINUTE

Finish = Callable[[str, bytes, Any, int], Event | None]
"""From a decoded body to an event."""

LOGIN_MAX = MINUTE
"""A CONNECT that comes later after the beginning of its connection is a repeated one: a reload of the server's
configuration brings one for each living connection, also for those that came before the bridge did. Servers give a
client 2 s to log in (`authorization.timeout`), and nobody gives it a minute."""


def preparer(name_of: NameOf | None, token_auth: bool) -> NameOf:
    """Hides what is to be hidden in a connection's body. Returns the name of its account, if a rule reads that."""
    if token_auth:
        return partial(_hide_token, name_of)
    return name_of or (lambda body: None)


def _hide_token(name_of: NameOf | None, body: Any) -> str | None:
    user = body.client.user
    if isinstance(user, str) and user and not hides_tokens(body.server.ver):
        body.client.user = hash_token(user)
    return name_of(body) if name_of else None


def disconnects(once: Once, prepare: NameOf) -> Finish:
    """Whatever is looked up for each of them is at hand: a flood is mostly of these."""
    first, fresh = once.first, once.happenings.first
    mine, disconnected = once.mine, once.connections.forget

    def finish(subject: str, data: bytes, body: Any, at: int) -> Event | None:
        server, client, id = body.server, body.client, body.id
        server_id, seq = server.id, server.seq
        if type(server_id) is not str or type(seq) is not int or not 0 <= seq < SEQ_END:
            server_id, seq = server_id if isinstance(server_id, str) else "", seq_of(seq)
        if not (fresh(id) if type(id) is str and id else first(None, server_id, seq)):
            return None
        number = client.id
        connection = server_id, number if isinstance(number, int) else 0
        if connection in mine:
            return None
        disconnected(connection)
        account = client.acc
        if account == "$G" and body.reason == "Authentication Failure":
            return None  # The twin of an authentication error, which servers from 2.12 on send as well.
        if client.kind == "Leafnode":
            name = "leafnode.disconnect"
            once.leafnodes.forget((server_id, account if isinstance(account, str) else ""))
        elif account == "$G" and not client.user and not client.lang:
            name = "client.rejected"
        else:
            name = "client.disconnect"
        return Event(name, at, subject, body, data, server_id, seq, "", None, prepare(body))

    return finish


def connects(once: Once, prepare: NameOf) -> Finish:
    first, fresh = once.first, once.happenings.first

    def finish(subject: str, data: bytes, body: Any, at: int) -> Event | None:
        (server_id, seq), client, id = numbered(body), body.client, body.id
        if not (fresh(id) if type(id) is str and id else first(None, server_id, seq)):
            return None
        connection = server_id, client.id if isinstance(client.id, int) else 0
        if connection in once.mine:
            return None
        if connection[1] and not once.connections.first(connection):
            return None
        if _is_repeated(client.start, body.timestamp):
            return None
        name = "client.connect"
        if client.kind == "Leafnode":
            name = "leafnode.connect"
            once.leafnodes.first((server_id, client.acc if isinstance(client.acc, str) else ""))
        return Event(name, at, subject, body, data, server_id, seq, "", None, prepare(body))

    return finish


def leafnodes(once: Once, prepare: NameOf) -> Finish:
    """The notice that a server gives to other clusters when a leafnode connects, and again to each server that it gets
    to know. It comes after the CONNECT; but where the server's leafnodes have an `authorization` of their own, there is
    none. A notice says the account and not the connection: the first after the account's last DISCONNECT is news, and a
    second leafnode of the account, without a CONNECT, is not."""

    def finish(subject: str, data: bytes, body: Any, at: int) -> Event | None:
        server_id, seq = numbered(body)
        if not once.first(None, server_id, seq):
            return None
        if not once.leafnodes.first((server_id, body.client.acc or "")):
            return None
        return Event("leafnode.connect", at, subject, body, data, server_id, seq, "", None, prepare(body))

    return finish


def refused(once: Once, prepare: NameOf) -> Finish:
    """Failed logins."""

    def finish(subject: str, data: bytes, body: Any, at: int) -> Event | None:
        server_id, seq = numbered(body)
        if not once.first(body.id, server_id, seq):
            return None
        return Event("client.auth_error", at, subject, body, data, server_id, seq, "", None, prepare(body))

    return finish


def _is_repeated(start: object, timestamp: object) -> bool:
    begun, told = parse_time(start), parse_time(timestamp)
    return begun is not None and told is not None and told - begun > LOGIN_MAX
