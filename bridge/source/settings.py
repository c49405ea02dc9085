"""What the source must know of the rules file, and the bounds that it keeps to."""

from pathlib import Path

import msgspec

from bridge.values import Secret


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How servers prove themselves, and how the bridge does. Any of them set means: never talk without TLS."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    first: bool = False
    """The handshake comes before the server's first word (servers from 2.10.4 on, `handshake_first`)."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where NATS is and who the bridge is there. Files are read anew at each connect."""

    servers: tuple[str, ...]
    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    credentials: Path | None = None
    nkey_file: Path | None = None
    tls: Tls = Tls()
    inbox_prefix: str = "_INBOX"
    sealed: bool = False
    """The login lies where systemd put it for the life of this process: only a new process can have another."""
    file: str = "the configuration"
    """The file that people edit, named in what they are told."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds; spans are in seconds."""

    connect: float = 15.0
    """For everything from the first packet to a login."""
    answer: int = 5
    """For each single answer of a server on the way to a login, and for each sign of life afterwards."""
    probe: float = 10.0
    """Between two checks that the connection still works."""
    statistics: float = 105.0
    """Without statistics of any server, where they are listened to: each server sends its own every 30 s at least."""
    retry: float = 20.0
    """Between two tries of what the user may not subscribe to: a server that allows it from now on does not say so."""
    refused: float = 120.0
    """Of refused logins with credentials that cannot change in this process, before it is given up."""
    imports: float = 60.0
    """Between two looks at what the system account imports, where rules need that."""
    unseen: float = 3600.0
    """The same where it cannot be looked at."""
    expiry: float = 60.0
    """Between two looks at how long the credentials are still good."""
    skew: float = 10.0
    """By which a server's clock may differ from ours."""
    roll_call: float = 10.0
    """For all answers to the PING after a connect. Clocks of rules stand still as long."""
    quiet: float = 1.0
    """After the last answer to the PING, if some servers that were counted do not answer: they may have crashed."""
    grace: float = 10.0
    """Without a working connection before people are told."""
    patience: float = 2.0
    """Without reading while the sink is crowded; then all is read until it was not. A nats-server cuts off whom it
    cannot write to for 10 s, and who makes more than 64 MB wait (its defaults)."""
    told_every: float = 1.0
    """Between two events about dropped messages."""
    move: float = 1.0
    """Between a server's word that it will stop and the move to another, so that its last event is heard."""


class Polls(msgspec.Struct, frozen=True, kw_only=True):
    """What servers are asked for, and how often. Spans are in seconds."""

    wants: frozenset[str] = frozenset()
    """Types of events that are made of answers; none: nobody is asked."""
    interval: float = 30.0
    timeout: float = 5.0
    """For each answer."""
    hide_tokens: bool = False
    """Users of connections may be tokens, on servers that show them."""
