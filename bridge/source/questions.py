"""What servers are asked for the sake of each polled type of events, and the messages that are made of the answers.

A whole answer is a message on `$SYS.REQ.SERVER.<id>.<endpoint>` as it came. An item of a list is one on
`$SYS.REQ.SERVER.<id>.<endpoint>.<ITEM>`: `{"server": …, "data": the item, and what tells it from others}`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import msgspec

from bridge.event import hash_token
from bridge.events.accounts import hides_tokens
from bridge.source.connection import Connection
from bridge.source.gather import Answer, Origin, Paged, request

Message = tuple[str, bytes]
Item = tuple[str, dict[str, Any]]
"""The last part of the subject, and the data."""

ACCOUNTS_AT_ONCE = 8
"""Accounts that are asked about at the same time: there is a request for each."""


class Pose(msgspec.Struct, frozen=True):
    """To whom, and how long to wait: all servers, at least so many, or one by its id."""

    within: float
    least: int = 1
    to: str = ""


class Question(msgspec.Struct, frozen=True):
    """A request, which may be answered in pages. Without `items` an answer is one message."""

    endpoint: str
    paged: Paged | None = None
    items: Callable[[Any, Origin], Iterable[Item]] | None = None
    """From the data and the server that sent it."""
    each_account: bool = False

    async def ask(self, nats: Connection, pose: Pose) -> AsyncIterator[tuple[Answer, list[Message]]]:
        """All answers, each with its messages. Raises Unreachable."""
        if self.paged is not None:
            async for answer in nats.pages(self.paged, within=pose.within, to=pose.to, least=pose.least):
                yield answer, self._messages(answer)
            return
        gathered = await nats.ask(request(self.endpoint, pose.to), within=pose.within, least=pose.least)
        answers = list(gathered.answers.values())
        for answer in answers:
            yield answer, [] if self.each_account else self._messages(answer)
        if self.each_account:
            async for answer in self._accounts(nats, answers, pose):
                yield answer, self._messages(answer)

    async def _accounts(self, nats: Connection, lists: list[Answer], pose: Pose) -> AsyncIterator[Answer]:
        """The answers about each account that any of the servers names."""
        names = sorted({name for answer in lists for name in _names(answer)})
        subject, least = request(self.endpoint, pose.to), len(lists)
        for begin in range(0, len(names), ACCOUNTS_AT_ONCE):
            some = names[begin : begin + ACCOUNTS_AT_ONCE]
            asked = [nats.ask(subject, {"account": name}, within=pose.within, least=least) for name in some]
            for gathered in await asyncio.gather(*asked):
                # An error: this server does not know the account, or not any more.
                for answer in gathered.answers.values():
                    if not answer.error:
                        yield answer

    def _messages(self, answer: Answer) -> list[Message]:
        subject = request(self.endpoint, answer.server.id)
        if answer.error:
            return []
        if self.items is None:
            return [(subject, answer.body)]
        server = msgspec.json.decode(answer.body, type=_Server).server
        return [
            (f"{subject}.{kind}", msgspec.json.encode({"server": server, "data": data}))
            for kind, data in self.items(_decoded(answer), answer.server)
        ]


class _Server(msgspec.Struct):
    server: msgspec.Raw


def questions(wants: Iterable[str], hide_tokens: bool = False) -> list[Question]:
    """What to ask for these types of events."""
    wanted = set(wants)
    jetstream = {name.partition(".")[2].upper() for name in wanted & {"poll.stream", "poll.consumer"}}
    asked = [question for name, question in _QUESTIONS.items() if name in wanted]
    if hide_tokens:
        asked = [msgspec.structs.replace(one, items=_hidden) if one.endpoint == "CONNZ" else one for one in asked]
    return [*asked, _jetstream(jetstream)] if jetstream else asked


def _names(answer: Answer) -> list[str]:
    data = None if answer.error else _decoded(answer)
    names = data.get("accounts") if isinstance(data, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _decoded(answer: Answer) -> Any:
    try:
        return answer.data
    except (msgspec.DecodeError, RecursionError):
        return None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _listed(kind: str, key: str) -> Callable[[Any, Origin], Iterator[Item]]:
    def items(data: Any, server: Origin) -> Iterator[Item]:
        for item in _dicts(data.get(key)) if isinstance(data, dict) else ():
            yield kind, item

    return items


_connections = _listed("CONNECTION", "connections")


def _hidden(data: Any, server: Origin) -> Iterator[Item]:
    """Connections whose user may be a token."""
    for kind, item in _connections(data, server):
        user = item.get("authorized_user")
        if isinstance(user, str) and user and not hides_tokens(server.ver):
            item["authorized_user"] = hash_token(user)
        yield kind, item


def _gateways(data: Any, server: Origin) -> Iterator[Item]:
    for direction in ("outbound", "inbound"):
        gateways = data.get(f"{direction}_gateways") if isinstance(data, dict) else None
        for name, found in gateways.items() if isinstance(gateways, dict) else ():
            for item in _dicts(found if isinstance(found, list) else [found]):
                yield "GATEWAY", {"direction": direction, "gateway": name, **item}


_NOT_OF_ACCOUNT = frozenset(
    ("jwt", "decoded_jwt", "imports", "exports", "responses", "revoked_user", "mappings", "sublist_stats")
)
"""What is long, and told by no rule; of the claims only the limits stay."""


def _account(data: Any, server: Origin) -> Iterator[Item]:
    detail = data.get("account_detail") if isinstance(data, dict) else None
    if isinstance(detail, dict):
        item = {key: value for key, value in detail.items() if key not in _NOT_OF_ACCOUNT}
        claims = detail.get("decoded_jwt")
        nats = claims.get("nats") if isinstance(claims, dict) else None
        limits = nats.get("limits") if isinstance(nats, dict) else None
        yield "ACCOUNT", {**item, "limits": limits} if isinstance(limits, dict) else item


def _jetstream(kinds: set[str]) -> Question:
    options: dict[str, object] = {"accounts": True, "streams": True, "config": True, "consumer": "CONSUMER" in kinds}

    def items(data: Any, server: Origin) -> Iterator[Item]:
        for account in _dicts(data.get("account_details")) if isinstance(data, dict) else ():
            whose = {"account": account.get("id") or account.get("name"), "account_name": account.get("name")}
            for stream in _dicts(account.get("stream_detail")):
                consumers = _dicts(stream.pop("consumer_detail", None))
                if "STREAM" in kinds and _leads(server.name, stream):
                    yield "STREAM", {**whose, **stream}
                for consumer in consumers if "CONSUMER" in kinds else ():
                    if _leads(server.name, consumer, stream):
                        yield "CONSUMER", {**whose, **consumer}

    return Question("JSZ", Paged("JSZ", "account_details", options), items)


def _leads(server: str, *details: dict[str, Any]) -> bool:
    """Whether this server leads the group that the first tells of, else the next; one that is alone tells of none."""
    for detail in details:
        cluster = detail.get("cluster")
        if isinstance(cluster, dict):
            return bool(cluster.get("leader") == server)
    return True


_QUESTIONS = {
    "server.healthz": Question("HEALTHZ"),
    "server.varz": Question("VARZ"),
    "server.jsz": Question("JSZ"),
    "poll.connection": Question("CONNZ", Paged("CONNZ", "connections", {"auth": True}), _connections),
    "poll.route": Question("ROUTEZ", None, _listed("ROUTE", "routes")),
    "poll.gateway": Question("GATEWAYZ", None, _gateways),
    "poll.leafnode": Question("LEAFZ", None, _listed("LEAFNODE", "leafs")),
    "poll.account": Question("ACCOUNTZ", None, _account, each_account=True),
}
