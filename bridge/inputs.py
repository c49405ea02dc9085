"""All that the engine can be told, besides the passing of time. Instants are microseconds since the epoch."""

from typing import Any

import msgspec

from bridge.command import AddSilence, Command, ExpireSilence
from bridge.commit import Attempt, OutboxRow, Settled


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message from NATS, received at `at`."""

    subject: str
    data: bytes
    at: int
    account: str = ""
    """Whose connection received it, if that is known: what is heard outside the system account is that account's."""


class Happening(msgspec.Struct, frozen=True):
    """Something about the bridge itself; `name` without `bridge.`."""

    name: str
    fields: dict[str, Any]
    at: int


class Blind(msgspec.Struct, frozen=True):
    """From now on NATS is not heard."""

    at: int


class Sight(msgspec.Struct, frozen=True):
    """From now on it is."""

    at: int


class Own(msgspec.Struct, frozen=True):
    """A connection of the bridge itself."""

    server_id: str
    client_id: int
    at: int


class Postponed(msgspec.Struct, frozen=True):
    """A row was tried in vain and has a new time."""

    row: OutboxRow
    at: int


class Tried(msgspec.Struct, frozen=True):
    """One delivery attempt, to be recorded."""

    attempt: Attempt
    at: int


class Remembered(msgspec.Struct, frozen=True):
    """What a receiver must know in later conversations about the row's group."""

    row: str
    memory: dict[str, Any]
    at: int


class Renewing(msgspec.Struct, frozen=True):
    """A row that was tried in vain waits for its next try; its worker asks whether there is more to tell by now. The
    commit that holds the row under the same number has the answer."""

    row: str
    number: int
    at: int


class Asked(msgspec.Struct, frozen=True):
    """A command of a person. The commit that holds what it did has the answer, under the same number."""

    number: int
    command: Command
    at: int


Input = (
    Message
    | Happening
    | Blind
    | Sight
    | Own
    | Settled
    | Postponed
    | Tried
    | Remembered
    | Renewing
    | Asked
    | AddSilence
    | ExpireSilence
)
