"""From the rules file to what the engine, the source and the workers want to know."""

from collections.abc import Mapping
from pathlib import Path

from bridge.builtin import builtin_rules
from bridge.config import Loaded
from bridge.config.schema import Nats
from bridge.events.accounts import Names
from bridge.muting import Mutes
from bridge.receiver import Destination
from bridge.routing import Routing
from bridge.setup import PlacedRule, Setup
from bridge.source.settings import Polls, Settings, Tls
from bridge.standins import Target
from bridge.values import SECOND


def setup(loaded: Loaded) -> Setup:
    """The operator's rules and the built-in ones."""
    config = loaded.config
    own = [PlacedRule(rule) for rule in builtin_rules(rule.rule.alert for rule in loaded.rules)]
    rules = [PlacedRule(rule.rule, f"{rule.file}:{rule.line}") for rule in loaded.rules]
    return Setup(
        rules=(*rules, *own),
        routing=Routing(
            route=config.route,
            targets={
                receiver.name: tuple(
                    Target(key, each.send_resolved, each.memory_for, each.digest)
                    for key, each in receiver.destinations.items()
                )
                for receiver in config.receivers
            },
            give_up_after=config.delivery.give_up_after,
            fallbacks={each.name: each.fallback for each in config.receivers if each.fallback is not None},
            external_url=config.external_url,
            mutes=Mutes(
                inhibit_rules=tuple(config.inhibit_rules),
                time_intervals={each.name: each for each in config.time_intervals},
                silences=tuple(each.silence() for each in config.silences),
            ),
        ),
        labels=config.labels,
        poll_interval=config.nats.poll.interval,
        names=Names(config.nats.accounts, config.nats.token_auth, config.nats.imports),
    )


def polls(loaded: Loaded, wants: frozenset[str]) -> Polls:
    """How servers are asked for events of these types."""
    nats = loaded.config.nats
    interval, timeout = nats.poll.interval / SECOND, nats.poll.timeout / SECOND
    return Polls(wants=wants, interval=interval, timeout=timeout, hide_tokens=nats.token_auth)


def destinations(loaded: Loaded) -> dict[str, Destination]:
    """By the key of their queue."""
    return loaded.config.destinations


def settings(loaded: Loaded, path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Where NATS is. `path` is the file that people are told to edit."""
    nats, tls = loaded.config.nats, loaded.config.nats.tls
    return Settings(
        servers=tuple(nats.servers),
        user=nats.user,
        password=nats.password,
        token=nats.token,
        credentials=nats.credentials,
        nkey_file=nats.nkey_file,
        tls=Tls(ca_file=tls.ca_file, cert_file=tls.cert_file, key_file=tls.key_file, first=tls.first) if tls else Tls(),
        inbox_prefix=nats.inbox_prefix,
        sealed=_sealed(nats, (environ or {}).get("CREDENTIALS_DIRECTORY", "")),
        file=str(path),
    )


def _sealed(nats: Nats, directory: str) -> bool:
    """Whether the login lies in the directory that systemd filled when it started this process."""
    secrets = [secret.file for secret in (nats.password, nats.token) if secret]
    certificate = nats.tls.cert_file if nats.tls else None
    files = (nats.credentials, nats.nkey_file, certificate, *secrets)
    return bool(directory) and any(file.is_relative_to(directory) for file in files if file)
